"""What DRS of one account and Region keeps: source servers, jobs, recovery instances, native Recovery Plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

PLAN_NAME: Final = "[a-zA-Z0-9][a-zA-Z0-9 _-]{0,255}"
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
    """A replicated server, and how its launches shall go (``launch_seconds`` unscaled, None is the default)."""

    source_server_id: str
    added_at: datetime
    tags: Timeline[dict[str, str]] = field(default_factory=lambda: Timeline({}))
    launch_seconds: float | None = None
    launches: bool = True
    recoverable: bool = True
    lag_seconds: int = 0
    hostname: str | None = None
    jobs: int = 0
    last_job: Job | None = None
    last_launch: Timeline[Job | None] = field(default_factory=lambda: Timeline(None))
    instance: Timeline[RecoveryInstance | None] = field(default_factory=lambda: Timeline(None))

    @property
    def busy_with(self) -> Job | None:
        """Return the active job that the server is part of, if any."""
        job = self.last_job
        return job if job and job.status.now is not JobStatus.COMPLETED else None


@dataclass
class Participant:
    """A server's part in a job; ``point_in_time`` is the chosen snapshot, None means one taken for the job."""

    server: SourceServer
    launch_status: Timeline[LaunchStatus] = field(default_factory=lambda: Timeline(LaunchStatus.PENDING))
    instance_id: Timeline[str | None] = field(default_factory=lambda: Timeline(None))
    point_in_time: datetime | None = None


@dataclass
class Job:
    """A launch or termination. ``number`` counts the fleet's jobs and orders those of one moment.

    ``subject`` is what manners know it by: the same in every run of the same calls, unlike its id.
    """

    job_id: str
    number: int
    subject: str
    type: JobType
    created_at: datetime
    participants: dict[str, Participant]
    is_drill: bool = False
    tags: Timeline[dict[str, str]] = field(default_factory=lambda: Timeline({}))
    status: Timeline[JobStatus] = field(default_factory=lambda: Timeline(JobStatus.PENDING))
    ended_at: datetime | None = None
    log: list[LogItem] = field(default_factory=list)


@dataclass(frozen=True)
class LogItem:
    """An entry of a job's log; ``view`` is a JobLog of the DRS model."""

    at: datetime
    view: dict[str, Any]


@dataclass
class RecoveryInstance:
    """What a launch left behind, until it is terminated or replaced: ``gone_at`` is when DRS forgot it.

    ``subject`` is what manners know it by, as of a job.
    """

    recovery_instance_id: str
    subject: str
    server: SourceServer
    job: Job
    launched_at: datetime
    point_in_time: datetime
    tags: Timeline[dict[str, str]]
    state: Timeline[str]
    gone_at: datetime | None = None


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
    subject: str = ""


@dataclass(frozen=True)
class RecoveryPlan:
    """A Recovery Plan with its steps."""

    plan_id: str
    name: str
    description: str
    steps: tuple[StepSettings, ...]
    created_at: datetime
    updated_at: datetime


class ServerSettings(Settings):
    """A server of a step."""

    source_server_id: Annotated[str, StringConstraints(pattern="^s-[0-9a-zA-Z]{17}$")]
    impact_level: Literal["CRITICAL", "OPTIONAL"] | None = None


class StepSettings(Settings):
    """A SERVER step or a WAIT step."""

    name: Annotated[str, StringConstraints(pattern=f"^{PLAN_NAME}$")]
    servers: Annotated[list[ServerSettings], Field(min_length=1, max_length=100)] | None = None
    wait_minutes: int | None = Field(default=None, ge=1, le=120)

    @model_validator(mode="after")
    def _one_kind(self) -> StepSettings:
        if (self.servers is None) == (self.wait_minutes is None):
            raise ValueError("a step has either servers or waitMinutes")
        return self
