"""All that DRS of one account in one Region keeps, and what it needs of the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drs_simulator.drs.model import Job, JobStatus, JobType, Participant, RecoveryInstance

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.drs.model import LaunchResult, RecoveryPlan, SourceServer
    from drs_simulator.drs.quotas import Quotas


class World(Protocol):
    """What a fleet needs of the simulation around it."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    quotas: Quotas

    def announce(self, result: LaunchResult) -> None:
        """Tell whoever listens how a launch ended."""


class Fleet:
    """All that one account has in one Region. Not thread-safe: the simulation holds the lock.

    ``ended`` is told the id of each recovery instance that is no more.
    """

    def __init__(self, account: str, region: str, world: World, ended: Callable[[str], None]) -> None:
        self.account = account
        self.region = region
        self.world = world
        self.servers: dict[str, SourceServer] = {}
        self.jobs: dict[str, Job] = {}
        self.instances: dict[str, RecoveryInstance] = {}
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
        self._ended(recovery_instance_id)
