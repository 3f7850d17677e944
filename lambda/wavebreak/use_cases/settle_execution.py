"""The end of an execution: settled once nothing of it is in flight, and what follows begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.domain.executions.engine import finalise
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model import JobState
from wavebreak.domain.executions.observation import Observation, absorb
from wavebreak.use_cases.machine_round import turned_up
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.domain.executions.model import Execution


def finish(app: App, execution_id: str) -> bool:
    """End an execution if it is over, give its locks back, and start the clean-up that a cancel asked for.

    Gives False when there is something to do after all. Doing it twice does no harm.
    """
    now = app.now()
    _adopt_late_jobs(app, execution_id, now)
    ended = app.executions.change(execution_id, lambda execution: finalise(execution, now), Act(ENGINE_ACTOR, now))
    if not ended.is_terminal:
        return False
    settle(app, cancel_drills(app, ended))
    return True


def _adopt_late_jobs(app: App, execution_id: str, now: datetime) -> None:
    """Look a last time for jobs of calls that were held never to have happened: nothing launched may stay unknown."""
    refuted = [
        job
        for job in app.executions.load(execution_id).execution.launch_jobs()
        if job.state is JobState.REFUTED and job.job_id is None
    ]
    late = turned_up(app, execution_id, refuted) if refuted else {}
    if late:
        seen = Observation(found=late)
        act = Act(ENGINE_ACTOR, now)
        app.executions.change(execution_id, lambda execution: absorb(execution, seen, now, app.timing), act)


def settle(app: App, execution: Execution) -> None:
    """Do what follows an ended execution: release its servers, or start the termination that it goes on with."""
    if execution.holds_locks:
        begin_termination(app, execution.execution_id)
    else:
        app.locks.release_servers(execution)


def begin_termination(app: App, execution_id: str) -> None:
    """Start the machine of a termination that is written down, once; if this is lost, the sweep starts it."""
    snapshot = app.executions.load(execution_id)
    asked, alive = snapshot.execution.termination.requested_at, snapshot.termination_token.heartbeat_at
    if asked is not None and alive is not None and alive >= asked:
        return
    app.workflow.start_next(Machine.TERMINATION, execution_id, snapshot.termination_token.run, app.now())
