"""Errors as they are recorded: what an error is, how bad, of which kind, and what of it is kept.

An exception of ours carries its `category`. Other exceptions are classified by their names and attributes, so that no
AWS library is needed: an error of a service has an `operation_name`, an error on the way there comes from botocore.
"""

from __future__ import annotations

import json
import traceback
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from wavebreak.aws_error_codes import DENIED, NOT_SET_UP
from wavebreak.domain.errors.masking import masked, masked_text, shortened
from wavebreak.error_category import Category
from wavebreak.identifiers import ulid
from wavebreak.problems import Unavailable
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

KEPT: Final = timedelta(days=90)
"""How long a record is kept; the longest time that can be asked for."""
MAX_HOURS: Final = int(KEPT.total_seconds()) // 3600
ID_PREFIX: Final = "err-"
"""What the id of every record begins with."""
MESSAGE_LENGTH: Final = 1000
TRACE_LENGTH: Final = 4000
CONTEXT_LENGTH: Final = 2000
"""Characters of each part that are kept."""
_VALUE_LENGTH: Final = 500
_NAME_LENGTH: Final = 100


class Severity(StrEnum):
    """How bad an error is."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    """Something did not answer and is tried again."""
    ERROR = "ERROR"
    """A request, a task or a run failed."""
    CRITICAL = "CRITICAL"
    """Nothing goes on before a person looks."""


class ErrorRecord(Value):
    """One error, without secrets and of limited size."""

    error_id: str
    at: datetime
    severity: Severity
    category: Category
    service: str
    error_type: str
    message: str
    stack_trace: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    execution_id: str | None = None


_C = Category
_BY_CODE: Final = {
    **dict.fromkeys(DENIED, _C.PERMISSION),
    "AuthorizationError": _C.PERMISSION,
    "ExpiredTokenException": _C.PERMISSION,
    "UnrecognizedClientException": _C.PERMISSION,
    NOT_SET_UP: _C.CONFIGURATION,
}
_BY_HOST: Final = {"dynamodb": _C.DATABASE, "drs": _C.DRS, "states": _C.WORKFLOW}
_BY_OPERATION: Final = {
    **dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactWriteItems"), _C.DATABASE),
    **dict.fromkeys(("BatchGetItem", "BatchWriteItem"), _C.DATABASE),
    **dict.fromkeys(("StartExecution", "DescribeExecution", "StopExecution", "SendTaskSuccess"), _C.WORKFLOW),
    **dict.fromkeys(("StartRecovery", "TerminateRecoveryInstances", "DescribeJobs", "DescribeJobLogItems"), _C.DRS),
    **dict.fromkeys(("DescribeSourceServers", "DescribeRecoveryInstances", "DescribeRecoverySnapshots"), _C.DRS),
    **dict.fromkeys(("GetRecoveryPlan", "ListRecoveryPlanSteps"), _C.DRS),
}
_BY_TYPE: Final = {
    "CircuitBreakerOpenError": _C.CIRCUIT_OPEN,
    "NoCredentialsError": _C.CONFIGURATION,
    "NoRegionError": _C.CONFIGURATION,
    "TimeoutError": _C.TIMEOUT,
    "MemoryError": _C.CRASH,
}
"""Classes of Powertools, botocore and Python; those of ours carry their category."""
_BY_FAILURE: Final = {
    "States.Timeout": _C.TIMEOUT,
    "States.HeartbeatTimeout": _C.TIMEOUT,
    "Sandbox.Timedout": _C.TIMEOUT,
    "Lambda.Unknown": _C.CRASH,
    "Runtime.ExitError": _C.CRASH,
    "Runtime.OutOfMemory": _C.CRASH,
    "States.Permissions": _C.PERMISSION,
    "CircuitOpen": _C.CIRCUIT_OPEN,
    "VersionConflictError": _C.DATABASE,
    "ConditionFailedError": _C.DATABASE,
    "MissingSettingError": _C.CONFIGURATION,
    "OutcomeUnknownError": _C.DRS,
    "CallRejectedError": _C.DRS,
    "Unavailable": _C.DEPENDENCY,
    "UnsupportedSiteError": _C.CONFIGURATION,
    "WriteRejectedError": _C.DATABASE,
    **_BY_TYPE,
}
"""Step Functions reports a failed task by its exception's name alone; a test compares these with the classes."""
_BY_FAILURE_PREFIX: Final = {"DynamoDb.": _C.DATABASE, "Lambda.": _C.DEPENDENCY, "Runtime.": _C.CRASH}


def classify(error: BaseException) -> tuple[Severity, Category]:
    """Return how bad an error is and what it is about; `Unavailable` is about what caused it."""
    subject = error
    while isinstance(subject, Unavailable) and subject.__cause__ is not None:
        subject = subject.__cause__
    category = _category(subject)
    if category in {_C.CONFIGURATION, _C.CRASH}:
        return Severity.CRITICAL, category
    waits = isinstance(error, Unavailable) or category is _C.CIRCUIT_OPEN
    return Severity.WARNING if waits else Severity.ERROR, category


def _category(error: BaseException) -> Category:
    if _is_named_by_cause(error) and error.__cause__ is not None:
        return _category(error.__cause__)
    category = getattr(error, "category", None) or _BY_TYPE.get(type(error).__name__)
    if isinstance(category, Category):
        return category
    operation = getattr(error, "operation_name", None)
    if operation is not None:
        code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code", "")
        return _BY_CODE.get(code) or _BY_OPERATION.get(operation, _C.DEPENDENCY)
    if type(error).__module__.startswith("botocore."):
        address = str((getattr(error, "kwargs", None) or {}).get("endpoint_url") or "")
        return _BY_HOST.get((urlsplit(address).hostname or "").partition(".")[0], _C.DEPENDENCY)
    return _C.INTERNAL


def _is_named_by_cause(error: BaseException) -> bool:
    return bool(getattr(error, "named_by_cause", False))


def type_of(error: BaseException) -> str:
    """Name the type of an error: the service's own code where it has one, else its class."""
    if _is_named_by_cause(error) and error.__cause__ is not None:
        return type_of(error.__cause__)
    code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code")
    return str(code or type(error).__name__)


def classify_failure(name: str) -> Category:
    """Return what the failure of a state is about, by the name that Step Functions gives it."""
    for prefix, category in _BY_FAILURE_PREFIX.items():
        if name.startswith(prefix) and name not in _BY_FAILURE:
            return category
    return _BY_FAILURE.get(name, _C.WORKFLOW)


def kept_message(text: str) -> str:
    """Return what is kept of a message: masked, cut at its end."""
    return masked_text(text)[:MESSAGE_LENGTH]


def kept_trace(error: BaseException) -> str:
    """Return what is kept of a stack trace: masked, head and tail."""
    lines = "".join(traceback.format_exception(error, limit=-50)).splitlines()
    kept_lines = [line for line in lines if not line.strip() or line.strip(" ^~")]
    return shortened(masked_text("\n".join(kept_lines)), TRACE_LENGTH)


def kept_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a context: masked, field after field until there is no more room."""
    kept: dict[str, Any] = {}
    room = CONTEXT_LENGTH
    for name, value in masked({name: value for name, value in context.items() if value is not None}).items():
        text = json.dumps(value, ensure_ascii=False)
        room -= len(name) + min(len(text), _VALUE_LENGTH)
        if room < 0:
            break
        kept[name] = value if len(text) <= _VALUE_LENGTH else shortened(text, _VALUE_LENGTH)
    return kept


def kept_name(text: str) -> str:
    """Return the stored form of the name of a type or a service: it is a key of an index."""
    return masked_text(text)[:_NAME_LENGTH] or "Unknown"


def error_view(record: ErrorRecord, at: str) -> dict[str, Any]:
    """Show an error as the API does; `at` is its time as it stands on the wire."""
    return {
        "errorId": record.error_id,
        "at": at,
        "severity": record.severity.value,
        "category": record.category.value,
        "service": record.service,
        "errorType": record.error_type,
        "message": record.message,
        "stackTrace": record.stack_trace,
        "context": dict(record.context),
        "executionId": record.execution_id,
    }


class Span(Value):
    """The hours before a moment."""

    hours: int
    now: datetime

    @property
    def start(self) -> datetime:
        """The first moment."""
        return self.now - timedelta(hours=self.hours)

    @property
    def first_id(self) -> str:
        """The smallest possible id of an error of these hours."""
        return ID_PREFIX + ulid(self.start, 0)

    @property
    def last_id(self) -> str:
        """The greatest one."""
        return ID_PREFIX + ulid(self.now, 2**80 - 1)

    def days(self) -> Iterator[str]:
        """Return the days, latest first."""
        day = self.now.astimezone(UTC).date()
        while day >= self.start.astimezone(UTC).date():
            yield day.isoformat()
            day -= timedelta(days=1)
