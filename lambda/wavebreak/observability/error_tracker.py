"""The one way by which errors are recorded: a structured log line and a metric always, then the record in its table.

A record that cannot be stored is logged nevertheless and fails no caller: the code that had the error has enough to do.
"""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.record import (
    ID_PREFIX,
    ErrorRecord,
    Severity,
    classify,
    error_view,
    kept_context,
    kept_message,
    kept_name,
    kept_trace,
    type_of,
)
from wavebreak.error_category import Category
from wavebreak.identifiers import ulid
from wavebreak.observability.metrics import Meter, Metric
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.timing import iso
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from wavebreak.store.errors import ErrorStore

logger = logging.getLogger(__name__)

_FUNCTION: Final = re.compile(r"(?:^|-)([A-Za-z0-9]+)Function(?:-|$)")
_MARK: Final = "_wavebreak_error_id"
"""Where an exception carries the id of its record: on its way out it passes more than one entry point."""


class Invocation(Value):
    """What a function is doing: which one it is, for which execution, and what else its errors should tell."""

    service: str = "unknown"
    execution_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


_invocation: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


def begin(function_name: str, execution_id: str | None, context: Mapping[str, Any]) -> None:
    """Remember what the function is doing now; its errors are recorded with it."""
    _invocation.set(Invocation(service_of(function_name), execution_id, context))


def concerns(execution_id: str) -> None:
    """Set the execution of the present work where its event does not name it."""
    _invocation.set(replace(_present(), execution_id=execution_id))


def _present() -> Invocation:
    return _invocation.get() or Invocation()


def service_of(function_name: str) -> str:
    """Name the part of the product that a function is: `wavebreak-PlansFunction-1A2B` is `Plans`."""
    found = _FUNCTION.search(function_name)
    return found[1] if found else function_name or "unknown"


class ErrorTracker:
    """Records the errors of one function."""

    def __init__(self, store: ErrorStore | None, meter: Meter, now: Callable[[], datetime]) -> None:
        """Keep the store of records (None: only logged and counted), the meter and the clock."""
        self.store = store
        self.meter = meter
        self.now = now

    def record_error(
        self,
        error: BaseException,
        severity: Severity | None = None,
        *,
        execution_id: str | None = None,
        **context: Any,
    ) -> str:
        """Record an exception, once however often it is given, and return the record's id.

        It is as severe as its class says unless `severity` is given; execution and service are those of the invocation.
        """
        known = getattr(error, _MARK, None)
        if known is not None:
            return str(known)
        usual, category = classify(error)
        cause = error.__cause__
        record = self._new(
            severity or usual,
            category,
            (type_of(error), str(error) or (str(cause) if cause else "")),
            {**_present().context, **context},
            execution_id=execution_id,
            stack_trace=kept_trace(error),
        )
        setattr(error, _MARK, record.error_id)
        self._keep(record)
        return record.error_id

    def record_failure(
        self,
        severity: Severity,
        category: Category,
        name_and_message: tuple[str, str],
        *,
        service: str,
        execution_id: str | None = None,
        **context: Any,
    ) -> str:
        """Record what failed elsewhere, in a state machine or with a function's process, by its name and message."""
        record = self._new(severity, category, name_and_message, context, execution_id=execution_id, service=service)
        self._keep(record)
        return record.error_id

    def _new(
        self,
        severity: Severity,
        category: Category,
        name_and_message: tuple[str, str],
        context: Mapping[str, Any],
        **fields: Any,
    ) -> ErrorRecord:
        at, invocation = self.now(), _present()
        return ErrorRecord(
            error_id=ID_PREFIX + ulid(at),
            at=at,
            severity=severity,
            category=category,
            service=kept_name(fields.get("service") or invocation.service),
            error_type=kept_name(name_and_message[0]),
            message=kept_message(name_and_message[1]),
            stack_trace=fields.get("stack_trace"),
            context=kept_context(context),
            execution_id=fields.get("execution_id") or invocation.execution_id,
        )

    def _keep(self, record: ErrorRecord) -> None:
        fields = {"error": error_view(record, iso(record.at))}
        logger.log(
            logging.getLevelNamesMapping()[record.severity], "%s: %s", record.error_type, record.message, extra=fields
        )
        self.meter.add(Metric.ERRORS, service=record.service, severity=record.severity.value)
        if record.category is Category.CIRCUIT_OPEN:
            self.meter.add(Metric.CIRCUIT_REFUSALS)
        if self.store is None:
            return
        try:
            self.store.create_error(record)
        except FAULTS as fault:
            logger.warning("error %s could not be stored: %s", record.error_id, fault)
