"""All that DRS of one account in one Region keeps, and what it needs of the world around it."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Protocol

from drs_simulator.drs.model import Job, JobStatus, JobType, SourceServer
from drs_simulator.ec2.launch_templates import create

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.drs.model import LaunchResult, Participant, RecoveryInstance, RecoveryPlan
    from drs_simulator.drs.quotas import Quotas
    from drs_simulator.ec2.cloud import Ec2
    from drs_simulator.ec2.model import LaunchTemplate
    from drs_simulator.manners import Lens

# The tags that DRS puts on what is its own, recorded from the service.
MANAGED = {"AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com"}
SERVER_TAG = "AWSElasticDisasterRecoverySourceServerID"


class World(Protocol):
    """What a fleet needs of the simulation around it."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    quotas: Quotas
    lens: Lens

    def announce(self, result: LaunchResult) -> None:
        """Notify the listener how a launch ended."""


class Fleet:
    """All that one account has in one Region. Not thread-safe: the simulation holds the lock.

    ``instances`` are those that DRS knows, ``gone`` those that it has forgotten lately; a stale read may still show
    these.    ``ec2`` is where it launches them.
    """

    def __init__(self, ec2: Ec2, world: World) -> None:
        self.account = ec2.account
        self.region = ec2.region
        self.ec2 = ec2
        self.world = world
        self.servers: dict[str, SourceServer] = {}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, RecoveryInstance] = {}
        self.gone: dict[str, RecoveryInstance] = {}
        self.recovery_plans: dict[str, RecoveryPlan] = {}
        self._active: dict[str, Job] = {}

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a ``source-server``, ``job``, ``recovery-instance`` or ``recovery-plan`` of this fleet."""
        return f"arn:aws:drs:{self.region}:{self.account}:{kind}/{name}"

    def add_server(self, source_server_id: str) -> SourceServer:
        """Add a source server, with a launch template that DRS keeps for it."""
        subject = self.arn("source-server", source_server_id)
        server = SourceServer(source_server_id, self.world.clock.now(), subject)
        self.servers[source_server_id] = server
        name = f"{source_server_id}-{len(self.ec2.templates)}"
        tags = MANAGED | {SERVER_TAG: source_server_id}
        specifications = [
            {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for kind in ("instance", "volume")
        ]
        data = {
            "InstanceType": server.recommended_type,
            "NetworkInterfaces": [{"DeviceIndex": 0, "DeleteOnTermination": True}],
            "TagSpecifications": specifications,
        }
        server.template_id = create(self.ec2, name, data, tags, by=self._service).template_id
        return server

    @property
    def _service(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/AWSServiceRoleForElasticDisasterRecovery/drs"

    def template_of(self, server: SourceServer) -> LaunchTemplate | None:
        """Return the launch template that a server is launched by; None if it was deleted."""
        return self.ec2.templates.get(server.configuration.ec2_launch_template_id or server.template_id)

    def active_jobs(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return list(self._active.values())

    def open_job(self, kind: JobType, participants: list[Participant], tags: dict[str, str], *, drill: bool) -> Job:
        """Make a PENDING job and bind its servers to it."""
        now = self.world.clock.now()
        first = min((each.server for each in participants), key=lambda server: server.source_server_id)
        by_server = {each.server.source_server_id: each for each in participants}
        job = Job(
            job_id=self.world.ids.job(),
            number=len(self.jobs),
            subject=f"{first.subject}/job/{first.jobs}",
            type=kind,
            created_at=now,
            participants=by_server,
            open=set(by_server),
            is_drill=drill,
        )
        job.tags.set(dict(tags), now)
        self.jobs[job.job_id] = self._active[job.job_id] = job
        for each in participants:
            each.server.jobs += 1
            each.server.last_job = job
            if kind is JobType.LAUNCH:
                each.server.last_launch.set(job, now)
        return job

    def close_job(self, job: Job, at: datetime) -> None:
        """End a job: its servers are free for the next one."""
        job.status.set(JobStatus.COMPLETED, at)
        job.ended_at = at
        del self._active[job.job_id]

    def add_instance(self, instance: RecoveryInstance) -> None:
        """Add a recovery instance that has been launched."""
        self.gone.pop(instance.recovery_instance_id, None)
        self.instances[instance.recovery_instance_id] = instance
        instance.server.instance.set(instance, instance.launched_at)

    def forget_instance(self, instance: RecoveryInstance, at: datetime) -> None:
        """Forget a recovery instance; what becomes of the EC2 instance is another matter."""
        if self.instances.get(instance.recovery_instance_id) is not instance:
            return
        instance.gone_at = at
        oldest = at - self.world.lens.oldest
        self.gone = {name: each for name, each in self.gone.items() if each.gone_at and each.gone_at >= oldest}
        self.gone[instance.recovery_instance_id] = self.instances.pop(instance.recovery_instance_id)
        if instance.server.instance.now is instance:
            instance.server.instance.set(None, at)


def source_address(server: SourceServer) -> IPv4Address:
    """Return the private address that a server has at home: the one given, or one made of its id."""
    if server.private_ip:
        return server.private_ip
    number = int.from_bytes(server.source_server_id.encode()) % (2**16 - 2)
    return IPv4Address(f"10.0.{number // 256}.{number % 256}")
