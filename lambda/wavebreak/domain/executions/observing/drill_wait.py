"""The time that servers of a RECOVERY wait for DRS jobs of drills: it does not count towards the wave's deadline.

DRS ends no job on demand, so a server that a drill is launching is started when that job is COMPLETED (contract 2).
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from wavebreak.domain.executions.model.waits import DrillWait
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.timing import Timing


def noted(wave: Wave, now: datetime, timing: Timing, *, waits: bool) -> Wave:
    """Record at a read whether servers of a wave wait for drills; if some did at the last read, they did since.

    Of a time without looks no more counts than `patience`.
    """
    known = wave.drill_wait or DrillWait()
    seconds = known.seconds
    if known.seen_at is not None:
        seconds += math.ceil(min(now - known.seen_at, patience(timing)).total_seconds())
    return replace(wave, drill_wait=DrillWait(seconds, now if waits else None) if waits or seconds else None)


def patience(timing: Timing) -> timedelta:
    """Return how long after a read that saw servers wait they count as waiting still."""
    return 3 * timing.no_room


def with_drill_wait(wave: Wave, deadline: datetime, timing: Timing) -> datetime:
    """Return the deadline of a wave, put off by the time that its servers waited for drills."""
    wait = wave.drill_wait
    if wait is None:
        return deadline
    later = deadline + timedelta(seconds=wait.seconds)
    return later if wait.seen_at is None else max(later, wait.seen_at + patience(timing))
