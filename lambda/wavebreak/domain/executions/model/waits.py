"""What an execution and a wave record of giving way: the drills that a RECOVERY preempted, and how long it waited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.values import Value

if TYPE_CHECKING:
    from datetime import datetime


class DrillWait(Value):
    """How long servers of a RECOVERY's wave have waited for the DRS jobs of drills: no time of the wave's own."""

    seconds: int = 0
    seen_at: datetime | None = None
    """When a server was last seen to wait so; None when none does."""


class Preemption(Value):
    """What a RECOVERY took over from drills."""

    at: datetime
    actor: str
    """Who started the RECOVERY, or took it up again: the drills are cancelled in this name."""
    drills: tuple[str, ...]
    unsettled: tuple[str, ...] = ()
    """Those of them whose end has not been seen to yet."""
