"""What DRS keeps for one account in one Region: source servers, jobs, recovery instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from drs_simulator.ssm.machines import Machine

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.agenda import Agenda
    from drs_simulator.clock import Clock
    from drs_simulator.drs.recovery_plans import RecoveryPlan
    from drs_simulator.ids import IdSource
    from drs_simulator.quotas import Quotas
    from drs_simulator.ssm.agents import Agents
    from drs_simulator.ssm.commands import Command
    from drs_simulator.ssm.documents import Documents
    from drs_simulator.timing import Timing

REPLICATING_SINCE = timedelta(days=30)


class LaunchStatus(StrEnum):
    """How far a server of a job is; the words of the DRS model."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    LAUNCHED = "LAUNCHED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class JobStatus(StrEnum):
    """How far a job is; DRS knows no failed and no cancelled job."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"


class JobType(StrEnum):
    """What a job does; the simulator makes no CREATE_CONVERTED_SNAPSHOT jobs."""

    LAUNCH = "LAUNCH"
    TERMINATE = "TERMINATE"


@dataclass
class SourceServer:
    """A replicated server, and how its launches shall go (``launch_seconds`` unscaled, None is the default).

    ``machine`` is how the instances answer commands that are launched from now on.
    """

    source_server_id: str
    added_at: datetime
    tags: dict[str, str] = field(default_factory=dict)
    launch_seconds: float | None = None
    launches: bool = True
    recoverable: bool = True
    lag_seconds: int = 0
    hostname: str | None = None
    last_job: Job | None = None
    last_launch: Job | None = None
    recovery_instance_id: str | None = None
    machine: Machine = field(default_factory=Machine)

    @property
    def busy_with(self) -> Job | None:
        """Return the active job that the server is part of, if any."""
        job = self.last_job
        return job if job and job.status is not JobStatus.COMPLETED else None


@dataclass
class Participant:
    """A server's part in a job; ``point_in_time`` is the chosen snapshot, None means one taken for the job."""

    server: SourceServer
    launch_status: LaunchStatus = LaunchStatus.PENDING
    recovery_instance_id: str | None = None
    point_in_time: datetime | None = None


@dataclass
class Job:
    """A launch or termination. ``number`` counts the fleet's jobs and orders those of one moment."""

    job_id: str
    number: int
    type: JobType
    created_at: datetime
    participants: dict[str, Participant]
    is_drill: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    status: JobStatus = JobStatus.PENDING
    ended_at: datetime | None = None
    log: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class RecoveryInstance:
    """What a launch left behind, until it is terminated or replaced."""

    recovery_instance_id: str
    server: SourceServer
    job: Job
    launched_at: datetime
    point_in_time: datetime
    tags: dict[str, str]
    state: str = "RUNNING"
    machine: Machine = field(default_factory=Machine)


@dataclass(frozen=True)
class LaunchResult:
    """The outcome of one server's launch, as DRS tells it on EventBridge."""

    account: str
    region: str
    source_server_arn: str
    job_id: str
    is_drill: bool
    launched: bool
    at: datetime


class World(Protocol):
    """What a fleet needs of the simulation around it."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    quotas: Quotas
    documents: Documents
    agents: Agents
    missing_lookups: int

    def announce(self, result: LaunchResult) -> None:
        """Tell whoever listens how a launch ended."""


class Fleet:
    """All that one account has in one Region. Not thread-safe: the simulation holds the lock."""

    def __init__(self, account: str, region: str, world: World) -> None:
        self.account = account
        self.region = region
        self.world = world
        self.servers: dict[str, SourceServer] = {}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, RecoveryInstance] = {}
        self.recovery_plans: dict[str, RecoveryPlan] = {}
        self.commands: dict[str, Command] = {}
        self.invocation_count = 0
        self._active: dict[str, Job] = {}

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a ``source-server``, ``job``, ``recovery-instance`` or ``recovery-plan`` of this fleet."""
        return f"arn:aws:drs:{self.region}:{self.account}:{kind}/{name}"

    def active_jobs(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return list(self._active.values())

    def open_job(self, kind: JobType, participants: list[Participant], tags: dict[str, str], *, drill: bool) -> Job:
        """Make a PENDING job and bind its servers to it."""
        world = self.world
        job = Job(
            job_id=world.ids.job(),
            number=len(self.jobs),
            type=kind,
            created_at=world.clock.now(),
            participants={each.server.source_server_id: each for each in participants},
            is_drill=drill,
            tags=dict(tags),
        )
        self.jobs[job.job_id] = self._active[job.job_id] = job
        for each in participants:
            each.server.last_job = job
            if kind is JobType.LAUNCH:
                each.server.last_launch = job
        return job

    def close_job(self, job: Job, at: datetime) -> None:
        """End a job: its servers are free for the next one."""
        job.status, job.ended_at = JobStatus.COMPLETED, at
        del self._active[job.job_id]

    def remove_instance(self, recovery_instance_id: str) -> None:
        """Forget a recovery instance, as DRS does once its EC2 instance is gone."""
        instance = self.instances.pop(recovery_instance_id)
        instance.server.recovery_instance_id = None
        self.world.agents.dismiss(recovery_instance_id)
