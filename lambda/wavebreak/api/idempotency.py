"""Requests that carry an Idempotency-Key: done once, answered alike for a day.

Powertools keeps the record: the key counts for one caller and route; another body under the same key is refused, and so
is a second request while the first still runs. A request that fails leaves no record, so that it may be sent again. The
records are no more than a memory of answers: what must not be made twice is known by `store.request_keys`.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.state_client import states
from wavebreak.domain.errors.record import Severity
from wavebreak.identifiers import RequestKey
from wavebreak.lambda_entry import tracker
from wavebreak.problems import IdempotencyConflict, InvalidRequest
from wavebreak.settings import MissingSettingError, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_EXPIRES_SECONDS: Final = 24 * 60 * 60


@cache
def _records() -> DynamoDBPersistenceLayer:
    """Return the table of records, set up at the first request with a key: most requests have none."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415  see above

    table = settings().idempotency_table_name
    if table is None:
        raise MissingSettingError("IDEMPOTENCY_TABLE_NAME is not set")
    return DynamoDBPersistenceLayer(table_name=table, boto3_client=states())


def once(request: RequestKey, context: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do `work` unless it was done for this request; give its first answer either way.

    Raise IdempotencyConflict for another body or while the first runs; what `work` raises passes through and leaves no
    record. Answers are kept compressed: they may list 4,000 servers. While the records do not answer, `work` is done
    without them: it knows by `request` what it made before, or may be done twice.
    """
    from aws_lambda_powertools.utilities import idempotency  # noqa: PLC0415  half the import time of an API function
    from aws_lambda_powertools.utilities.idempotency import exceptions  # noqa: PLC0415

    config = idempotency.IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="body",
        expires_after_seconds=_EXPIRES_SECONDS,
        hash_function="sha256",
    )
    config.register_lambda_context(context)
    outcomes: list[dict[str, Any] | Exception] = []

    def answer(request: dict[str, Any]) -> str:  # noqa: ARG001  Powertools reads the key and the body from it
        try:
            outcomes.append(work())
        except Exception as error:
            outcomes.append(error)
            raise
        return _packed(outcomes[0])

    remembered = idempotency.idempotent_function(
        answer, data_keyword_argument="request", config=config, persistence_store=_records()
    )
    try:
        return _unpacked(remembered(request={"key": request.digest, "body": request.body}))
    except exceptions.IdempotencyValidationError as error:
        raise IdempotencyConflict("This Idempotency-Key was used for another body") from error
    except exceptions.IdempotencyAlreadyInProgressError as error:
        raise IdempotencyConflict("The first request with this Idempotency-Key is still running") from error
    except (exceptions.IdempotencyPersistenceLayerError, exceptions.IdempotencyInconsistentStateError) as error:
        tracker().record_error(error, Severity.WARNING)
        return _without_records(outcomes, work)


def _without_records(
    outcomes: Sequence[dict[str, Any] | Exception], work: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return the outcome of the work though its record is lost, or do the work though there is none."""
    if not outcomes:
        return work()
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def request_key(key: str, caller: str, method: str, path: str, body: Any) -> RequestKey:
    """Make what a request is known by; raise InvalidRequest for an Idempotency-Key that can be none."""
    if not _KEY.fullmatch(key):
        raise InvalidRequest.of(f"/{HEADER}", "must be 1 to 255 visible ASCII characters")
    return RequestKey.of(key, caller, method, path, body)


def _packed(answer: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(answer, ensure_ascii=False).encode())).decode()


def _unpacked(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(text)))
    return answer
