"""Until when a drill needs a server's launch template changed (contract 13).

DRS reads the template late in the launch. So it stays changed from just before StartRecovery until the server is
LAUNCHED, or until no DRS job of it is intended or active any more, whatever becomes of wave and execution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.engine import may_launch, servers_to_launch
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.timing import Timing


def is_needed(
    execution: Execution, number: int, source_server_id: str, now: datetime, timing: Timing, *, idle: bool = False
) -> bool:
    """Return whether a drill launches a server of a wave, or is to call StartRecovery for it within half a minute.

    `idle` says that DRS was just seen to have no active job of it: then a job that would show by now is over, or never
    was, even if the drill, whose machine may be dead, does not know it yet.
    """
    wave = execution.wave(number)
    server = next((each for each in wave.servers if each.source_server_id == source_server_id), None)
    if server is None:
        return False
    jobs = [job for job in execution.launch_jobs(number) if source_server_id in job.subjects and job.in_flight]
    if any(not (idle and _would_show(job, now, timing)) for job in jobs):
        return server.launch_status is not LaunchStatus.LAUNCHED
    if not may_launch(execution, wave, now, timing) or server not in servers_to_launch(execution, wave):
        return False
    # One that is tried again shortly keeps it: to change it back and forth would be four calls each time.
    soon = now + timing.no_room
    return server.suspicion is None or soon >= server.suspicion.not_before


def _would_show(job: Job, now: datetime, timing: Timing) -> bool:
    """Return whether DRS shows a job of a call by now if there is one; of an open intent its caller is dead by then."""
    return now >= (job.check_after if job.state is JobState.INTENDED else job.intended_at + 2 * timing.settle)
