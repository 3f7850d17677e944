"""An app for use cases in tests: the product's own stores on one table, and of services what a test adds.

It is no `App` and has no adapter. A member that it lacks is one that mypy misses where it is handed to a use case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.memory_table import MemoryTable

from wavebreak.store.checks import CheckStore
from wavebreak.store.commands import CommandStore
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.locks import LockStore
from wavebreak.store.plans import PlanStore
from wavebreak.store.steps import StepStore
from wavebreak.store.templates import TemplateStore
from wavebreak.store.upkeep.readiness import ReadinessStore
from wavebreak.store.wake_tokens import WakeStore
from wavebreak.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.domain.errors.record import Severity
    from wavebreak.domain.executions.machine_runs import Machine
    from wavebreak.error_category import Category
    from wavebreak.observability.metrics import Metric
    from wavebreak.ports.recording import Errors
    from wavebreak.site import Site


class KeptErrors:
    """Errors as they are recorded."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []
        self.contexts: list[tuple[Severity | None, dict[str, Any]]] = []
        """How severe each was, and what it was about."""

    def record_error(
        self,
        error: BaseException,
        severity: Severity | None = None,
        *,
        execution_id: str | None = None,
        **context: Any,
    ) -> str:
        """Keep the error."""
        self.seen.append(error)
        self.contexts.append((severity, context if execution_id is None else {"execution_id": execution_id, **context}))
        return f"err-{len(self.seen)}"

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
        """Keep the failure as an error of its words."""
        assert category
        return self.record_error(
            RuntimeError(*name_and_message), severity, execution_id=execution_id, service=service, **context
        )


class NoErrors(KeptErrors):
    """Where nothing may fail."""

    def record_error(
        self,
        error: BaseException,
        severity: Severity | None = None,
        *,
        execution_id: str | None = None,
        **context: Any,
    ) -> str:
        """Raise what the product would only record."""
        raise AssertionError(error, severity, execution_id, context)


class KeptMeasurements:
    """Measurements as they are noted."""

    def __init__(self) -> None:
        self.noted: list[tuple[Metric, float]] = []

    def add(self, metric: Metric, value: float = 1, **dimensions: str) -> None:
        """Keep a measurement."""
        assert all(dimensions.values())
        self.noted.append((metric, value))

    def last(self, metric: Metric) -> float:
        """Return the last measurement of a metric."""
        return next(value for name, value in reversed(self.noted) if name is metric)


class IdleMachines:
    """State machines that are started, and do nothing: they neither sleep nor run."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        """The executions, in the order of their wakes."""

    def start(self, machine: Machine, execution_id: str, run: int) -> None:
        """Take it."""

    def start_next(self, machine: Machine, execution_id: str, known_run: int, now: datetime) -> bool:
        """Take it; there is no second caller."""
        del machine, execution_id, known_run, now
        return True

    def wake(self, machine: Machine, execution_id: str) -> bool:
        """Note it: nobody was asleep."""
        del machine
        self.woken.append(execution_id)
        return False

    def is_running(self, machine: Machine, execution_id: str, run: int) -> bool:
        """Return that it is not."""
        del machine, execution_id, run
        return False

    def start_command(self, command_id: str, run: int) -> None:
        """Take it."""

    def is_command_running(self, command_id: str, run: int) -> bool:
        """Return that it is not."""
        del command_id, run
        return False

    def start_step(self, step_id: str, run: int) -> None:
        """Take it."""

    def is_step_running(self, step_id: str, run: int) -> bool:
        """Return that it is not."""
        del step_id, run
        return False


class IdleWakes(WakeStore):
    """Marks of a machine that never sleeps."""

    def leave_directive(self, execution_id: str, sort_key: str, now: datetime) -> None:
        """Count nothing up."""


class FakeApp:
    """Stores on one table, a clock, and what needs no service."""

    other_accounts = False
    post_launch_actions = False
    agent_patience_seconds = 600
    call_patience_seconds = 120
    readiness_minutes: float = 30

    def __init__(
        self,
        now: Callable[[], datetime],
        table: MemoryTable | None = None,
        *,
        timing: Timing | None = None,
        errors: Errors | None = None,
    ) -> None:
        table = table or MemoryTable()
        self.now = now
        self.timing = timing or Timing()
        self.errors: Errors = errors or KeptErrors()
        self.meter = KeptMeasurements()
        self.workflow = IdleMachines()
        self.silences: dict[Site, float] = {}
        self.executions = ExecutionStore(table, pause=lambda _attempt: None)
        self.plans = PlanStore(table)
        self.locks = LockStore(table)
        self.commands = CommandStore(table, self.executions)
        self.steps = StepStore(table)
        self.checks = CheckStore(table)
        self.templates = TemplateStore(table)
        self.readiness = ReadinessStore(table)
        self.wakes = WakeStore(table)
