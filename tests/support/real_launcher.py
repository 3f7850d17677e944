"""The product's own launcher in the small world of one execution, with a DRS that refuses calls that name some servers.

A recovery may have taken servers over: a drill must not call for those any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from tests.support.execution_builders import TIMING
from tests.support.fake_app import FakeApp
from tests.support.memory_table import MemoryTable
from tests.support.process_death import Killed
from tests.support.unasked import UnaskedDrs, no_templates

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import Quotas, RecentJob, SourceServer
from wavebreak.domain.executions.launching.launch_tags import job_tags, key_of
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.resilience import retries
from wavebreak.store import keys
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.latest_states import Snapshot
from wavebreak.store.locks import LockStore
from wavebreak.store.records.executions import STARTS_IN
from wavebreak.store.wake_tokens import Token
from wavebreak.use_cases.launch_wave import start_wave

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from tests.support.fake_drs_world import World

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.site import Site
    from wavebreak.store.locks import Held

_ROOM: Final = Quotas(jobs=1000, servers_a_job=100, servers_in_jobs=100_000)

TROUBLES: Final[tuple[Exception, ...]] = (
    CallRejectedError("ConflictException", "not ready", status=409),
    CallRejectedError("ServiceQuotaExceededException", "one of its own", "L-DD6D028C", 402),
    OutcomeUnknownError("InternalServerException (500)"),
    CallRejectedError("ThrottlingException", "slow down", status=429),
)
"""What DRS may say of a server, and no longer say a while later."""


class _Executions(ExecutionStore):
    """The execution of a world, and the sites in which recoveries have servers to be started."""

    def __init__(self, launcher: RealLauncher) -> None:
        super().__init__(MemoryTable())
        self.launcher, self.world = launcher, launcher.world

    def load(self, execution_id: str) -> Snapshot:
        """Read the execution."""
        assert execution_id == self.world.execution.execution_id
        return Snapshot(self.world.execution, Token(), Token())

    def change(
        self,
        execution_id: str,
        decide: Callable[[Execution], Execution],
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        known: Execution | None = None,
    ) -> Execution:
        """Change the execution as it is now: `known` is a guess that a lost race corrects."""
        assert (execution_id, details, held) == (self.world.execution.execution_id, None, None), act
        assert known is None or known.execution_id == execution_id
        self.world.save(decide(self.world.execution))
        return self.world.execution

    def sites_of_recoveries(self, field: str = STARTS_IN) -> list[frozenset[Site]]:
        """Return the sites in which recoveries have servers to be started."""
        assert field == STARTS_IN
        return [frozenset({self.world.execution.waves[0].site})] if self.launcher.site_is_needed else []


class _Locks(LockStore):
    """Locks of which a recovery may have taken some."""

    def __init__(self, launcher: RealLauncher) -> None:
        super().__init__(MemoryTable())
        self.launcher = launcher

    def held_of(self, execution: Execution, partitions: Sequence[str], now: datetime) -> frozenset[str]:
        """Return which locks of servers are the execution's own."""
        del now
        taken = self.launcher.taken
        return frozenset(partitions) - {keys.server(wave.site, name) for wave in execution.waves for name in taken}


class _App(FakeApp):
    """What launches."""

    templates_at = staticmethod(no_templates)

    def __init__(self, launcher: RealLauncher) -> None:
        super().__init__(lambda: launcher.world.now, timing=TIMING)
        self.executions, self.locks = _Executions(launcher), _Locks(launcher)
        self._drs = launcher

    def drs_at(self, _site: Site, /) -> RealLauncher:
        """Give the one DRS."""
        return self._drs

    def quotas_at(self, _site: Site, /) -> Quotas:
        """Give quotas that are never reached."""
        return _ROOM


class RealLauncher(UnaskedDrs):
    """Starts waves of a world's execution as the product does, and is the DRS that it asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.trouble: dict[str, Exception] = {}
        """What DRS says of calls that name a server."""
        self.once_in_trouble: set[str] = set()
        self.taken: set[str] = set()
        """Servers whose locks a recovery has."""
        self.site_is_needed = False
        """Whether a recovery has servers to be started in the same account and Region."""
        self.dies: str | None = None
        """Where the next call kills its function: before or after DRS took it."""
        self.app = _App(self)

    def start(self, number: int, dies: str | None = None) -> None:
        """Start what is due of a wave; the function may be killed at its first call."""
        self.dies = dies
        with patch.object(retries, "sleep", lambda _seconds: None):
            try:
                start_wave(self.app, self.world.execution.execution_id, number)
            except Killed:
                return

    def recent_jobs(self, _now: datetime, /) -> list[RecentJob]:
        """List the jobs that a look shows."""
        return [
            RecentJob(
                job.job_id,
                "LAUNCH",
                frozenset(job.servers),
                self._tags(job.tags),
                job.completed,
                initiated_by="START_DRILL",
            )
            for job in self.world.reads.shown(self.world.jobs.values())
        ]

    def find_launches(self, _execution_id: str, intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]:
        """Find the jobs of intents, as far as a look shows them."""
        wanted = {job.key for job in intents}
        return {job.tags: job.job_id for job in self.world.reads.shown(self.world.jobs.values()) if job.tags in wanted}

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]:
        """Describe source servers, none of which has an instance."""
        return {name: SourceServer(name, "CONTINUOUS", None, None, None) for name in ids}

    def _tags(self, key: tuple[int, int, int]) -> Mapping[str, str]:
        now = self.world.now
        wave, attempt, batch = key
        return job_tags(self.world.execution.execution_id, Job(wave, attempt, batch, (), JobState.INTENDED, now, now))

    def start_recovery(self, _servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Have DRS take an intended call, refuse it, or answer it with a fault."""
        assert is_drill
        key = key_of(self.world.execution.execution_id, tags)
        intent = next(job for job in self.world.execution.jobs if job.key == key)
        assert self.taken.isdisjoint(intent.subjects), "a drill called for a server that a recovery holds"
        assert not self.site_is_needed, "a drill started a job where a recovery has servers to be started"
        self._perhaps("before")
        for name in intent.subjects:
            if name in self.trouble:
                raise self.trouble[name]
        answered = len(self.world.answers)
        self.world.calls.append(intent)
        self.world.call(intent)
        if len(self.world.answers) == answered:
            raise CallRejectedError("ConflictException", "a job of its server is running", status=409)
        _, job_id = self.world.answers.pop()
        self._perhaps("after")
        return job_id

    def _perhaps(self, where: str) -> None:
        if self.dies == where:
            self.dies = None
            raise Killed
