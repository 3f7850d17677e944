"""What a start of a plan asks for, by a caller or a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class StartRequest(Value):
    """What is asked for beside the plan and the mode."""

    requested_by: str
    reason: str | None = None
    snapshots: Mapping[str, str] = field(default_factory=dict)
    """The recovery point of a source server, by its id; the latest unless named."""
    before: datetime | None = None
    """Each server comes from its newest recovery point not later than this."""
    terminate_after_minutes: int | None = None
    """How long the instances of a drill stay after its end; None is what the plan says."""
    preempt: bool = True
    """Whether a RECOVERY cancels the drills that hold the plan or one of its servers."""
