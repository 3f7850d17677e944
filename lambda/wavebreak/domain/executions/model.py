"""What Wavebreak knows of an execution: its waves, their servers and the DRS jobs that were started for them.

Pure and immutable: every step of the engine takes an `Execution` and returns another. The store writes the difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import (
    ENDED_WAVE_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    is_terminal,
)
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from wavebreak.domain.executions.batch_search import Suspicion
    from wavebreak.domain.executions.ending.model import Hold, InstanceEnding
    from wavebreak.domain.executions.findings.model import CallCounts, CheckTally, Objectives, Verdict
    from wavebreak.domain.executions.launching.last_look import LastLook
    from wavebreak.domain.executions.leasing.model import Lease
    from wavebreak.domain.executions.locking.model import DrillWait, Preemption
    from wavebreak.domain.executions.notices import Notice
    from wavebreak.domain.launch_templates.model import DrillNetwork

SERVERS_PER_ITEM: Final = 100
"""Servers of a wave that share one item of the table."""


class Mode(StrEnum):
    """What a run is for: a rehearsal or the real thing."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"


class LaunchStatus(StrEnum):
    """DRS's own words for a participating server."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    LAUNCHED = "LAUNCHED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class JobState(StrEnum):
    """What is known of one call: of a REFUTED one no job is shown, of a REFUSED one DRS said that it did nothing."""

    INTENDED = "INTENDED"
    STARTED = "STARTED"
    ENDED = "ENDED"
    REFUTED = "REFUTED"
    REFUSED = "REFUSED"


class JobKind(StrEnum):
    """What a DRS job does."""

    LAUNCH = "LAUNCH"
    TERMINATE = "TERMINATE"


class PausedBy(StrEnum):
    """Who holds an execution."""

    OPERATOR = "OPERATOR"
    FAILURE = "FAILURE"


class CommandPhase(StrEnum):
    """When a wave's command runs: before its servers are launched, or after; a check's, as its last part or at the end.

    What is in the last part of the wave, CHECK, belongs to the wave. A CLOSING one is over the execution: its wave only
    wrote it down.
    """

    BEFORE = "BEFORE"
    AFTER = "AFTER"
    CHECK = "CHECK"
    CLOSING = "CLOSING"


class CommandState(StrEnum):
    """How a wave's command stands. A STARTED one counts as in flight, whether its run exists already or not."""

    PLANNED = "PLANNED"
    STARTED = "STARTED"
    ENDED = "ENDED"


class CancelThen(StrEnum):
    """What follows a cancel once nothing is in flight."""

    KEEP = "KEEP"
    TERMINATE = "TERMINATE"


@dataclass(frozen=True, slots=True)
class Server:
    """A source server of a wave and how its launch stands."""

    source_server_id: str
    impact: Impact = Impact.CRITICAL
    launch_status: LaunchStatus = LaunchStatus.PENDING
    recovery_instance_id: str | None = None
    error: str | None = None
    snapshot_id: str | None = None
    actions_running: bool = False
    """Post-launch actions of a LAUNCHED server that have not ended."""
    suspicion: Suspicion | None = None
    """What is remembered of it while StartRecovery is refused for it, or while it waits for something else."""
    snapshot_at: datetime | None = None
    """The moment of the recovery point that its instance was launched from."""
    older_snapshot: bool = False
    """Whether DRS launched it from an older recovery point than it was asked for."""
    ending: InstanceEnding | None = None
    """What a termination knows of the recovery instance; None before one looked at it."""
    has_actions: bool = False
    """Whether DRS was seen to run post-launch actions on it."""
    name: str | None = None
    """What people called it when the execution started: its Name tag, else its host name."""

    @property
    def is_settled(self) -> bool:
        """Whether this server's launch is over."""
        if self.launch_status is LaunchStatus.LAUNCHED:
            return not self.actions_running
        return self.launch_status in {LaunchStatus.FAILED, LaunchStatus.TERMINATED}

    def anew(self) -> Server:
        """Give this server as it was before any launch."""
        return replace(
            self,
            launch_status=LaunchStatus.PENDING,
            recovery_instance_id=None,
            error=None,
            actions_running=False,
            suspicion=None,
            snapshot_at=None,
            older_snapshot=False,
            ending=None,
            has_actions=False,
        )

    @property
    def fails_wave(self) -> bool:
        """Whether this server, its launch being over, fails its wave (contract: a CRITICAL one that did not launch)."""
        return self.impact is Impact.CRITICAL and self.launch_status is not LaunchStatus.LAUNCHED


@dataclass(frozen=True, slots=True)
class Job:
    """One intended or made DRS call: a batch of servers launched, or of recovery instances terminated.

    `subjects` are source server ids of a LAUNCH and recovery instance ids of a TERMINATE; `wave` is 0 for a TERMINATE,
    whose `attempt` is the number of the termination run.
    """

    wave: int
    attempt: int
    batch: int
    subjects: tuple[str, ...]
    state: JobState
    intended_at: datetime
    check_after: datetime
    """From here on an intent without an outcome may be looked into by others than its author."""
    kind: JobKind = JobKind.LAUNCH
    site: Site = field(default_factory=Site)
    job_id: str | None = None
    ended_at: datetime | None = None
    asked_at: datetime | None = None
    """Since when the instances that it launched are asked for; its end begins it anew."""
    looks: int = 0
    logged: bool = False
    """Whether its log was read after its end."""
    launched_at: datetime | None = None
    """When one of its servers was first seen LAUNCHED."""

    @property
    def key(self) -> tuple[int, int, int]:
        """Wave, attempt and batch: what identifies a call of this execution."""
        return (self.wave, self.attempt, self.batch)

    @property
    def in_flight(self) -> bool:
        """Whether the call was intended and not refuted, or its job has not ended."""
        return self.state in {JobState.INTENDED, JobState.STARTED}

    def ended(self, now: datetime) -> Job:
        """Give this job as one that has ended just now: what it launched is asked for, and its log is to be read."""
        return replace(self, state=JobState.ENDED, ended_at=now, asked_at=now, looks=0, logged=False)

    @property
    def may_turn_up(self) -> bool:
        """Whether this call is held to have come to nothing; a job of it may yet show up."""
        return self.state in {JobState.REFUTED, JobState.REFUSED}


@dataclass(frozen=True, slots=True)
class WaveCommand:
    """A command that a wave forwards to servers; its arguments stay in the frozen plan until it is started."""

    phase: CommandPhase
    position: int
    """Its place in its list, from 1."""
    command: str
    required: bool = False
    state: CommandState = CommandState.PLANNED
    run: int = 1
    """Counts the times it was planned anew: each has a command run of its own."""
    again: bool = False
    """Whether it is planned anew once its run has ended: a retry launches servers that this run may not reach."""
    outcome: str | None = None
    """The status in which its run ended, or SKIPPED."""
    failure: str | None = None
    """What it failed by, if it is required; None while it has not ended, and when it did what it is there for."""
    check: str | None = None
    """The name of the check that it is the command of; None of a command of its own."""

    @property
    def is_check(self) -> bool:
        """Whether what it prints becomes factors. It never fails its wave, and has ended when that is written down."""
        return self.phase in {CommandPhase.CHECK, CommandPhase.CLOSING}


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who asked for a change, when, and why; it may show only in a later change."""

    actor: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of a wave that is over: it failed, and was retried or skipped."""

    number: int
    started_at: datetime | None = None
    """None of a wave that was rejected."""
    ended_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave of an execution: its frozen settings, where it stands, and its servers."""

    number: int
    name: str
    servers: tuple[Server, ...]
    depends_on: tuple[int, ...] = ()
    site: Site = field(default_factory=Site)
    requires_approval: bool = False
    wait_before_seconds: int = 0
    timeout_minutes: int = 60
    on_failure: OnFailure = OnFailure.STOP
    status: WaveStatus = WaveStatus.NOT_STARTED
    attempt: int = 1
    approved: bool = False
    approval: Attribution | None = None
    """By whom; None also where that was not written down."""
    rejected: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    blocked_until: datetime | None = None
    """Until then no StartRecovery is tried: no room under the quotas, a throttle, or a server busy elsewhere."""
    commands: tuple[WaveCommand, ...] = ()
    start_lease: datetime | None = None
    """Until then its starts belong to a StartWave call beside the machine, which gives the lease back."""
    waited: bool = False
    """Whether its waitBefore is behind it: a retry does not wait again."""
    drill_wait: DrillWait | None = None
    attempts: tuple[Attempt, ...] = ()
    """Those that failed before the present one, or before it was skipped."""

    def remembering_failure(self) -> Wave:
        """Give this wave with its present attempt, which has failed, among those that are over."""
        if self.status is not WaveStatus.FAILED:
            return self
        over = Attempt(self.attempt, self.started_at, self.ended_at, self.error)
        return replace(self, attempts=(*self.attempts, over))

    @property
    def has_ended(self) -> bool:
        """Whether this wave does nothing more by itself."""
        return self.status in ENDED_WAVE_STATUSES

    @property
    def running_command(self) -> WaveCommand | None:
        """The command whose run has not ended; commands of a wave run one after another."""
        return next((command for command in self.commands if command.state is CommandState.STARTED), None)

    def with_command(self, changed: WaveCommand) -> Wave:
        """Replace the command at the same place of the same list."""
        position = (changed.phase, changed.position)
        commands = (changed if (known.phase, known.position) == position else known for known in self.commands)
        return replace(self, commands=tuple(commands))

    def with_servers(self, change: Callable[[Server], Server]) -> Wave:
        """Apply a change to every server; the wave itself is returned when nothing changed."""
        servers = tuple(change(server) for server in self.servers)
        return self if servers == self.servers else replace(self, servers=servers)


@dataclass(frozen=True, slots=True)
class Cancel:
    """An accepted cancel. It is final."""

    at: datetime
    actor: str
    reason: str | None = None
    then: CancelThen = CancelThen.KEEP
    terminate: Attribution | None = None
    """Whose word turned KEEP into TERMINATE; None when it was said with the cancel itself, or never."""

    @property
    def termination_ordered(self) -> Attribution:
        """Whose word the termination follows, if one does."""
        return self.terminate or Attribution(self.actor, self.at, self.reason)


@dataclass(frozen=True, slots=True)
class Termination:
    """How the termination of the recovery instances stands; what became of each is told by its server's `ending`."""

    status: TerminationStatus = TerminationStatus.NOT_REQUESTED
    run: int = 0
    requested_at: datetime | None = None
    requested_by: str | None = None
    ended_at: datetime | None = None
    holds: tuple[Hold, ...] = ()
    """The accounts and Regions that must wait, each at most once."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last time the machinery itself failed while driving this execution."""

    at: datetime
    error: str
    cause: str
    count: int = 1
    """How many came shortly after each other, this one included."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a plan."""

    execution_id: str
    plan_id: str
    plan_name: str
    plan_version: int
    plan_hash: str
    mode: Mode
    requested_by: str
    started_at: datetime
    waves: tuple[Wave, ...]
    status: ExecutionStatus = ExecutionStatus.PENDING
    reason: str | None = None
    ended_at: datetime | None = None
    paused_by: frozenset[PausedBy] = frozenset()
    cancel: Cancel | None = None
    jobs: tuple[Job, ...] = ()
    termination: Termination = field(default_factory=Termination)
    last_failure: Failure | None = None
    version: int = 0
    event_sequence: int = 0
    event_hash: str | None = None
    last_look: LastLook | None = None
    """Why it does not end though nothing is in flight."""
    lock_call: str | None = None
    """The call that took the locks which this execution has, or had when it ended (`lock_rules`)."""
    warnings: tuple[Notice, ...] = ()
    """Those that nothing else that is stored tells; `views` adds the others."""
    preemption: Preemption | None = None
    verdict: Verdict | None = None
    calls: CallCounts | None = None
    """None of an execution from before they were counted."""
    objectives: Objectives | None = None
    """Those of the frozen plan; None of an execution from before they were kept beside it."""
    tallies: tuple[CheckTally, ...] = ()
    """What the checks came to so far, by name; of one that is missing nothing was consolidated yet."""
    usual_launch_seconds: int | None = None
    """How long the quickest launch of the plan's last run took; None where that is not known."""
    lease: Lease | None = None
    """Of a drill only: how long its instances may stay."""
    networks: tuple[DrillNetwork, ...] = ()
    """Of a drill only: where its servers land, if not where their launch templates say."""

    @property
    def is_terminal(self) -> bool:
        """Whether this execution has ended."""
        return is_terminal(self.status)

    @property
    def instances_terminated(self) -> bool:
        """Whether every recovery instance of this execution is known to be gone."""
        return self.termination.status is TerminationStatus.COMPLETED

    @property
    def holds_locks(self) -> bool:
        """Whether this execution keeps its plan and servers from others: while it runs and while it terminates."""
        return not self.is_terminal or self.termination.status is TerminationStatus.IN_PROGRESS

    def wave(self, number: int) -> Wave:
        """Give the wave with this number; KeyError when the plan has none."""
        if not 1 <= number <= len(self.waves):
            raise KeyError(number)
        return self.waves[number - 1]

    def servers_by_site(self) -> dict[Site, list[str]]:
        """Give the ids of all source servers, by the site of their waves."""
        servers: dict[Site, list[str]] = {}
        for wave in self.waves:
            servers.setdefault(wave.site, []).extend(server.source_server_id for server in wave.servers)
        return servers

    def with_waves(self, changed: Iterable[Wave]) -> Execution:
        """Replace waves by their number."""
        by_number = {wave.number: wave for wave in changed}
        return replace(self, waves=tuple(by_number.get(wave.number, wave) for wave in self.waves))

    def with_job(self, job: Job) -> Execution:
        """Add a job, or replace the one with the same wave, attempt and batch."""
        others = tuple(known for known in self.jobs if known.key != job.key)
        return replace(self, jobs=tuple(sorted((*others, job), key=lambda known: known.key)))

    def without_job(self, job: Job) -> Execution:
        """Forget a call that was never made, or of which a later one tells enough."""
        return replace(self, jobs=tuple(known for known in self.jobs if known.key != job.key))

    def launch_jobs(self, wave: int | None = None) -> Iterator[Job]:
        """Give the launch jobs, of one wave or of all."""
        return (job for job in self.jobs if job.kind is JobKind.LAUNCH and (wave is None or job.wave == wave))

    def next_batch(self, wave: int, attempt: int) -> int:
        """Give the number of the next call of a wave's attempt, or with wave 0 of a run of the termination."""
        return max((job.batch for job in self.jobs if job.key[:2] == (wave, attempt)), default=0) + 1

    def job_ids(self, wave: int) -> tuple[str, ...]:
        """Give the ids of the DRS jobs that launched this wave's servers, oldest first."""
        jobs = sorted(self.launch_jobs(wave), key=lambda job: (job.attempt, job.batch))
        return tuple(job.job_id for job in jobs if job.job_id)

    def wave_in_flight(self, wave: int) -> bool:
        """Whether a StartRecovery of this wave is unrefuted, or one of its jobs or command runs has not ended."""
        return self.wave(wave).running_command is not None or any(job.in_flight for job in self.launch_jobs(wave))

    @property
    def in_flight(self) -> bool:
        """Whether any launch or command run of this execution is in flight (contract 2)."""
        return any(wave.running_command for wave in self.waves) or any(job.in_flight for job in self.launch_jobs())

    @property
    def has_job(self) -> bool:
        """Whether some wave has a DRS job."""
        return any(job.job_id for job in self.launch_jobs())

    def count(self, status: WaveStatus) -> int:
        """Count the waves in a status."""
        return sum(wave.status is status for wave in self.waves)
