"""One round of a recovery: read DRS, decide, write what changed, and return what the state machine does next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.executions.approving import rules as approving
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import Decision, Directive, decide
from wavebreak.domain.executions.leasing import rules as leasing
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.steps import StepView, view_of
from wavebreak.domain.executions.stepping.wave_steps import run_id
from wavebreak.domain.steps.runs import StepKind
from wavebreak.observability.metrics import Metric
from wavebreak.resilience.lost_races import retry_lost_races
from wavebreak.store import keys
from wavebreak.timeouts import limit
from wavebreak.timing import iso
from wavebreak.use_cases.checks.consolidate_checks import at_its_end
from wavebreak.use_cases.evidence.keep_job_logs import keep_job_logs
from wavebreak.use_cases.machine_round import (
    NEVER,
    Learnt,
    Round,
    RoundDirective,
    begin_job_reads,
    begin_to_learn,
    sites_of,
    together,
)
from wavebreak.use_cases.networks import follow_launches
from wavebreak.use_cases.note_replaced import note_in_earlier_runs, note_in_preempted_drills
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.aws.parallel_reads import Answers
    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.observing.launches import Observation
    from wavebreak.ports.capabilities import (
        HasChecks,
        HasDrsReads,
        HasEvidence,
        HasLocks,
        HasMeter,
        HasPostLaunchActions,
        HasRenewal,
        HasSilences,
        HasTemplateChanges,
        HasTemplates,
        HasTiming,
        HasWakes,
    )
    from wavebreak.site import Site
    from wavebreak.store.latest_states import Snapshot
    from wavebreak.use_cases.run_command import Ports as RunCommandPorts

    class Ports(
        RunCommandPorts,
        HasChecks,
        HasDrsReads,
        HasEvidence,
        HasLocks,
        HasMeter,
        HasPostLaunchActions,
        HasRenewal,
        HasSilences,
        HasTemplateChanges,
        HasTemplates,
        HasTiming,
        HasWakes,
        Protocol,
    ):
        """What observing a recovery needs."""


logger = logging.getLogger(__name__)

_GLANCE_SECONDS: Final = 0.25
"""Between two glances at the mark while a site is silent."""
_PATIENCE_SECONDS: Final = 30
"""How long a silent site is waited for, at most: the function has as much again for what comes after."""


def observe(app: Ports, execution_id: str, run: int, rounds: int) -> Round:
    """Do one round. The mark is read in the same consistent read as the state, before DRS is asked."""
    learnt = Learnt()

    def attempt() -> Round:
        snapshot = app.executions.latest.load(execution_id)
        if snapshot.token.run > run:
            return _followed(app, snapshot.token.run, run, rounds)
        round_ = _ObservationRound(app, snapshot, learnt)
        decision = round_.decide()
        app.meter.add(Metric.POLLS)
        if decision.directive in {Directive.SLEEP, Directive.FINISH}:
            follow_launches.follow(app, round_.current)
        if decision.directive is Directive.FINISH:
            note_in_earlier_runs(app, round_.current)
        return replace(_directed(app, snapshot, decision, run, rounds), last_seen=round_.last_seen)

    return retry_lost_races(f"Execution {execution_id}", attempt, app.executions.pause)


class _ObservationRound:
    """One round: what DRS answers at once is decided on at once.

    While nothing else is to do, sites that are silent are waited for, and what launches that are over have left to
    tell is asked for; a wake ends that.
    """

    def __init__(self, app: Ports, snapshot: Snapshot, learnt: Learnt) -> None:
        self.app = app
        self.learnt = learnt
        self.current = cancel_drills(app, snapshot.execution)
        self.mark = snapshot.token.mark
        self.known_seen = snapshot.token.last_seen_at
        self.intents = _left_open(self.current, app.now())
        self.asked = _sites_asked(self.current, self.intents)
        self.silent = set(self.asked)
        self.sites = sites_of(app)
        self.steps: dict[str, StepView] = {}

    def decide(self) -> Decision:
        """Read, decide and write; raise VersionConflictError when another write came first."""
        answers = begin_job_reads(self.app, self.current, self.intents, self.sites, self.learnt)
        self.steps = running_steps(self.app, self.current)
        decision = self._heard(answers.first())
        if decision.directive is Directive.SLEEP:
            decision = self._learn(decision)
        return self._wait(decision, answers) if decision.directive is Directive.SLEEP else decision

    @property
    def last_seen(self) -> str:
        """When every site with jobs in flight had last reported them: now, unless one of them is silent.

        Before the first answer it is the time of the first call for one of them: DRS had just answered then.
        """
        called = [job.intended_at for job in self.current.launch_jobs() if job.in_flight]
        if not called:
            return ""
        heard = self.asked and not self.silent
        return iso(self.app.now() if heard else self.known_seen or min(called))

    def _heard(self, answers_now: Mapping[Site, Observation]) -> Decision:
        """Decide by the jobs that some sites reported."""
        self.silent -= answers_now.keys()
        return self._step(answers_now)

    def _step(self, answers_now: Mapping[Site, Observation]) -> Decision:
        """Decide by the answers of some sites, and write the decision."""
        now = self.app.now()
        seen = replace(together(answers_now.values()), steps=self.steps)
        decision = decide(self.current, seen, now, self.app.timing)
        overstayed = False
        if decision.directive is Directive.SLEEP:
            watched = leasing.watched(decision.execution, now)
            overstayed = watched.cancel is not decision.execution.cancel
            again = decide(watched, seen, now, self.app.timing) if overstayed else decision
            decision = again if overstayed else replace(decision, execution=watched)
        logs = keep_job_logs(self.app, self.current, decision.execution, seen.logs)
        why = leasing.OVERSTAYED if overstayed else approving.rejected_for_time(self.current, decision.execution)
        act = Attribution(ENGINE_ACTOR, now, why)
        after = at_its_end(self.app, self.current, decision.execution)
        self.current = self.app.executions.save(self.current, after, act, beside=logs)
        if overstayed:
            self._stop_commands(act)
        return decision

    def _stop_commands(self, act: Attribution) -> None:
        from wavebreak.use_cases.run_command import cancel_all  # noqa: PLC0415  hardly a round pays for this import

        cancel_all(self.app, self.current.execution_id, act)

    def _learn(self, decision: Decision) -> Decision:
        answers_now = begin_to_learn(self.app, self.current, self.sites, self.learnt).first()
        if not answers_now:
            return decision
        after = self._step(answers_now)
        note_in_preempted_drills(self.app, self.current)
        return after

    def _wait(self, decision: Decision, answers: Answers[Observation]) -> Decision:
        """Wait for silent sites as long as the machine would sleep, unless it is woken or there is something to do."""
        # However short the interval: what answers within the limit of a call is heard.
        least = limit("drs_call") + 1
        waited, patience = 0.0, min(max(self.app.timing.poll_seconds, least), _PATIENCE_SECONDS)
        while answers.silent and decision.directive is Directive.SLEEP:
            if waited >= patience:
                self.sites.note_silence("DRS jobs", answers.silent, waited)
                return replace(decision, brief=True)
            answers_now = answers.more(_GLANCE_SECONDS)
            waited += _GLANCE_SECONDS
            if answers_now:
                decision = self._heard(answers_now)
            elif self.app.wakes.mark_of(self.current.execution_id, keys.TOKEN) != self.mark:
                return decision
        return decision


def _sites_asked(execution: Execution, intents: Iterable[Job]) -> frozenset[Site]:
    """Return the sites that a round asks for jobs; a job just being started is read by the call that starts it."""
    started = (job for job in execution.launch_jobs() if job.state is JobState.STARTED)
    return frozenset(job.site for job in (*started, *intents))


def _left_open(execution: Execution, now: datetime) -> list[Job]:
    """Return the intents without an outcome that no call follows any more."""
    leased = {wave.number for wave in execution.waves if wave.start_lease is not None and now < wave.start_lease}
    return [job for job in execution.launch_jobs() if job.state is JobState.INTENDED and job.wave not in leased]


def _followed(app: Ports, present: int, run: int, rounds: int) -> Round:
    """Give way to a later run. The answer that started it may have been lost: starting it twice does no harm."""
    if present == run + 1 and rounds >= app.renew_after_rounds:
        return Round(RoundDirective.RENEW, NEVER, present)
    return Round(RoundDirective.STAND_DOWN, NEVER, run)


def _directed(app: Ports, snapshot: Snapshot, decision: Decision, run: int, rounds: int) -> Round:
    """Return the round's output; the machine does not sleep while there is something to do."""
    execution_id, mark = snapshot.execution.execution_id, snapshot.token.mark
    key = keys.TOKEN
    if decision.directive is not Directive.SLEEP:
        app.wakes.leave_directive(execution_id, key, app.now())
        rests = decision.brief or decision.directive is not Directive.START
        return Round(decision.directive, mark if rests else NEVER, run, decision.waves)
    if rounds >= app.renew_after_rounds and app.wakes.next_run(execution_id, key, run, app.now()):
        return Round(RoundDirective.RENEW, mark, run + 1)
    # A mark that was counted up since keeps the machine from its long sleep; the short one asks for one more than this.
    return Round(Directive.SLEEP, mark - 1 if decision.brief else mark, run, brief=decision.brief)


def running_steps(app: Ports, execution: Execution) -> dict[str, StepView]:
    """Read how the runs of the waves' steps stand; nothing is read while none runs."""
    started = {
        run_id(execution.execution_id, wave.number, step): step
        for wave in execution.waves
        if (step := wave.running_step) is not None
    }
    commands = [name for name, step in started.items() if step.kind is StepKind.COMMAND]
    others = [name for name, step in started.items() if step.kind is not StepKind.COMMAND]
    runs = app.commands.load_many(commands) if commands else {}
    steps = app.steps.load_many(others) if others else {}
    return {
        **{name: _of_command(runs.get(name)) for name in commands},
        **{name: view_of(run) if (run := steps.get(name)) else StepView(exists=False) for name in others},
    }


def _of_command(run: CommandRun | None) -> StepView:
    if run is None:
        return StepView(exists=False)
    if run.status.is_terminal:
        return StepView(
            outcome=run.status.value, failure=run.shortfall, started_at=run.started_at, ended_at=run.ended_at
        )
    return StepView(cancelling=run.status is CommandRunStatus.CANCELLING)
