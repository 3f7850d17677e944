"""Requests that carry an Idempotency-Key: done once, answered alike for a day.

Powertools keeps the record: the key counts for one caller and route; another body under the same key is refused, and so
is a second request while the first still runs. A request that fails leaves no record, so that it may be sent again.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.state_client import states
from wavebreak.problems import IdempotencyConflict, InvalidRequest, Unavailable
from wavebreak.settings import MissingSetting, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_EXPIRES_SECONDS: Final = 24 * 60 * 60


@cache
def _records() -> DynamoDBPersistenceLayer:
    """Give the records' table, set up at the first request that carries a key: most carry none."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415  see above

    table = settings().idempotency_table_name
    if table is None:
        raise MissingSetting("IDEMPOTENCY_TABLE_NAME is not set")
    return DynamoDBPersistenceLayer(table_name=table, boto3_client=states())


def once(key: str, scope: list[str], body: Any, context: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do `work` unless it was done for this key, scope (caller and route) and body; give its first answer either way.

    Raises IdempotencyConflict for another body or while the first runs, Unavailable when the records do not answer;
    what `work` raises passes through and leaves no record. Answers are kept compressed: they may list 4,000 servers.
    """
    from aws_lambda_powertools.utilities import idempotency  # noqa: PLC0415  half the import time of an API function
    from aws_lambda_powertools.utilities.idempotency import exceptions  # noqa: PLC0415

    if not _KEY.fullmatch(key):
        raise InvalidRequest.of(f"/{HEADER}", "must be 1 to 255 visible ASCII characters")
    config = idempotency.IdempotencyConfig(
        event_key_jmespath="[key, scope]",
        payload_validation_jmespath="body",
        expires_after_seconds=_EXPIRES_SECONDS,
        hash_function="sha256",
    )
    config.register_lambda_context(context)

    def answer(request: dict[str, Any]) -> str:  # noqa: ARG001  Powertools reads the key and the body from it
        return _packed(work())

    remembered = idempotency.idempotent_function(
        answer, data_keyword_argument="request", config=config, persistence_store=_records()
    )
    try:
        return _unpacked(remembered(request={"key": key, "scope": scope, "body": body}))
    except exceptions.IdempotencyValidationError as error:
        raise IdempotencyConflict("This Idempotency-Key was used for another body") from error
    except exceptions.IdempotencyAlreadyInProgressError as error:
        raise IdempotencyConflict("The first request with this Idempotency-Key is still running") from error
    except (exceptions.IdempotencyPersistenceLayerError, exceptions.IdempotencyInconsistentStateError) as error:
        raise Unavailable("Idempotency records do not answer; send the same request again") from error


def _packed(answer: dict[str, Any]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(answer, ensure_ascii=False).encode())).decode()


def _unpacked(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text)))
    return answer
