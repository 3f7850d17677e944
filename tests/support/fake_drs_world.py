"""A world in small for one execution: its store, DRS, and the short-lived functions that stand between them.

Everything that a crash can come between is a step of its own: the intent written, the call made, the answer recorded.
Every write is judged as the store judges it, and what DRS would never allow twice fails at once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.command_run_world import Bound, CommandRuns, check_commands
from tests.support.execution_builders import NOW, OPERATOR, TIMING
from tests.support.execution_checks import check_state, check_trail, words_kept
from tests.support.mannered_drs import DrsJob, MannerlyReads

from wavebreak.domain.executions.audit_trail import (
    ENGINE_ACTOR,
    append_event,
    status_changes,
)
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.engine import (
    Decision,
    Directive,
    decide,
    due_step,
    finalise,
    may_launch,
    servers_to_launch,
)
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.final_check import FinalCheck
from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing import learning
from wavebreak.domain.executions.observing.instances import TerminationObservation, is_launched, terminate_jobs
from wavebreak.domain.executions.observing.launches import JobView, Observation
from wavebreak.domain.executions.stepping.wave_steps import intended
from wavebreak.execution_utils import WaveStatus, final_status, is_terminal
from wavebreak.site import Site
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace

POLL: Final = timedelta(seconds=30)
GOING: Final = timedelta(seconds=20)
"""How long DRS takes to end an instance."""
_UNDER_WAY: Final = frozenset({LaunchStatus.PENDING, LaunchStatus.IN_PROGRESS})


class World:
    """One execution and everything around it."""

    def __init__(self, execution: Execution, seed: int) -> None:
        self.now: datetime = NOW
        self.reads = MannerlyReads(seed, lambda: self.now)
        self.execution = execution
        self.jobs: dict[str, DrsJob] = {}
        self.calls: list[Job] = []
        """Intents whose function still lives and has not called DRS."""
        self.answers: list[tuple[Job, str]] = []
        """Answers of DRS whose function still lives and has not recorded them."""
        self.lies: set[str] = set()
        """Jobs of which DRS said that it did not start them."""
        self.runs = CommandRuns(lambda: self.now)
        self.events: list[dict[str, Any]] = []
        self._tell(None, execution, ENGINE_ACTOR)

    def save(self, after: Execution, actor: str = ENGINE_ACTOR, *, reopens: bool = False) -> None:
        """Write a state as the store does, once it is known to be one that may follow the present."""
        before = self.execution
        if after == before:
            return
        self.check_cancel_is_final(before, after)
        check_commands(before, after)
        self.runs.check_completed(before, after)
        if before.is_terminal and after.status is not before.status:
            assert reopens, f"{before.status} became {after.status} by itself"
        if after.is_terminal and not before.is_terminal:
            self.check_ending(after)
            assert not self.runs.running(), "it ended while a command ran"
        self._tell(before, replace(after, version=before.version + 1), actor)
        self._check_that_it_is_read_back(before)

    def _tell(self, before: Execution | None, after: Execution, actor: str) -> None:
        changes = status_changes(before, after)
        self.execution = after
        if changes:
            self.execution, event = append_event(
                after, changes, Attribution(actor, self.now), words_kept(before, after)
            )
            self.events.append(event)

    def _check_that_it_is_read_back(self, before: Execution) -> None:
        """Write down what this state changed beside the execution itself, and read it; the rest was read before."""
        current, identifier = self.execution, self.execution.execution_id
        known = {id(part) for part in (*before.waves, *before.jobs)}
        waves = tuple(wave for wave in current.waves if id(wave) not in known)
        jobs = tuple(job for job in current.jobs if id(job) not in known)
        read = read_execution(
            [
                meta_record(current),
                *(wave_record(identifier, wave) for wave in waves),
                *(item for wave in waves for item in server_records(identifier, wave)),
                *(job_record(identifier, job) for job in jobs),
            ]
        )
        assert read == replace(current, waves=waves, jobs=jobs)

    @staticmethod
    def check_cancel_is_final(before: Execution, after: Execution) -> None:
        """Hold that after a cancel nothing new begins."""
        if before.cancel is None:
            return
        assert after.cancel is not None
        assert after.cancel.by == before.cancel.by
        known = {job.key for job in before.launch_jobs()}
        # What turns up of a call whose intent was dropped since is written down when it is found.
        added = [job for job in after.launch_jobs() if job.key not in known]
        assert all(job.job_id for job in added), "a call was intended after the cancel"
        for old, new in zip(before.waves, after.waves, strict=True):
            assert new.status is old.status or new.status not in {WaveStatus.IN_PROGRESS, WaveStatus.AWAITING_APPROVAL}

    @staticmethod
    def check_ending(after: Execution) -> None:
        """Hold what must be true of an execution that has ended."""
        assert not after.in_flight
        assert after.ended_at is not None
        assert after.status is final_status(
            (wave.status for wave in after.waves),
            has_job=any(job.job_id for job in after.launch_jobs()),
            cancel_accepted=after.cancel is not None,
        )

    def observe(self, *, drs_answers: bool = True) -> Decision:
        """Do one round of the recovery machine up to its directive; FINISH is carried out."""
        started = [job.job_id for job in self.execution.launch_jobs() if job.state is JobState.STARTED]
        wanted = [self.jobs[name] for name in started if name]
        decision = self._decide(self.reads.described(wanted if drs_answers else ()))
        if decision.directive is Directive.SLEEP and drs_answers:
            decision = self._learn(decision)
        if decision.directive is Directive.FINISH:
            self._finish(drs_answers=drs_answers)
        return decision

    def _decide(self, seen: Observation) -> Decision:
        observation = replace(seen, steps=self.runs.views(self.execution))
        decision = decide(self.execution, observation, self.now, TIMING)
        self.save(decision.execution)
        return decision

    def _learn(self, decision: Decision) -> Decision:
        """Ask for what launches that are over have left to tell, as a round does that has nothing else to do."""
        due = learning.due(self.execution, Site(), self.now, TIMING)
        return self._decide(self.reads.reported(due, self.jobs.values())) if due.servers or due.logs else decision

    def _finish(self, *, drs_answers: bool) -> None:
        """End the execution, once DRS answered the last look for launches that nobody knows of."""
        current = self.execution
        if not current.is_terminal and any(job.may_appear for job in current.launch_jobs()):
            if not drs_answers:
                self.save(replace(current, final_check=FinalCheck(("here",), self.now + TIMING.no_room)))
                return
            self.adopt(wave.number for wave in current.waves)
        self.save(finalise(self.execution, self.now))

    def adopt(self, waves: Iterable[int]) -> None:
        """Record the jobs of waves that nobody wrote down."""
        wanted = set(waves)
        for job in self.reads.shown(self.jobs.values()):
            if job.tags[0] in wanted:
                self.save(launch_steps.adopted(self.execution, job.job_id, job.tags, job.servers.keys()))

    def resolve(self, number: int) -> None:
        """Adopt the jobs of a wave's open intents, and refute those that had their time."""
        for job in tuple(self.execution.launch_jobs(number)):
            if job.state is not JobState.INTENDED:
                continue
            shown = self.reads.shown(self.jobs.values())
            found = next((item.job_id for item in shown if item.tags == job.key), None)
            if found is not None:
                self.record(job, found)
            elif self.now >= job.check_after:
                self.save(launch_steps.refuted(self.execution, job))
        self.adopt([number])

    def intend(self, number: int, limit: int) -> Job | None:
        """Write the intent of a wave's next batch; its function lives on until the intent may be looked into."""
        current, wave = self.execution, self.execution.wave(number)
        if not may_launch(current, wave, self.now, TIMING):
            return None
        batch = servers_to_launch(current, wave)[:limit]
        if not batch:
            return None
        used = [job.batch for job in current.launch_jobs(number) if job.attempt == wave.attempt]
        job = Job(
            wave=number,
            attempt=wave.attempt,
            batch=max(used, default=0) + 1,
            subjects=tuple(server.source_server_id for server in batch),
            state=JobState.INTENDED,
            intended_at=self.now,
            check_after=self.now + TIMING.intent_expiry,
        )
        self.save(current.with_job(job))
        self.calls.append(job)
        return job

    def intend_command(self, number: int) -> Bound | None:
        """Write that a wave's next command is started, if it is due; gives whoever makes, or cancels, its run."""
        wave = self.execution.wave(number)
        due = None if wave.running_step else due_step(self.execution, wave, self.now, TIMING)
        if due is not None:
            self.save(self.execution.with_waves([intended(self.execution, wave, due, self.now)]))
        running = self.execution.wave(number).running_step
        return None if running is None else Bound(self.execution, number, running)

    def call(self, job: Job) -> None:
        """Have DRS start a job, or refuse it for a server that another job holds.

        A server that runs would be a double launch; one whose job can be seen was not to be asked for.
        """
        self.calls.remove(job)
        if self.now >= _dies_at(job):
            return
        others = [other for other in self.jobs.values() if set(job.subjects) & other.servers.keys()]
        for name in job.subjects:
            assert all(other.servers.get(name) is not LaunchStatus.LAUNCHED for other in others), f"{name} runs"
        running = [other for other in others if not other.completed]
        if running:
            assert any(job.intended_at < other.shows_at for other in running), "a server is in two jobs at a time"
            self._refused(job)
            return
        job_id = f"drsjob-{len(self.jobs) + 1:017d}"
        self.jobs[job_id] = DrsJob(job_id, job.key, self.now, dict.fromkeys(job.subjects, LaunchStatus.PENDING))
        self.answers.append((job, job_id))

    def refuse(self, job: Job) -> None:
        """Have DRS refuse a call: nothing happened; the intent is kept for the last look."""
        self.calls.remove(job)
        if self.now < _dies_at(job):
            self._refused(job)

    def lie(self, job: Job) -> None:
        """Have DRS start a job, and say that it did not."""
        self.call(job)
        if self.answers and self.answers[-1][0] is job:
            self.lies.add(self.answers.pop()[1])
            self._refused(job)

    def _refused(self, job: Job) -> None:
        after = launch_steps.refused(self.execution, job, self.now + TIMING.settle)
        self.save(launch_steps.blocked(after, job.wave, self.now + TIMING.no_room))

    def record(self, job: Job, job_id: str) -> None:
        """Record the job that an intent became."""
        if any(other.key == job.key for other in self.execution.jobs):
            self.save(launch_steps.started(self.execution, job, job_id))

    def settle_server(self, job_id: str, server: str, status: LaunchStatus) -> None:
        """Have DRS get on with one server of a running job; a launch takes a while."""
        job = self.jobs[job_id]
        early = status is LaunchStatus.LAUNCHED and self.now < job.launches_at
        if not (early or job.completed) and job.servers[server] in _UNDER_WAY:
            job.settle(server, status, self.now)

    def end_job(self, job: DrsJob) -> None:
        """Have DRS end a job, with servers that it could not launch in time left as they are."""
        if self.now >= job.launches_at or _UNDER_WAY.isdisjoint(job.servers.values()):
            job.end(self.now)

    def check(self) -> None:
        """Hold what must be true between any two steps."""
        current = self.execution
        check_state(current, self.lies)
        known = {job.job_id for job in current.launch_jobs()}
        if not current.in_flight and not self.answers and (current.is_terminal or known >= self.jobs.keys()):
            launched = {instance: name for job in self.jobs.values() for name, instance in job.instances.items()}
            reported_text = {
                server.source_server_id: server.recovery_instance_id
                for wave in current.waves
                for server in wave.servers
                if is_launched(server)
            }
            assert reported_text.keys() == set(launched.values())
            assert all(launched[instance] == name for name, instance in reported_text.items() if instance)

    def check_trail(self) -> None:
        """Verify that the events so far tell the execution as it is."""
        check_trail(self.events, self.execution)

    def run_out(self) -> None:
        """Let everything come to rest: nobody calls, DRS works, functions do not crash. Waits are kept."""
        self.calls.clear()
        self.answers.clear()
        self.runs.held.clear()
        began = self.now
        for _ in range(400):
            self.runs.come_to_their_ends(cancelled=self.execution.cancel is not None)
            for job in self.jobs.values():
                for name in job.servers:
                    self.settle_server(job.job_id, name, LaunchStatus.LAUNCHED)
                self.end_job(job)
            decision = self.observe()
            if is_terminal(self.execution.status):
                self._check_that_launches_are_reported(began)
                return
            self._do_all(decision)
            if decision.directive is Directive.SLEEP:
                if self._waits_for_people():
                    return
                self.now += POLL
            self.check()
        raise AssertionError("the execution does not come to an end")

    def _do_all(self, decision: Decision) -> None:
        for number in decision.waves:
            if decision.directive is Directive.COMMAND:
                bound = self.intend_command(number)
                if bound is not None:
                    self.runs.carry_out(bound)
                continue
            self.resolve(number)
            job_intended = self.intend(number, 100)
            if job_intended is not None:
                self.call(job_intended)
                self.record(*self.answers.pop())

    def _waits_for_people(self) -> bool:
        busy = self.execution.in_flight or self.execution.count(WaveStatus.IN_PROGRESS)
        paused = self.execution.status == "PAUSED"
        return not busy and (paused or self.execution.count(WaveStatus.AWAITING_APPROVAL) > 0)

    def _check_that_launches_are_reported(self, since: datetime) -> None:
        """Hold that of what was launched since a moment the names are known, and of what failed the reasons.

        However late DRS shows them: after that moment no round was late or unanswered.
        """
        servers = [server for wave in self.execution.waves for server in wave.servers]
        known = {server.recovery_instance_id for server in servers}
        late = {job.job_id: job for job in self.jobs.values() if job.completed_at and job.completed_at >= since}
        assert known.issuperset(each for job in late.values() for each in job.instances.values())
        for kept in self.execution.launch_jobs():
            job = late.get(kept.job_id or "")
            if job is not None:
                assert kept.logged
                failed = (server for server in servers if server.launch_status is LaunchStatus.FAILED)
                assert {each.error for each in failed if each.source_server_id in job.servers} <= {job.why_not}

    def clean_up(self) -> None:
        """Run a termination that was begun to its end."""
        ends: dict[str, datetime] = {}
        for _ in range(40):
            over = {
                job.job_id or "": JobView(self.now >= ends[job.subjects[0]]) for job in terminate_jobs(self.execution)
            }
            seen = TerminationObservation(Observation(over), self.reads.instances(self.jobs.values(), ends))
            after, directive = termination.decide(self.execution, seen, self.now, TIMING)
            self.save(after)
            if directive is TerminationDirective.FINISH:
                assert ends.keys() == {each for job in self.jobs.values() for each in job.instances.values()}
                return
            if directive is TerminationDirective.TERMINATE:
                due = termination.due_at(after, Site(), seen, self.now, TIMING)
                instances = tuple(str(server.recovery_instance_id) for server in due)
                assert ends.keys().isdisjoint(instances), "it was asked to end what it is ending"
                ends |= dict.fromkeys(instances, self.now + GOING)
                self._terminate(instances, len(ends))
            self.now += POLL
        raise AssertionError("the termination does not come to an end")

    def _terminate(self, instances: tuple[str, ...], number: int) -> None:
        started = Job(
            wave=0,
            attempt=self.execution.termination.attempt,
            batch=number,
            subjects=instances,
            state=JobState.STARTED,
            intended_at=self.now,
            check_after=self.now,
            kind=JobKind.TERMINATE,
            job_id=f"drsjob-9{number:016d}",
        )
        self.save(self.execution.with_job(started), OPERATOR)


def _dies_at(job: Job) -> datetime:
    """Tell when the function that intends a call is surely over: its intent is looked into once the call must show."""
    return job.check_after - TIMING.settle
