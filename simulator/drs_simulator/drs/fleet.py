"""All that DRS of one account in one Region keeps, and what it needs of the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drs_simulator.drs.model import Job, JobStatus, JobType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.drs.model import LaunchResult, Participant, RecoveryInstance, RecoveryPlan, SourceServer
    from drs_simulator.drs.quotas import Quotas
    from drs_simulator.manners import Lens


class World(Protocol):
    """What a fleet needs of the simulation around it."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    quotas: Quotas
    lens: Lens

    def announce(self, result: LaunchResult) -> None:
        """Tell whoever listens how a launch ended."""


class Fleet:
    """All that one account has in one Region. Not thread-safe: the simulation holds the lock.

    ``instances`` are those that DRS knows, ``gone`` those that it has forgotten; a stale read may still show these.
    ``ended`` is told the id of each recovery instance that is no more.
    """

    def __init__(self, account: str, region: str, world: World, ended: Callable[[str], None]) -> None:
        self.account = account
        self.region = region
        self.world = world
        self.servers: dict[str, SourceServer] = {}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, RecoveryInstance] = {}
        self.gone: dict[str, RecoveryInstance] = {}
        self.recovery_plans: dict[str, RecoveryPlan] = {}
        self._active: dict[str, Job] = {}
        self._ended = ended

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a ``source-server``, ``job``, ``recovery-instance`` or ``recovery-plan`` of this fleet."""
        return f"arn:aws:drs:{self.region}:{self.account}:{kind}/{name}"

    def active_jobs(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return list(self._active.values())

    def open_job(self, kind: JobType, participants: list[Participant], tags: dict[str, str], *, drill: bool) -> Job:
        """Make a PENDING job and bind its servers to it."""
        now = self.world.clock.now()
        first = min((each.server for each in participants), key=lambda server: server.source_server_id)
        job = Job(
            job_id=self.world.ids.job(),
            number=len(self.jobs),
            subject=f"{self.arn('source-server', first.source_server_id)}/job/{first.jobs}",
            type=kind,
            created_at=now,
            participants={each.server.source_server_id: each for each in participants},
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
        """Know a recovery instance that has been launched."""
        self.instances[instance.recovery_instance_id] = instance
        instance.server.instance.set(instance, instance.launched_at)

    def remove_instance(self, instance: RecoveryInstance, at: datetime) -> None:
        """Forget a recovery instance, as DRS does once its EC2 instance is gone."""
        self.gone[instance.recovery_instance_id] = self.instances.pop(instance.recovery_instance_id)
        instance.gone_at = at
        instance.server.instance.set(None, at)
        self._ended(instance.recovery_instance_id)
