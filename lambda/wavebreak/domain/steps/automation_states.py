"""What SSM says of an automation, and what that means for its step.

The words are those of AutomationExecutionStatus in the service model; one that is not known means to look again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.domain.steps.runs import StepOutcome
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class AutomationStatus(StrEnum):
    """The words of AutomationExecutionStatus in which an automation has ended, or was asked to."""

    SUCCESS = "Success"
    COMPLETED_WITH_SUCCESS = "CompletedWithSuccess"
    CANCELLED = "Cancelled"
    CHANGE_CALENDAR_REJECTED = "ChangeCalendarOverrideRejected"
    COMPLETED_WITH_FAILURE = "CompletedWithFailure"
    EXITED = "Exited"
    FAILED = "Failed"
    REJECTED = "Rejected"
    TIMED_OUT = "TimedOut"
    CANCELLING = "Cancelling"


SUCCESSES: Final = frozenset({AutomationStatus.SUCCESS, AutomationStatus.COMPLETED_WITH_SUCCESS})
STOPPING: Final = AutomationStatus.CANCELLING
FAILURES: Final = frozenset(AutomationStatus) - SUCCESSES - {STOPPING}


class AutomationView(Value):
    """An automation as a read shows it."""

    status: str
    outputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failure: str | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop already."""
        return self.status == STOPPING

    def outcome(self) -> StepOutcome | None:
        """Return what the automation came to; None while it has not ended, as far as its words are known."""
        output = {name: list(values) for name, values in self.outputs.items()} or None
        if self.status in SUCCESSES:
            return StepOutcome(succeeded=True, output=output)
        if self.status in FAILURES:
            why = f": {self.failure}" if self.failure else ""
            return StepOutcome(succeeded=False, output=output, error=f"the automation ended as {self.status}{why}")
        return None
