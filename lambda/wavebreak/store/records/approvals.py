"""The approval that a wave needs, written down in its item and read back. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.domain.plans.model import ApprovalThen
from wavebreak.timing import time_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping


def approval_entry(wait: ApprovalWait | None) -> dict[str, Any] | None:
    """Write down how a wave waits for its approval; None of one that needs none."""
    if wait is None:
        return None
    return {
        "minutes": wait.minutes,
        "lasts": str(wait.lasts.total_seconds()),
        "then": wait.then.value,
        "notByRequester": wait.not_by_requester,
        "askedAt": time_of(wait.asked_at),
        "dueAt": time_of(wait.due_at),
        "reminders": wait.reminders,
    }


def read_approval(entry: Mapping[str, Any] | None) -> ApprovalWait | None:
    """Read what `approval_entry` wrote; None of a wave from before approvals had an end."""
    if entry is None:
        return None
    return ApprovalWait(
        minutes=int(entry["minutes"]),
        lasts=timedelta(seconds=float(entry["lasts"])),
        then=ApprovalThen(entry["then"]),
        not_by_requester=bool(entry["notByRequester"]),
        asked_at=time_or_none(entry.get("askedAt")),
        due_at=time_or_none(entry.get("dueAt")),
        reminders=int(entry["reminders"]),
    )
