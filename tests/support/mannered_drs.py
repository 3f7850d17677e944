"""DRS of the small world: jobs as they are, and what a look shows of them in the manners of the simulator.

A look at a job, at its log or at an instance is older than it need be, by ten seconds at most; most participants name
no instance, and EC2 does not know at first what DRS launched. Launch events need no words here: a round may come at any
moment, twice or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.support.execution_builders import TIMING
from tests.support.manners import lens

from drs_simulator.manners import Manners
from wavebreak.domain.drs import NOT_FOUND, Instance
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import InstanceView, JobLog, JobView, Observation, ServerView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wavebreak.domain.executions.observing.learning import Due

LATE = timedelta(seconds=10)
_NAME = "ParticipatingServer.recoveryInstanceID"


@dataclass
class DrsJob:
    """A job as DRS keeps it, with the tags it was started with, and when what became of it did."""

    job_id: str
    tags: tuple[int, int, int]
    started_at: datetime
    servers: dict[str, LaunchStatus]
    instances: dict[str, str] = field(default_factory=dict)
    settled_at: dict[str, datetime] = field(default_factory=dict)
    completed_at: datetime | None = None

    @property
    def shows_at(self) -> datetime:
        """The moment from which every look shows it."""
        return self.started_at + LATE

    @property
    def launches_at(self) -> datetime:
        """The moment before which no server of it is launched: that takes longer than a function lives, and a look."""
        return self.started_at + TIMING.intent_expiry

    @property
    def completed(self) -> bool:
        """Whether the job is over."""
        return self.completed_at is not None

    @property
    def why_not(self) -> str:
        """What its log tells of each server that it did not launch."""
        return f"LAUNCH_FAILED: {self.job_id}"

    def settle(self, server: str, status: LaunchStatus, now: datetime) -> None:
        """Get on with a server."""
        self.servers[server] = status
        self.settled_at[server] = now
        if status is LaunchStatus.LAUNCHED:
            self.instances[server] = f"i-{self.job_id.removeprefix('drsjob-')}-{server}"

    def end(self, now: datetime) -> None:
        """End the job, once."""
        self.completed_at = self.completed_at or now

    def status_at(self, server: str, moment: datetime) -> LaunchStatus:
        """Give what became of a server by a moment."""
        settled = self.settled_at.get(server)
        return self.servers[server] if settled and settled <= moment else LaunchStatus.PENDING

    def launched_by(self, moment: datetime) -> dict[str, str]:
        """Give the instances that were launched by a moment, by their servers."""
        return {name: each for name, each in self.instances.items() if self.settled_at[name] <= moment}


class MannerlyReads:
    """What looks at DRS show; the seed of their manners repeats them."""

    def __init__(self, seed: int, now: Callable[[], datetime]) -> None:
        self._lens = lens(now, Manners(seed=seed, delay_seconds=LATE.total_seconds()))

    def shown(self, jobs: Iterable[DrsJob]) -> list[DrsJob]:
        """List the jobs that a look shows."""
        return [job for job in jobs if job.started_at <= self._lens.moment(job.job_id)]

    def described(self, jobs: Iterable[DrsJob]) -> Observation:
        """Look at jobs by their ids, as DescribeJobs does."""
        views: dict[str, JobView] = {}
        missing = set()
        for job in jobs:
            moment = self._lens.moment(job.job_id)
            if moment < job.started_at:
                missing.add(job.job_id)
            else:
                views[job.job_id] = self._view(job, moment)
        return Observation(views, frozenset(missing))

    def _view(self, job: DrsJob, moment: datetime) -> JobView:
        named = {name: each for name, each in job.launched_by(moment).items() if not self._lens.omits(_NAME, each)}
        servers = {name: ServerView(job.status_at(name, moment), named.get(name)) for name in job.servers}
        return JobView(job.completed_at is not None and job.completed_at <= moment, servers)

    def reported(self, due: Due, jobs: Iterable[DrsJob]) -> Observation:
        """Look for instances, as DescribeRecoveryInstances shows them, and read logs."""
        known = {job.job_id: job for job in jobs}
        logs = {name: self._log(known[name]) for name in due.logs}
        instances = {
            (name, server): InstanceView(each)
            for name in due.jobs
            for server, each in known[name].instances.items()
            if server in due.servers and known[name].settled_at[server] <= self._lens.moment(each)
        }
        return Observation(instances=instances, instances_read=due.jobs if due.servers else frozenset(), logs=logs)

    def _log(self, job: DrsJob) -> JobLog:
        """Read a log; the end of a job tells of all servers that it did not launch."""
        moment = self._lens.moment(f"{job.job_id}/log")
        ended = job.completed_at is not None and job.completed_at <= moment
        launched = job.launched_by(moment)
        failures = {
            name: job.why_not
            for name in job.servers
            if name not in launched and (ended or job.status_at(name, moment) is not LaunchStatus.PENDING)
        }
        return JobLog(failures, launched, reported=frozenset(launched.keys() | failures.keys()), ended=ended)

    def instances(self, jobs: Iterable[DrsJob], ended: dict[str, datetime]) -> tuple[Instance, ...]:
        """Look at all recovery instances; `ended` tells since when some are terminated."""
        found = []
        for job in jobs:
            for server, each in job.instances.items():
                moment = self._lens.moment(each)
                gone = ended.get(each)
                if moment < job.settled_at[server] or (gone and gone <= moment):
                    continue
                known = self._lens.moment(f"{each}/ec2") >= job.settled_at[server]
                found.append(Instance(each, server, job.job_id, is_drill=True, state="RUNNING" if known else NOT_FOUND))
        return tuple(found)
