"""The approval that a wave needs: what the plan says of it, and how long it has been waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.plans.model import ApprovalThen
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class ApprovalWait(Value):
    """For how long a wave waits for its approval, what follows then, and since when it waits."""

    minutes: int
    lasts: timedelta
    """The minutes as time passes here (WAVEBREAK_TIME_SCALE)."""
    then: ApprovalThen = ApprovalThen.REMIND
    not_by_requester: bool = False
    asked_at: datetime | None = None
    """Since when an approver is waited for, or was the last time; None before the first request."""
    due_at: datetime | None = None
    """When the next timeout passes; an approval that was given stops it."""
    reminders: int = 0
    """Timeouts of this wait that people were reminded at."""

    def begun(self, now: datetime) -> ApprovalWait:
        """Ask now, for the first time or again."""
        return replace(self, asked_at=now, due_at=now + self.lasts, reminders=0)

    def reminded(self, now: datetime) -> ApprovalWait:
        """Record a reminder. Timeouts that passed between rounds are covered by one reminder."""
        if self.due_at is None:
            return self
        passed = 1 + max(0, (now - self.due_at) // self.lasts)
        return replace(self, due_at=self.due_at + passed * self.lasts, reminders=self.reminders + 1)
