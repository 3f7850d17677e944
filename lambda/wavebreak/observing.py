"""One round of a recovery: look at DRS, decide, write what changed, and tell the state machine what is next."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wavebreak.engine import Decision, Directive, decide, finalise
from wavebreak.faults import FAULTS
from wavebreak.metrics import Metric
from wavebreak.model import Job, JobState, LaunchStatus
from wavebreak.observation import CommandView, JobView, Observation, ServerView, absorb
from wavebreak.places import Places
from wavebreak.problems import Unavailable
from wavebreak.store.executions import Conflict, Snapshot
from wavebreak.tallies import CommandRunStatus
from wavebreak.trail import ENGINE_ACTOR, Act
from wavebreak.wave_commands import run_id
from wavebreak.workflow import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.drs import Drs
    from wavebreak.model import Execution, Place

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 25
RENEW: Final = "RENEW"
STAND_DOWN: Final = "STAND_DOWN"
"""A later run of the machine drives this execution."""
NEVER: Final = -1
"""A mark that no item has: whoever stands down neither sleeps nor takes the token of the run that followed."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one look came to; constant in size, whatever the plan's."""

    directive: str
    mark: int
    run: int
    waves: tuple[int, ...] = ()

    def output(self) -> dict[str, Any]:
        """Give the state machine's view."""
        return {"directive": self.directive, "mark": self.mark, "run": self.run, "waves": list(self.waves)}


def observe(app: App, execution_id: str, run: int, rounds: int) -> Round:
    """Do one round. The mark is read in the same consistent read as the state, before DRS is asked."""
    for attempt in range(_ATTEMPTS):
        snapshot = app.executions.load(execution_id)
        if snapshot.token.run > run:
            return _followed(app, snapshot.token.run, run, rounds)
        execution = snapshot.execution
        now = app.now()
        places = Places(app)
        seen = look(app, execution.launch_jobs(), places)
        open_intents = [job for job in execution.launch_jobs() if job.state is JobState.INTENDED]
        found = turned_up(app, execution_id, open_intents, places)
        observation = replace(seen, found=found, commands=running_commands(app, execution))
        decision = decide(execution, observation, now, app.timing)
        try:
            app.executions.save(execution, decision.execution, Act(ENGINE_ACTOR, now, None))
        except Conflict:
            app.executions.pause(attempt)
            continue
        app.meter.add(Metric.POLLS)
        return _directed(app, snapshot, decision, run, rounds)
    raise Unavailable(f"execution {execution_id} is being changed by many at once")


def _followed(app: App, present: int, run: int, rounds: int) -> Round:
    """Give way to a later run. The answer that told to start it may have been lost: starting it twice does no harm."""
    if present == run + 1 and rounds >= app.renew_after_rounds:
        return Round(RENEW, NEVER, present)
    return Round(STAND_DOWN, NEVER, run)


def _directed(app: App, snapshot: Snapshot, decision: Decision, run: int, rounds: int) -> Round:
    """Keep the machine from sleeping when there is something to do."""
    execution_id, mark = snapshot.execution.execution_id, snapshot.token.mark
    key = Machine.RECOVERY.token_key
    if decision.directive is not Directive.SLEEP:
        app.wakes.leave_directive(execution_id, key, app.now())
        return Round(decision.directive, mark, run, decision.waves)
    if rounds >= app.renew_after_rounds and app.wakes.next_run(execution_id, key, run, app.now()):
        return Round(RENEW, mark, run + 1)
    return Round(Directive.SLEEP, mark, run)


def look(app: App, jobs: Iterable[Job], places: Places | None = None) -> Observation:
    """Describe every job in flight, in one call for each account and Region.

    A fault of DRS is not a failure of the recovery: what could not be seen stays as it was and is looked at again.
    """
    in_flight: dict[Place, list[str]] = defaultdict(list)
    for job in jobs:
        if job.state is JobState.STARTED and job.job_id is not None:
            in_flight[job.place].append(job.job_id)
    questions = {place: partial(_described, job_ids) for place, job_ids in in_flight.items()}
    seen = (places or Places(app)).ask("DRS jobs", questions).values()
    views = {job_id: view for told, _ in seen for job_id, view in told.items()}
    return Observation(views, frozenset().union(*(unnamed for _, unnamed in seen)))


def running_commands(app: App, execution: Execution) -> dict[str, CommandView]:
    """Read how the command runs of the waves stand; nothing is read while none runs."""
    started = [
        run_id(execution.execution_id, wave.number, wave.running_command)
        for wave in execution.waves
        if wave.running_command is not None
    ]
    if not started:
        return {}
    statuses = app.commands.statuses(started)
    views = {}
    for name in started:
        status = statuses.get(name)
        outcome = status.value if status is not None and status.is_terminal else None
        views[name] = CommandView(status is not None, status is CommandRunStatus.CANCELLING, outcome)
    return views


def turned_up(
    app: App, execution_id: str, intents: Iterable[Job], places: Places | None = None
) -> dict[tuple[int, int, int], str]:
    """Look by their tags for the jobs of calls whose outcome is not known. There are none in a round like others.

    No call is made while this looks: StartWave runs before or after a round, never beside it.
    """
    unknown: dict[Place, list[Job]] = defaultdict(list)
    for job in intents:
        unknown[job.place].append(job)
    questions = {place: partial(_found, execution_id, jobs) for place, jobs in unknown.items()}
    seen = (places or Places(app)).ask("jobs of intents", questions).values()
    return {key: job_id for found in seen for key, job_id in found.items()}


def _described(job_ids: list[str], drs: Drs) -> tuple[dict[str, JobView], frozenset[str]]:
    seen, unnamed = drs.jobs(job_ids)
    return {job_id: _explained(drs, job_id, view) for job_id, view in seen.items()}, unnamed


def _found(execution_id: str, jobs: Iterable[Job], drs: Drs) -> dict[tuple[int, int, int], str]:
    found = {job.key: drs.find_launch(execution_id, job) for job in jobs}
    return {key: job_id for key, job_id in found.items() if job_id is not None}


def _explained(drs: Drs, job_id: str, view: JobView) -> JobView:
    """Add from the job's log why servers failed; without the log the failure stands all the same."""
    failed = [server for server, seen in view.servers.items() if seen.launch_status is LaunchStatus.FAILED]
    if not failed or not view.completed:
        return view
    try:
        reasons = drs.failure_reasons(job_id)
    except FAULTS as error:
        logger.warning("log of DRS job %s could not be read: %s", job_id, error)
        return view
    explained = {
        server: ServerView(seen.launch_status, seen.recovery_instance_id, seen.actions_running, reasons.get(server))
        for server, seen in view.servers.items()
    }
    return JobView(view.completed, explained)


def finish(app: App, execution_id: str) -> bool:
    """End an execution if it is over, give its locks back, and start the clean-up that a cancel asked for.

    Gives False when there is something to do after all. Doing it twice does no harm.
    """
    now = app.now()
    _adopt_late_jobs(app, execution_id, now)
    ended = app.executions.change(execution_id, lambda execution: finalise(execution, now), Act(ENGINE_ACTOR, now))
    if not ended.is_terminal:
        return False
    settle(app, ended)
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
