"""A world in small for one execution: its store, DRS, and the short-lived functions that stand between them.

Everything that a crash can come between is a step of its own: the intent written, the call made, the answer recorded.
Every write is judged as the store judges it, and what DRS would never allow twice fails at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.command_run_world import Bound, CommandRuns, check_commands
from tests.support.execution_builders import NOW, OPERATOR, TIMING

from wavebreak.domain.drs import Instance
from wavebreak.domain.executions import termination
from wavebreak.domain.executions.audit_trail import (
    ENGINE_ACTOR,
    Act,
    append_event,
    event_hash,
    status_changes,
    words_behind,
)
from wavebreak.domain.executions.ending.looks import TerminationObservation, is_launched
from wavebreak.domain.executions.engine import (
    Decision,
    Directive,
    decide,
    finalise,
    may_launch,
    next_command,
    unassigned,
)
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.launching.last_look import LastLook
from wavebreak.domain.executions.model import Execution, Job, JobKind, JobState, LaunchStatus
from wavebreak.domain.executions.observation import JobView, Observation, ServerView
from wavebreak.domain.executions.termination import TerminationDirective
from wavebreak.domain.executions.wave_commands import intended
from wavebreak.execution_utils import WaveStatus, final_status, is_terminal
from wavebreak.site import Place
from wavebreak.store.records import job_record, meta_record, read_execution, server_records, wave_record

POLL: Final = timedelta(seconds=30)
_UNDER_WAY: Final = frozenset({LaunchStatus.PENDING, LaunchStatus.IN_PROGRESS})


@dataclass
class DrsJob:
    """A job as DRS keeps it, with the tags it was started with."""

    job_id: str
    tags: tuple[int, int, int]
    servers: dict[str, LaunchStatus]
    instances: dict[str, str] = field(default_factory=dict)
    completed: bool = False

    def view(self) -> JobView:
        """Show the job as DescribeJobs does."""
        return JobView(
            self.completed,
            {name: ServerView(status, self.instances.get(name)) for name, status in self.servers.items()},
        )


class World:
    """One execution and everything around it."""

    def __init__(self, execution: Execution) -> None:
        self.now: datetime = NOW
        self.execution = execution
        self.jobs: dict[str, DrsJob] = {}
        self.calls: list[Job] = []
        """Intents whose function still lives and has not called DRS."""
        self.answers: list[tuple[Job, str]] = []
        """Answers of DRS whose function still lives and has not recorded them."""
        self.lies: set[str] = set()
        """Jobs of which DRS said that it did not start them."""
        self.runs = CommandRuns()
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
            self.execution, event = append_event(after, changes, Act(actor, self.now), _words(before, after))
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
        assert (after.cancel.at, after.cancel.actor) == (before.cancel.at, before.cancel.actor)
        known = {job.key for job in before.launch_jobs()}
        assert {job.key for job in after.launch_jobs()} <= known, "a call was intended after the cancel"
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
        wanted = {job.job_id for job in self.execution.launch_jobs() if job.state is JobState.STARTED and job.job_id}
        views = {name: self.jobs[name].view() for name in wanted} if drs_answers else {}
        observation = Observation(views, commands=self.runs.views(self.execution))
        decision = decide(self.execution, observation, self.now, TIMING)
        self.save(decision.execution)
        if decision.directive is Directive.FINISH:
            self._finish(drs_answers=drs_answers)
        return decision

    def _finish(self, *, drs_answers: bool) -> None:
        """End the execution, once DRS answered the last look for launches that nobody knows of."""
        current = self.execution
        if not current.is_terminal and any(job.may_turn_up for job in current.launch_jobs()):
            if not drs_answers:
                self.save(replace(current, last_look=LastLook(("here",), self.now + TIMING.no_room)))
                return
            self.adopt(job.tags[0] for job in self.jobs.values())
        self.save(finalise(self.execution, self.now))

    def adopt(self, waves: Iterable[int]) -> None:
        """Record the jobs of waves that nobody wrote down."""
        wanted = set(waves)
        for job in self.jobs.values():
            if job.tags[0] in wanted:
                self.save(launch_steps.adopted(self.execution, job.job_id, job.tags, job.servers.keys()))

    def resolve(self, number: int) -> None:
        """Adopt the jobs of a wave's open intents, and refute those that had their time."""
        for job in tuple(self.execution.launch_jobs(number)):
            if job.state is not JobState.INTENDED:
                continue
            found = next((item.job_id for item in self.jobs.values() if item.tags == job.key), None)
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
        batch = unassigned(current, wave)[:limit]
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
        due = None if wave.running_command else next_command(self.execution, wave, self.now, TIMING)
        if due is not None:
            self.save(self.execution.with_waves([intended(self.execution, wave, due)]))
        running = self.execution.wave(number).running_command
        return None if running is None else Bound(self.execution, number, running)

    def call(self, job: Job) -> None:
        """Have DRS start a job; a server that runs or that another job holds would be a double launch."""
        self.calls.remove(job)
        if self.now >= job.check_after:
            return
        for other in self.jobs.values():
            for name in job.subjects:
                assert other.completed or name not in other.servers, f"{name} is in two jobs at a time"
                assert other.servers.get(name) is not LaunchStatus.LAUNCHED, f"{name} was launched twice"
        job_id = f"drsjob-{len(self.jobs) + 1:017d}"
        self.jobs[job_id] = DrsJob(job_id, job.key, dict.fromkeys(job.subjects, LaunchStatus.PENDING))
        self.answers.append((job, job_id))

    def refuse(self, job: Job) -> None:
        """Have DRS refuse a call: nothing happened; the intent is kept for the last look."""
        self.calls.remove(job)
        if self.now < job.check_after:
            until = self.now + TIMING.no_room
            self.save(launch_steps.blocked(launch_steps.refused(self.execution, job), job.wave, until))

    def lie(self, job: Job) -> None:
        """Have DRS start a job, and say that it did not."""
        self.call(job)
        if self.answers and self.answers[-1][0] is job:
            self.lies.add(self.answers.pop()[1])
            until = self.now + TIMING.no_room
            self.save(launch_steps.blocked(launch_steps.refused(self.execution, job), job.wave, until))

    def record(self, job: Job, job_id: str) -> None:
        """Record the job that an intent became."""
        if any(other.key == job.key for other in self.execution.jobs):
            self.save(launch_steps.started(self.execution, job, job_id))

    def settle_server(self, job_id: str, server: str, status: LaunchStatus) -> None:
        """Have DRS get on with one server of a running job."""
        job = self.jobs[job_id]
        if job.completed or job.servers[server] not in _UNDER_WAY:
            return
        job.servers[server] = status
        if status is LaunchStatus.LAUNCHED:
            job.instances[server] = f"i-{job_id.removeprefix('drsjob-')}-{server}"

    def check(self) -> None:
        """Hold what must be true between any two steps."""
        current = self.execution
        check_state(current, self.lies)
        known = {job.job_id for job in current.launch_jobs()}
        if not current.in_flight and not self.answers and (current.is_terminal or known >= self.jobs.keys()):
            launched = {instance for job in self.jobs.values() for instance in job.instances.values()}
            known = {
                server.recovery_instance_id for wave in current.waves for server in wave.servers if is_launched(server)
            }
            assert launched == known

    def check_trail(self) -> None:
        """Verify that the events so far tell the execution as it is."""
        check_trail(self.events, self.execution)

    def run_out(self) -> None:
        """Let everything come to rest: nobody calls, DRS works, functions do not crash. Waits are kept."""
        self.calls.clear()
        self.answers.clear()
        self.runs.held.clear()
        for _ in range(400):
            self.runs.come_to_their_ends(cancelled=self.execution.cancel is not None)
            for job in self.jobs.values():
                for name in job.servers:
                    self.settle_server(job.job_id, name, LaunchStatus.LAUNCHED)
                job.completed = True
            decision = self.observe()
            if is_terminal(self.execution.status):
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

    def clean_up(self) -> None:
        """Run a termination that was begun to its end, one terminate job for all that is alive."""
        alive = [
            Instance(instance, server, job.job_id, is_drill=True, state="RUNNING")
            for job in self.jobs.values()
            for server, instance in job.instances.items()
        ]
        for _ in range(20):
            seen = TerminationObservation(instances=tuple(alive))
            after, directive = termination.decide(self.execution, seen, self.now, TIMING)
            self.save(after)
            if directive is TerminationDirective.FINISH:
                return
            if directive is TerminationDirective.TERMINATE:
                due = termination.due_at(after, Place(), seen, self.now, TIMING)
                self._terminate(tuple(str(server.recovery_instance_id) for server in due))
                alive.clear()
            self.now += POLL
        raise AssertionError("the termination does not come to an end")

    def _terminate(self, instances: tuple[str, ...]) -> None:
        started = Job(
            wave=0,
            attempt=self.execution.termination.run,
            batch=1,
            subjects=instances,
            state=JobState.STARTED,
            intended_at=self.now,
            check_after=self.now,
            kind=JobKind.TERMINATE,
            job_id="drsjob-99999999999999999",
        )
        self.save(self.execution.with_job(started), OPERATOR)


def _words(before: Execution | None, after: Execution) -> dict[str, Any]:
    """Give whose words a change follows, and hold that none is lost: nothing starts or is cleaned up for nobody."""
    if before is None:
        return {}
    words = words_behind(before, after)
    told = {word["waveNumber"] for word in words.get("approvedBy", ())}
    for old, new in zip(before.waves, after.waves, strict=True):
        if old.status is WaveStatus.AWAITING_APPROVAL and new.status is WaveStatus.IN_PROGRESS:
            assert new.number in told
    if not before.is_terminal and after.termination.run > before.termination.run:
        assert words["terminationRequestedBy"]["actor"] == after.termination.requested_by == who_cancels("TERMINATE")
    return words


def who_cancels(then: str) -> str:
    """Name the operator who cancels and goes on in a way: each has one of their own."""
    return f"{OPERATOR}-who-says-{then}"


def check_state(current: Execution, late: Collection[str] = ()) -> None:
    """Hold what must be true of an execution at any moment; `late` are jobs that nobody knew of for a while."""
    for wave in current.waves:
        if wave.status is WaveStatus.CANCELLED:
            assert current.cancel is not None, "only a cancel is final"
            assert not any(job.in_flight and job.job_id not in late for job in current.launch_jobs(wave.number))
            assert wave.running_command is None
        taken: set[str] = set()
        for job in current.launch_jobs(wave.number):
            if job.attempt == wave.attempt and not job.may_turn_up:
                assert not taken & set(job.subjects), "a server is in two jobs of one attempt"
                taken |= set(job.subjects)
    if current.cancel is not None and current.is_terminal:
        assert current.status in {"COMPLETED", "PARTIAL_SUCCESS", "CANCELLED"}
    if current.is_terminal:
        assert not current.in_flight
        assert all(wave.status is not WaveStatus.IN_PROGRESS for wave in current.waves)


def check_trail(events: Sequence[Mapping[str, Any]], execution: Execution) -> None:
    """Verify the chain of events, and that it tells every status as it is."""
    previous = None
    told: dict[object, str] = {}
    for sequence, event in enumerate(events, start=1):
        assert (event["sequence"], event["previousHash"], event["hash"]) == (sequence, previous, event_hash(event))
        previous = event["hash"]
        for change in event["data"]["changes"]:
            subject = change.get("waveNumber", change.get("subject"))
            assert subject not in told or told[subject] == change["from"]
            told[subject] = change["to"]
    assert told.pop(None) == execution.status
    assert told.pop("termination", "NOT_REQUESTED") == execution.termination.status
    for wave in execution.waves:
        assert told.get(wave.number, WaveStatus.NOT_STARTED) == wave.status
