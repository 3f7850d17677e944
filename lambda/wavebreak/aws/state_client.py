"""The DynamoDB client of the small tables beside the store: circuits and Idempotency-Keys.

What is kept there is a help, not the product: an answer may take a second, a write two. A read is made once, a write
again under the preset `cache`; botocore repeats neither.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3

from wavebreak.resilience import retries
from wavebreak.resilience.client_config import config

if TYPE_CHECKING:
    from collections.abc import Callable


class StateClient:
    """As much of a DynamoDB client as Powertools and circuits use: reads by one client, writes by another."""

    def __init__(self, reads: Any, writes: Any) -> None:
        """Keep two clients of the same table, each with the limit of what it is for."""
        self.meta = writes.meta
        self.get_item = reads.get_item
        self.transact_get_items = reads.transact_get_items
        self.get_paginator = reads.get_paginator
        self.put_item = _repeated(writes.put_item)
        self.update_item = _repeated(writes.update_item)
        self.delete_item = _repeated(writes.delete_item)


def _repeated(write: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **parameters: retries.call("cache", partial(write, **parameters))


@cache
def states() -> Any:
    """Return the DynamoDB client of circuits and Idempotency-Keys, in the stack's own Region."""
    return StateClient(
        boto3.client("dynamodb", config=config("state_read", attempts=1)),
        boto3.client("dynamodb", config=config("state_write", attempts=1)),
    )
