"""A server of a recovery that a drill is launching, or ending, right now: started when that DRS job is COMPLETED."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import servers_to_launch
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.jobs import JobKind
from wavebreak.domain.executions.observing import drill_wait

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.domain.drs import RecentJob
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasClock, HasExecutions, HasTiming

    class Ports(HasClock, HasExecutions, HasTiming, Protocol):
        """What waiting for drills needs."""


_START_DRILL: Final = "START_DRILL"


def waits_for_drills(app: Ports, execution: Execution, wave: Wave, recent: Iterable[RecentJob]) -> dict[str, str]:
    """Return which servers of a RECOVERY's wave wait for jobs of drills, and why; its time stands still for them.

    `recent` are the jobs that DRS shows, of anybody. Of a drill there are none: it may wait.
    """
    if execution.mode is not Mode.RECOVERY:
        return {}
    wanted = {server.source_server_id for server in servers_to_launch(execution, wave)}
    busy = {
        server: f"Waits for the end of {job.job_id}, a DRS job of a drill"
        for job in recent
        if not job.ended and _is_of_a_drill(job, execution)
        for server in job.servers & wanted
    }
    if busy or wave.drill_wait is not None:
        _note(app, execution.execution_id, wave, waits=bool(busy))
    return busy


def _is_of_a_drill(job: RecentJob, execution: Execution) -> bool:
    """Return whether a job is a drill's launch or termination: DRS names no initiator for the latter."""
    if job.kind == JobKind.LAUNCH:
        return job.initiated_by == _START_DRILL
    return job.kind == JobKind.TERMINATE and execution.preemption is not None


def _note(app: Ports, execution_id: str, wave: Wave, *, waits: bool) -> None:
    now = app.now()

    def step(current: Execution) -> Execution:
        present = current.wave(wave.number)
        if present.attempt != wave.attempt:
            return current
        return current.with_waves([drill_wait.noted(present, now, app.timing, waits=waits)])

    app.executions.change(execution_id, step, Attribution(ENGINE_ACTOR, now))
