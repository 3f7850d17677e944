"""A step of a wave as an execution keeps it: which it is, how it stands, and how it ended.

What it forwards, starts or invokes stays in the frozen plan until it is started; what it answered stays with its run.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.steps.runs import StepKind
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.steps.runs import StepRun


class StepPhase(StrEnum):
    """When a wave's step runs: before its servers are launched, or after; a check's, as its last part or at the end.

    What is in the last part of the wave, CHECK, belongs to the wave. A CLOSING one is over the execution: its wave only
    wrote it down.
    """

    BEFORE = "BEFORE"
    AFTER = "AFTER"
    CHECK = "CHECK"
    CLOSING = "CLOSING"


class StepState(StrEnum):
    """The state of a wave's step. A STARTED step counts as in flight, whether or not its run exists yet."""

    PLANNED = "PLANNED"
    STARTED = "STARTED"
    ENDED = "ENDED"


class StepStatus(StrEnum):
    """How a step stands in the words of the API (contract 12)."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PARTIAL = "PARTIAL"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


_UNENDED: Final = {StepState.PLANNED: StepStatus.NOT_STARTED, StepState.STARTED: StepStatus.IN_PROGRESS}


class WaveStep(Value):
    """A step of a wave; the command of a check is kept as one, too."""

    phase: StepPhase
    position: int
    """Its place in its list, from 1."""
    name: str
    """Of the command, automation or function, as the plan has it."""
    kind: StepKind = StepKind.COMMAND
    required: bool = False
    in_drill: InDrill = InDrill.RUN
    state: StepState = StepState.PLANNED
    attempt: int = 1
    """Counts the times it was planned, from 1: each attempt has a run of its own."""
    again: bool = False
    """Whether it is planned again once its run has ended: a retry launches servers that this run may not reach."""
    stopped: bool = False
    """Whether its wave ended while it ran and was retried: it is stopped, and planned again unless it succeeded."""
    outcome: str | None = None
    """How it ended, a `StepStatus`; of a check's command the status of its run, or UNPREPARED."""
    failure: str | None = None
    """What a command fell short of, by which it fails its wave if it is required; None when it did its work."""
    error: str | None = None
    """Why it was skipped, stopped or failed; of a command that failed by itself, `failure` says it."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    automation_execution_id: str | None = None
    before: str | None = None
    """How the run before the present one ended."""
    check: str | None = None
    """The name of the check that it is the command of; None of a step of its own."""

    @property
    def is_check(self) -> bool:
        """Whether what it prints becomes factors. It never fails its wave, and has ended when that is written down."""
        return self.phase in {StepPhase.CHECK, StepPhase.CLOSING}

    @property
    def place(self) -> tuple[StepPhase, int]:
        """Its list and its position there: what distinguishes it from the other steps of its wave."""
        return (self.phase, self.position)

    @property
    def status(self) -> StepStatus:
        """How it stands in the words of the API; not for checks, which have words of their own."""
        return StepStatus(self.outcome or "") if self.state is StepState.ENDED else _UNENDED[self.state]

    @property
    def shortfall(self) -> str | None:
        """What it fails its wave by, if it is required: words that go on from its name (contract 12)."""
        if self.state is not StepState.ENDED:
            return None
        if self.kind is StepKind.COMMAND:
            return self.failure
        failed = self.outcome in {StepStatus.FAILED, StepStatus.CANCELLED}
        return f"failed: {self.error}" if failed and self.error else "failed" if failed else None

    @property
    def fails_wave(self) -> bool:
        """Whether this step, which has ended, fails its wave."""
        return self.required and self.shortfall is not None


class StepView(Value):
    """What is stored of the run of a step: whether it exists, whether it is being stopped, and how it ended."""

    exists: bool = True
    cancelling: bool = False
    outcome: str | None = None
    """The status in which it ended."""
    failure: str | None = None
    """What a command fell short of."""
    error: str | None = None
    automation_execution_id: str | None = None
    deadline: datetime | None = None
    """When a run that goes on has had its time; None of a command, whose servers have a limit each."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    waits_for_answer: bool = False
    """Whether it cannot be stopped: until its deadline it is waited for, and then no longer."""


def view_of(run: StepRun) -> StepView:
    """Return the view of the run of an automation or function."""
    return StepView(
        cancelling=run.stop_requested,
        outcome=run.status.value if run.status.is_terminal else None,
        error=run.error,
        automation_execution_id=run.automation_execution_id,
        deadline=run.deadline,
        started_at=run.started_at,
        ended_at=run.ended_at,
        waits_for_answer=run.kind is StepKind.FUNCTION,
    )


class StepInput(Value):
    """What the plan gives an automation or function, its placeholders not filled yet."""

    parameters: Mapping[str, Any]
    payload: Mapping[str, Any]
    timeout_seconds: int | None = None
