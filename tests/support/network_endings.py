"""DRS that also shows and ends the instances of the drills that it launched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tests.support.execution_builders import job_id
from tests.support.network_services import Drs

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import Instance, RecentJob
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import JobLog, JobView, ServerView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.network_world import NetworkWorld

    from drs_simulator.manners import Lens
    from wavebreak.domain.executions.model.servers import Server

GOING: Final = timedelta(seconds=20)
"""How long DRS takes to end an instance."""


@dataclass(frozen=True)
class Ending:
    """A terminate job: which instances of which servers, and when it ends."""

    job_id: str
    instances: Mapping[str, str]
    """Source servers by their instances."""
    ends: datetime


class EndingDrs(Drs):
    """DRS with terminate jobs. A launch replaces the instance that an earlier one made of the same server."""

    def __init__(self, world: NetworkWorld, lens: Lens) -> None:
        super().__init__(world, lens)
        self.endings: list[Ending] = []

    def living(self) -> dict[str, Instance]:
        """Return the instances of drills that are there, by their ids."""
        newest: dict[str, Instance] = {}
        for each in (one for one in self.started if one.phase > 1):
            for name, view in self.view(each, each.phase).servers.items():
                instance = str(view.recovery_instance_id)
                newest[name] = Instance(instance, name, each.job_id, is_drill=each.drill, state="RUNNING")
        ended = {name for each in self.endings if each.ends <= self.world.now for name in each.instances}
        return {
            each.recovery_instance_id: each
            for each in newest.values()
            if each.is_drill and each.recovery_instance_id not in ended
        }

    def every_instance(self, ids: Sequence[str], /) -> list[Instance]:
        """Show the drills' instances; what a recovery launched is no matter here."""
        return [each for each in self.living().values() if each.source_server_id in set(ids)]

    def jobs(self, job_ids: Sequence[str], /) -> tuple[dict[str, JobView], frozenset[str]]:
        """Describe jobs of both kinds."""
        known = {**self.described().jobs, **{each.job_id: self._view(each) for each in self.endings}}
        return {name: known[name] for name in job_ids if name in known}, frozenset(job_ids) - known.keys()

    def _view(self, ending: Ending) -> JobView:
        done = ending.ends <= self.world.now
        status = LaunchStatus.TERMINATED if done else LaunchStatus.IN_PROGRESS
        return JobView(done, {server: ServerView(status, name) for name, server in ending.instances.items()})

    def job_log(self, _job_id: str, /) -> JobLog:
        """Tell nothing that the job does not."""
        return JobLog(ended=True)

    def recent_jobs(self, now: datetime, /) -> list[RecentJob]:
        """List jobs of both kinds."""
        ending = [
            RecentJob(
                each.job_id,
                "TERMINATE",
                frozenset(each.instances.values()),
                {},
                each.ends <= self.world.now,
                frozenset(each.instances),
            )
            for each in self.endings
        ]
        return super().recent_jobs(now) + ending

    def launches_into(self, _source_server_id: str, /) -> bool:
        """Launch every server into an instance of its own."""
        return False

    def start_recovery(self, servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Start a job, unless an instance of one of its servers is being ended."""
        going = {name for each in self.endings if each.ends > self.world.now for name in each.instances.values()}
        if going & {each.source_server_id for each in servers}:
            self.world.stage.meanwhile("StartRecovery")
            raise CallRejectedError("ConflictException", "a job of its server is running", status=409)
        return super().start_recovery(servers, is_drill=is_drill, tags=tags)

    def terminate(self, ids: Sequence[str], /) -> str:
        """Start to end instances, unless one of their servers is in another job."""
        self.world.stage.meanwhile("TerminateRecoveryInstances")
        known = self.living()
        assert known.keys() >= set(ids), "it was asked to end what is no drill's, or is not there"
        servers = {name: known[name].source_server_id for name in ids}
        launching = {name for each in self.started if each.phase < 3 for name in each.servers}
        ending = {name for each in self.endings if each.ends > self.world.now for name in each.instances}
        if self.world.drs_fails == "refuses" or launching & set(servers.values()) or ending & set(ids):
            raise CallRejectedError("ConflictException", "a job of its server is running", status=409)
        self.endings.append(Ending(job_id(5001 + len(self.endings)), servers, self.world.now + GOING))
        started = self.endings[-1].job_id
        self.world.stage.meanwhile("TerminateRecoveryInstances done")
        if self.world.drs_fails == "is silent":
            raise OutcomeUnknownError("no answer")
        return started


class EndingEc2:
    """EC2's word on instances: those that DRS shows run, and no others."""

    def __init__(self, drs: EndingDrs) -> None:
        self._drs = drs

    def states(self, instance_ids: Sequence[str], /) -> dict[str, str]:
        """Tell the states of those that there are."""
        return dict.fromkeys(self._drs.living().keys() & set(instance_ids), "running")
