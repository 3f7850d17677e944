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
    from ipaddress import IPv4Address

    from drs_simulator.ec2.model import Instance

PLAN_NAME: Final = "[a-zA-Z0-9][a-zA-Z0-9 _-]{0,255}"
_UNDER_WAY: Final = ("FAILBACK_IN_PROGRESS", "FAILBACK_READY_FOR_LAUNCH", "FAILBACK_NOT_READY_FOR_LAUNCH")

REPLICATING_SINCE = timedelta(days=30)


class LaunchStatus(StrEnum):
    """How far a server of a job is; the words of the DRS model."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    LAUNCHED = "LAUNCHED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class LaunchOutcome(StrEnum):
    """How a launch shall end; NONE is with the job, without a word of the server."""

    LAUNCHED = "LAUNCHED"
    FAILED = "FAILED"
    NONE = "NONE"


class JobStatus(StrEnum):
    """How far a job is; DRS knows no failed and no cancelled job."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"


class JobType(StrEnum):
    """What a job does; the simulator makes no CREATE_CONVERTED_SNAPSHOT jobs."""

    LAUNCH = "LAUNCH"
    TERMINATE = "TERMINATE"


class LaunchInto(Settings):
    """The instance that launches go into instead of a new one."""

    launch_into_ec2_instance_id: str = Field(alias="launchIntoEC2InstanceID", pattern="^i-([0-9a-f]{8}|[0-9a-f]{17})$")


class LaunchConfiguration(Settings):
    """A LaunchConfiguration of the DRS model; the defaults are those that DRS starts with.

    ``post_launch_enabled`` None follows from whether there are launch actions, ``ec2_launch_template_id`` None is the
    template that DRS keeps for the server.
    """

    name: Annotated[str, Field(max_length=128)] | None = None
    launch_disposition: Literal["STOPPED", "STARTED"] = "STARTED"
    launch_into_instance_properties: LaunchInto | None = None
    copy_private_ip: bool = False
    copy_tags: bool = False
    target_instance_type_right_sizing_method: Literal["NONE", "BASIC", "IN_AWS"] = "BASIC"
    post_launch_enabled: bool | None = None
    ec2_launch_template_id: str | None = Field(default=None, alias="ec2LaunchTemplateID", max_length=256)
    recovery_mode: Literal["FAST", "OPTIMAL"] = "OPTIMAL"

    @property
    def launches_into(self) -> str | None:
        """Return the id of the instance that launches go into, if any."""
        properties = self.launch_into_instance_properties
        return properties.launch_into_ec2_instance_id if properties else None


class LaunchAction(Settings):
    """A post-launch action: what it is, and how its runs go (``seconds`` unscaled)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 /_-]{0,255}$")]
    action_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9/:-]{1,1011}$")] = "AWS-RunShellScript"
    action_version: Annotated[str, Field(pattern=r"^(\$DEFAULT|\$LATEST|[0-9]{1,9})$")] = "$DEFAULT"
    type: Literal["SSM_AUTOMATION", "SSM_COMMAND"] = "SSM_COMMAND"
    category: Literal["MONITORING", "VALIDATION", "CONFIGURATION", "SECURITY", "OTHER"] = "OTHER"
    order: Annotated[int, Field(ge=2, le=10_000)] | None = None
    optional: bool = False
    active: bool = True
    seconds: Annotated[float, Field(ge=0, le=86_400)] = 5.0
    result: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"
    failure_reason: Annotated[str, Field(max_length=256, pattern=r"^[0-9a-zA-Z ():/.,'-_#*;]*$")] = "It failed"


@dataclass
class Record:
    """What DRS makes of a recovery instance, or of those that a server's launches will make.

    One that is not ``terminable`` DRS refuses to terminate; one that is ``protected`` EC2 refuses.
    """

    terminable: bool = True
    protected: bool = False
    failback_state: str | None = "FAILBACK_NOT_STARTED"


@dataclass
class SourceServer:
    """A replicated server, and how its launches shall go (``launch_seconds`` unscaled, None is the default).

    ``conflict`` refuses its launches without a job that could be seen. ``previous_snapshot`` has them use a recovery
    point that is older than the one asked for, by at least so many seconds. ``subject`` is what manners know it by.
    """

    source_server_id: str
    added_at: datetime
    subject: str = ""
    tags: Timeline[dict[str, str]] = field(default_factory=lambda: Timeline({}))
    launch_seconds: float | None = None
    launch_outcome: LaunchOutcome = LaunchOutcome.LAUNCHED
    raw_error: str = "The instance did not pass its checks"
    recoverable: bool = True
    conflict: bool = False
    lag_seconds: int = 0
    previous_snapshot: int | None = None
    replication_state: str | None = None
    replication_direction: str = "FAILOVER"
    origin_environment: str = "ON_PREMISES"
    hostname: str | None = None
    private_ip: IPv4Address | None = None
    template_id: str = ""
    recommended_type: str = "t3.medium"
    windows: bool = False
    record: Record = field(default_factory=Record)
    configuration: LaunchConfiguration = field(default_factory=LaunchConfiguration)
    actions: tuple[LaunchAction, ...] = ()
    jobs: int = 0
    last_job: Job | None = None
    last_launch: Timeline[Job | None] = field(default_factory=lambda: Timeline(None))
    instance: Timeline[RecoveryInstance | None] = field(default_factory=lambda: Timeline(None))

    @property
    def busy_with(self) -> Job | None:
        """Return the active job that the server is part of, if any."""
        job = self.last_job
        return job if job and job.status.now is not JobStatus.COMPLETED else None

    @property
    def runs_actions(self) -> bool:
        """Return whether post-launch actions are on: if it was not said, they are when there are any."""
        enabled = self.configuration.post_launch_enabled
        return bool(self.actions) if enabled is None else enabled


@dataclass
class Participant:
    """A server's part in a job; ``point_in_time`` is the chosen snapshot, None means one taken for the job.

    ``actions`` is a LaunchActionsStatus of the DRS model, None while nothing is known of the agent.
    """

    server: SourceServer
    launch_status: Timeline[LaunchStatus] = field(default_factory=lambda: Timeline(LaunchStatus.PENDING))
    instance_id: Timeline[str | None] = field(default_factory=lambda: Timeline(None))
    actions: Timeline[dict[str, Any] | None] = field(default_factory=lambda: Timeline(None))
    point_in_time: datetime | None = None


@dataclass
class Job:
    """A launch or termination. ``number`` counts the fleet's jobs and orders those of one moment.

    ``subject`` is what manners know it by: the same in every run of the same calls, unlike its id. ``open`` are the
    servers that have not come to their end.
    """

    job_id: str
    number: int
    subject: str
    type: JobType
    created_at: datetime
    participants: dict[str, Participant]
    open: set[str]
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
    """What a launch left behind, until DRS forgets it at ``gone_at``.

    ``subject`` is what manners know it by, as of a job.
    """

    recovery_instance_id: str
    subject: str
    server: SourceServer
    job: Job
    ec2: Instance
    launched_at: datetime
    point_in_time: datetime
    tags: Timeline[dict[str, str]]
    record: Record
    gone_at: datetime | None = None

    @property
    def is_in_failback(self) -> bool:
        """Return whether a failback is under way, in which DRS permits no change."""
        return self.record.failback_state in _UNDER_WAY


@dataclass(frozen=True)
class LaunchResult:
    """The outcome of one server's launch, as DRS reports it on EventBridge."""

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
