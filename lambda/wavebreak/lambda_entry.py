"""What every Lambda function does at its door: structured logs that carry the execution's and the request's ids."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.logging import Logger
from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.app import app, utc_now
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.machine_runs import execution_id_of
from wavebreak.domain.steps.step_ids import STEP_RUN
from wavebreak.identifiers import COMMAND_ID
from wavebreak.observability.error_tracker import ErrorTracker, begin
from wavebreak.observability.metrics import Meter
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS, is_transient
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.timeouts import invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

logger = Logger(service="wavebreak", utc=True)
"""Formats this project's loggers too: all of them are children of the one called `wavebreak`."""

_FIELDS: Final = ("executionId", "name", "wave", "commandId", "number", "stepId")


def request_id_of(context: Any) -> str | None:
    """Return the id under which Lambda knows an invocation."""
    return getattr(context, "aws_request_id", None)


def function_name_of(context: Any) -> str:
    """Return the name of the Lambda function that is invoked."""
    return str(getattr(context, "function_name", ""))


def doorway(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """Make a function of an event a Lambda handler that records what leaves it as an error, and lets it leave.

    A fault of a service, and an open circuit, leave as `Unavailable`, the name by which the state machines try again;
    anything else fails the run.
    """

    @wraps(handle)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        logger.clear_state()
        known = {"requestId": request_id_of(context), **_known(event)}
        logger.append_keys(**known)
        begin(function_name_of(context), _execution_of(event), known)
        try:
            with invocation(context):
                return handle(event)
        except FAULTS as error:
            tracker().record_error(error, severity_of(error))
            if is_transient(error) or isinstance(error, Unavailable):
                raise Unavailable(str(error)) from error
            raise
        except Exception as error:
            tracker().record_error(error)
            raise

    return handler


def failure_in(event: Mapping[str, Any], *, name: str = "Unknown", cause: str = "Unknown") -> tuple[str, str, str]:
    """Return why a run of a machine failed, as its last task is given it: the run's name, the error and its cause."""
    described = {"name": name, "error": "Unknown", "cause": cause}
    given, error, why = (str(event.get(field) or unless_given) for field, unless_given in described.items())
    return given, error, why


def of_each(execution_ids: Iterable[str], work: Callable[[str], int]) -> int:
    """Do the work of each execution and return the sum; a fault is recorded with its execution and goes no further."""
    return each_despite_faults(
        execution_ids,
        work,
        lambda error, execution_id: tracker().record_error(error, execution_id=execution_id),
        raises=False,
    )


def tracker() -> ErrorTracker:
    """Return what records this function's errors; logs and counts alone when the app itself cannot be put together."""
    try:
        return app().errors
    except Exception:  # noqa: BLE001  whatever is wrong with the app is what is about to be recorded
        return ErrorTracker(None, Meter(os.environ.get("STACK_NAME", "unknown"), utc_now), utc_now)


def severity_of(error: Exception) -> Severity | None:
    """Return how severe a service's fault is: a WARNING where the call is made again, else what its class says."""
    waits = not isinstance(error, (BotoCoreError, ClientError)) or is_transient(error)
    return Severity.WARNING if waits else None


def _known(event: dict[str, Any]) -> dict[str, Any]:
    """Pick the fields that lines are found by; `name` is the run of the state machine."""
    return {"run" if field == "name" else field: event[field] for field in _FIELDS if field in event}


def _execution_of(event: dict[str, Any]) -> str | None:
    """Return the execution that an event is about: a task's input names it, so does the name of a machine's run."""
    run = str((event.get("detail") or {}).get("name") or "")
    beside = not run or run.startswith((COMMAND_ID, STEP_RUN))
    return event.get("executionId") or (None if beside else execution_id_of(run))
