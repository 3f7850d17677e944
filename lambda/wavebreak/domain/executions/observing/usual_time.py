"""When a launch is expected to end soon, so that it is polled more often even without an event.

Events of DRS are best effort. From the moment at which the first server of a job is LAUNCHED, or at which the launches
of this run, or of the one before it, were so, the job is checked every few seconds, and at the normal interval
before. That lasts a while only: a launch that takes far longer than any before it is waited for like any other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.execution_utils import WaveStatus

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.timing import Timing


def usual_launch(execution: Execution) -> timedelta | None:
    """Return the shortest time to the first launched server of a job: in this run, or else in the last one."""
    seen = [job.launched_at - job.intended_at for job in execution.launch_jobs() if job.launched_at is not None]
    if seen:
        return min(seen)
    return None if execution.usual_launch_seconds is None else timedelta(seconds=execution.usual_launch_seconds)


def ends_soon(execution: Execution, now: datetime, timing: Timing) -> bool:
    """Return whether a launch that a wave waits for is to be read again in seconds."""
    usual = usual_launch(execution)
    return any(_is_near(execution, job, usual, now, timing) for job in execution.launch_jobs())


def _is_near(execution: Execution, job: Job, usual: timedelta | None, now: datetime, timing: Timing) -> bool:
    if job.state is not JobState.STARTED or execution.wave(job.wave).status is not WaveStatus.IN_PROGRESS:
        return False
    begins = job.launched_at
    if begins is None:
        # What was seen by polls alone was seen late by up to one interval.
        begins = None if usual is None else job.intended_at + usual - timing.poll_interval
    if begins is None or not begins <= now < begins + timing.closely:
        return False
    members = frozenset(job.subjects)
    servers = (server for server in execution.wave(job.wave).servers if server.source_server_id in members)
    return not all(server.is_settled for server in servers)
