"""One round of a termination: see which recovery instances of this execution are left, and terminate them.

TerminateRecoveryInstances takes no client token either: an intent is written before the call, and after an unknown
outcome the job is found by the instances that take part in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from wavebreak.aws.batching import BATCHES_A_CALL, Batches
from wavebreak.aws.drs import IDS_A_CALL, Drs
from wavebreak.aws.unrepeated import OutcomeUnknown, Refusal
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions import termination
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.domain.executions.model import Execution, Job, JobKind, JobState
from wavebreak.domain.executions.termination import CleanUp, Sighting
from wavebreak.observability.metrics import Metric
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.store.executions import Conflict
from wavebreak.use_cases.machine_round import NEVER, STAND_DOWN, Round, look, places_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.aws.parallel_reads import Places
    from wavebreak.site import Place

_ATTEMPTS: Final = 25


def observe(app: App, execution_id: str, run: int) -> Round:
    """Do one round of a clean-up; at its end the plan and the servers are free again."""
    for attempt in range(_ATTEMPTS):
        snapshot = app.executions.load(execution_id)
        execution, mark = snapshot.execution, snapshot.termination_token.mark
        if snapshot.termination_token.run > run:
            return Round(STAND_DOWN, NEVER, run)
        now = app.now()
        places = places_of(app)
        sighting = _sighting(app, execution, places)
        after, directive = termination.decide(execution, sighting, now, app.timing)
        try:
            saved = app.executions.save(execution, after, Act(ENGINE_ACTOR, now))
        except Conflict:
            app.executions.pause(attempt)
            continue
        app.meter.add(Metric.POLLS)
        if directive is CleanUp.FINISH and not saved.holds_locks:
            app.locks.release_servers(saved)
        if directive is not CleanUp.SLEEP:
            app.wakes.leave_directive(execution_id, keys.TERMINATION_TOKEN, app.now())
        return Round(directive, mark, run)
    raise Unavailable(f"execution {execution_id} is being changed by many at once")


def _sighting(app: App, execution: Execution, places: Places) -> Sighting:
    observation = look(app, execution.jobs, places)
    alive = frozenset().union(*_instances(execution, places).values())
    return Sighting(observation, alive, frozenset(places.failed))


def _instances(execution: Execution, places: Places) -> dict[Place, frozenset[str]]:
    """Give the instances that this execution's own jobs launched, by place. Nobody else's are ever touched."""
    servers: dict[Place, set[str]] = defaultdict(set)
    jobs: dict[Place, set[str]] = defaultdict(set)
    for job in execution.launch_jobs():
        servers[job.place].update(job.subjects)
        if job.job_id:
            jobs[job.place].add(job.job_id)
    questions = {place: partial(_launched_by, jobs[place], sorted(servers[place])) for place in jobs}
    return places.ask("recovery instances", questions)


def _launched_by(jobs: set[str], servers: list[str], drs: Drs) -> frozenset[str]:
    return frozenset(each.recovery_instance_id for each in drs.instances(servers) if each.job_id in jobs)


def terminate(app: App, execution_id: str) -> None:
    """Terminate what is left of an execution's instances, in batches, each intended before it is called.

    A place that does not answer or refuses waits for a later round, and holds up no other.
    """
    execution = app.executions.load(execution_id).execution
    if not termination.may_call(execution, app.now()):
        return
    places = places_of(app)
    waiting = [_terminate_at(app, execution_id, place, alive) for place, alive in _instances(execution, places).items()]
    if places.failed or any(waiting):
        until = app.now() + app.timing.no_room
        app.executions.change(execution_id, lambda current: _held_back(current, until), Act(ENGINE_ACTOR, app.now()))


def _terminate_at(app: App, execution_id: str, place: Place, alive: frozenset[str]) -> bool:
    """Terminate the instances of a place; tells whether something there has to wait before it is tried again."""
    try:
        return _Terminator(app, execution_id, place).run(alive)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=execution_id, place=str(place))
        return True


class _Terminator:
    """Terminates the instances of one execution in one place."""

    def __init__(self, app: App, execution_id: str, place: Place) -> None:
        self.app = app
        self.execution_id = execution_id
        self.place = place
        self.drs: Drs = app.drs_at(place)
        self.batches = Batches()
        self.must_wait = False

    def run(self, alive: frozenset[str]) -> bool:
        """Call batch after batch; tells whether DRS refused something that is to be tried again later."""
        self._resolve()
        for _ in range(BATCHES_A_CALL):
            job = self._intend(alive)
            if job is None or not self._call(job):
                break
        return self.must_wait or self.batches.left_out

    def _change(self, step: Callable[[Execution], Execution]) -> Execution:
        return self.app.executions.change(self.execution_id, step, Act(ENGINE_ACTOR, self.app.now()))

    def _resolve(self) -> None:
        """Find the job of each intent without an outcome by its instances, or give the intent up."""
        execution = self.app.executions.load(self.execution_id).execution
        for job in termination.terminate_jobs(execution):
            if job.state is JobState.INTENDED and job.place == self.place:
                found = self._find(execution, job)
                if found is not None:
                    self._put(replace(job, state=JobState.STARTED, job_id=found))
                elif self.app.now() >= job.check_after:
                    self._put(replace(job, state=JobState.REFUTED))

    def _find(self, execution: Execution, job: Job) -> str | None:
        """Find the job of an intent, ended or not, by what it terminates; one that is written down is another's."""
        known = {other.job_id for other in execution.jobs}
        wanted = frozenset(job.subjects)
        servers = {
            server.source_server_id
            for wave in execution.waves
            for server in wave.servers
            if server.recovery_instance_id in wanted
        }
        for recent in self.drs.recent_jobs(self.app.now()):
            if recent.kind != JobKind.TERMINATE or recent.job_id in known:
                continue
            if recent.instances & wanted or (not recent.instances and not recent.ended and recent.servers & servers):
                return recent.job_id
        return None

    def _intend(self, alive: frozenset[str]) -> Job | None:
        """Write the intent for the next batch; None when nothing is due."""
        intents: list[Job] = []

        def step(current: Execution) -> Execution:
            intents.clear()
            now = self.app.now()
            batch = self.batches.choose(termination.due(current, alive), IDS_A_CALL)
            if not batch:
                return current
            run = current.termination.run
            job = Job(
                wave=0,
                attempt=run,
                batch=current.next_batch(0, run),
                subjects=batch,
                state=JobState.INTENDED,
                intended_at=now,
                check_after=now + self.app.timing.intent_expiry,
                kind=JobKind.TERMINATE,
                place=self.place,
            )
            intents.append(job)
            return current.with_job(job)

        self._change(step)
        return intents[0] if intents else None

    def _call(self, job: Job) -> bool:
        """Call TerminateRecoveryInstances once and record what came of it; tells whether to go on."""
        try:
            job_id = self.drs.terminate(job.subjects)
        except Refusal as refusal:
            self.app.errors.record_error(refusal, Severity.WARNING, execution_id=self.execution_id)
            return self._refused(job, refusal)
        except OutcomeUnknown as unknown:
            self.app.errors.record_error(unknown, Severity.WARNING, execution_id=self.execution_id)
            self._put(replace(job, check_after=self.app.now() + self.app.timing.settle))
            return False
        self._put(replace(job, state=JobState.STARTED, job_id=job_id))
        return True

    def _refused(self, job: Job, refusal: Refusal) -> bool:
        """Forget the intent: nothing happened. Take a smaller batch, leave the one at fault out, or wait.

        A refusal that waiting cannot help, such as a missing permission, counts as one of the attempts.
        """
        if self.batches.narrow(job.subjects, refusal):
            self._change(lambda current: current.without_job(job))
            return True
        if refusal.retryable:
            self._change(lambda current: current.without_job(job))
        else:
            self._put(replace(job, state=JobState.ENDED, ended_at=self.app.now()))
        if refusal.may_concern_one:
            self.batches.set_aside(job.subjects)
            return True
        self.must_wait = True
        return False

    def _put(self, job: Job) -> None:
        self._change(lambda current: current.with_job(job))


def _held_back(execution: Execution, until: datetime) -> Execution:
    return replace(execution, termination=replace(execution.termination, blocked_until=until))
