"""The end of an execution: settled once nothing of it is in flight, and what follows begun."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import finalise
from wavebreak.domain.executions.launching.launch_steps import adopted
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.final_check import FinalCheck
from wavebreak.use_cases.checks.consolidate_checks import at_its_end
from wavebreak.use_cases.machine_round import sites_of
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasDrsReads, HasErrors, HasPostLaunchActions, HasSilences, HasTiming
    from wavebreak.ports.drs import DrsJobs
    from wavebreak.use_cases.preemption.cancel_drills import Ports as CancelDrillsPorts

    class Ports(CancelDrillsPorts, HasDrsReads, HasErrors, HasPostLaunchActions, HasSilences, HasTiming, Protocol):
        """What settling an execution needs."""


def finish(app: Ports, execution_id: str) -> Execution | None:
    """End an execution if it is over, give its locks back, and start the termination that a cancel asked for.

    Return it as it ended; None when there is something to do after all. Doing it twice does no harm.
    """
    now = app.now()
    known = _nothing_unknown(app, execution_id, now)
    if known is None:
        return None

    def end(execution: Execution) -> Execution:
        return at_its_end(app, execution, finalise(execution, now))

    ended = app.executions.change(execution_id, end, Attribution(ENGINE_ACTOR, now), known=known)
    if not ended.is_terminal:
        return None
    settle(app, cancel_drills(app, ended))
    return ended


def _nothing_unknown(app: Ports, execution_id: str, now: datetime) -> Execution | None:
    """Ask a last time for jobs of refuted calls: nothing launched may stay unknown.

    Return the execution as it is then. None, and it is asked again later, when a site does not answer: an execution
    does not end before.
    """
    execution = app.executions.load(execution_id).execution
    doubtful = {job.site for job in execution.launch_jobs() if job.may_appear}
    if execution.is_terminal or not doubtful:
        return execution
    sites = sites_of(app)
    question = partial(_launches, execution_id, execution.started_at)
    answers = sites.ask("launches that nobody knows of", dict.fromkeys(doubtful, question))
    silent = tuple(sorted(str(site) for site in doubtful - answers.keys()))
    check = FinalCheck(silent, now + app.timing.no_room) if silent else None

    def step(current: Execution) -> Execution:
        after = current
        for launches in answers.values():
            for job_id, (key, servers) in launches.items():
                after = adopted(after, job_id, key, servers)
        return after if after.is_terminal else replace(after, final_check=check)

    after = app.executions.change(execution_id, step, Attribution(ENGINE_ACTOR, now), known=execution)
    return None if silent else after


def _launches(
    execution_id: str, since: datetime, drs: DrsJobs
) -> dict[str, tuple[tuple[int, int, int], frozenset[str]]]:
    return drs.launches_of(execution_id, since)


def settle(app: Ports, execution: Execution) -> None:
    """Do what follows an ended execution: release its servers, or start the termination that it goes on with."""
    if execution.holds_locks:
        begin_termination(app, execution.execution_id)
    else:
        app.locks.release_servers(execution)


def begin_termination(app: Ports, execution_id: str) -> None:
    """Start the machine of a termination that is written down, once; if this is lost, the sweep starts it."""
    snapshot = app.executions.load(execution_id)
    asked, alive = snapshot.execution.termination.requested_at, snapshot.termination_token.heartbeat_at
    if asked is not None and alive is not None and alive >= asked:
        return
    app.workflow.start_next(Machine.TERMINATION, execution_id, snapshot.termination_token.run, app.now())
