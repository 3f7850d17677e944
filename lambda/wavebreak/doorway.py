"""What every Lambda function does at its door: structured logs that carry the execution's and the request's ids."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.logging import Logger
from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

logger = Logger(service="wavebreak", utc=True)
"""Formats this project's loggers too: all of them are children of the one called `wavebreak`."""

_SERVER_FAULT: Final = 500
_THROTTLES: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionCanceledException",
        "TransactionInProgressException",
    },
)
_FIELDS: Final = ("executionId", "name", "wave")


def request_id_of(context: Any) -> str | None:
    """Give the id under which Lambda knows an invocation."""
    return getattr(context, "aws_request_id", None)


def doorway(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Make a function of an event a Lambda handler that logs what leaves it as an error, and lets it leave.

    A fault of a service leaves as `Unavailable`, which the state machines try again; anything else fails the run.
    """

    @wraps(handle)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        logger.clear_state()
        logger.append_keys(requestId=request_id_of(context), **_known(event))
        try:
            return handle(event)
        except (BotoCoreError, ClientError) as error:
            logger.exception("%s failed", handle.__name__)
            if is_transient(error):
                raise Unavailable(str(error)) from error
            raise
        except Exception:
            logger.exception("%s failed", handle.__name__)
            raise

    return handler


def is_transient(error: BotoCoreError | ClientError) -> bool:
    """Tell whether a call may succeed when it is made again: no answer, a fault of the service, or a throttle."""
    if isinstance(error, BotoCoreError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _SERVER_FAULT or error.response.get("Error", {}).get("Code", "") in _THROTTLES


def _known(event: dict[str, Any]) -> dict[str, Any]:
    """Pick the fields that lines are found by; `name` is the run of the state machine."""
    return {"run" if field == "name" else field: event[field] for field in _FIELDS if field in event}
