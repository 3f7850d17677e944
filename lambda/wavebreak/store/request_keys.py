"""Which id belongs to a request with an Idempotency-Key, for a day: whatever else is lost, it makes one thing only.

The records that hold first answers (`api.idempotency`) may be lost, or their table away. So the id of what a request
makes is written down before it is made, and every try of the same request makes the thing of that id.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.locking.lock_rules import GRACE
from wavebreak.problems import IdempotencyConflict, Unavailable
from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.identifiers import RequestKey
    from wavebreak.store.table import Item

REMEMBERED: Final = timedelta(hours=24)
"""How long a key counts (contract 4)."""
_ROUNDS: Final = 6


class RequestKeyStore:
    """The KEY items."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def id_of(
        self, request: RequestKey | None, new_id: str, partition_of: Callable[[str], str], now: datetime
    ) -> tuple[str, bool]:
        """Return the id of what a request makes, and whether that exists already.

        It is `new_id` for a request without a key, for the first try of one, and for a later try when the earlier ones
        came to nothing: a minute ago, or with another body. `partition_of` gives the partition of an id. Raises
        IdempotencyConflict when the key made something for another body.
        """
        if request is None:
            return new_id, False
        for _ in range(_ROUNDS):
            item = self.table.get(keys.request(request.digest), keys.KEY)
            known = item if item is not None and now.timestamp() < int(item["forgetAfter"]) else None
            if known is not None:
                same, made = known["body"] == request.body, str(known["made"])
                if self.table.get(partition_of(made), keys.META) is not None:
                    if not same:
                        raise IdempotencyConflict("This Idempotency-Key was used for another body")
                    return made, True
                if same and now - parse_iso(known["at"]) <= GRACE:
                    return made, False
            if self._remember(request, new_id, item, now):
                return new_id, False
        raise Unavailable("This Idempotency-Key is being used by many at once", retry_after_seconds=1)

    def _remember(self, request: RequestKey, made: str, before: Item | None, now: datetime) -> bool:
        item: Item = {
            "pk": keys.request(request.digest),
            "sk": keys.KEY,
            "made": made,
            "body": request.body,
            "at": iso(now),
            "forgetAfter": int((now + REMEMBERED).timestamp()),
        }
        condition, values = "attribute_not_exists(pk)", {}
        if before is not None:
            condition, values = "made = :before", {":before": before["made"]}
        try:
            self.table.transact([Write("key", "Put", item, condition, values)])
        except ConditionFailedError:
            return False
        return True
