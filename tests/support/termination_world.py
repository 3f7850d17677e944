"""DRS, EC2 and the store around one termination, as far as a termination sees them; the product's own code in between.

What each instance is refused for is the test's choice; what DRS must never be asked fails at once.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    TIMING,
    execution,
    instance_id,
    job,
    job_id,
    server,
    server_id,
    wave,
)
from tests.support.fake_app import FakeApp, IdleWakes
from tests.support.manners import lens
from tests.support.memory_table import MemoryTable
from tests.support.termination_services import FakeDrs, FakeEc2, Way

from wavebreak.domain.drs import Instance
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.instances import is_launched
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.store.executions import ExecutionStore, VersionConflictError
from wavebreak.store.latest_states import Snapshot
from wavebreak.store.locks import LockStore
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.store.wake_tokens import Token
from wavebreak.use_cases.termination.observe_termination import observe
from wavebreak.use_cases.termination.terminate_instances import terminate
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from drs_simulator.manners import Manners
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.site import Site
    from wavebreak.store.locks import Held
    from wavebreak.store.table import Write

POLL = timedelta(seconds=30)


class FakeExecutions(ExecutionStore):
    """The store: changed only from the version that was read, and read back as it was written down."""

    def __init__(self, first: Execution) -> None:
        super().__init__(MemoryTable())
        self._stored = replace(first, version=1)
        self.saves = 0

    def pause(self, _tries: int) -> None:
        """Wait for nobody: the world has one writer at a time."""

    def load(self, execution_id: str) -> Snapshot:
        """Read what is stored."""
        assert execution_id == self._stored.execution_id
        return Snapshot(self._stored, Token(), Token(mark=1, run=1))

    def save(
        self,
        before: Execution,
        after: Execution,
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        beside: Sequence[Write] = (),
    ) -> Execution:
        """Write what was decided; raises VersionConflictError when somebody else wrote since."""
        assert (details, held, beside) == (None, None, ()), act
        if before.version != self._stored.version:
            raise VersionConflictError
        if after != before:
            self.saves += 1
            self._stored = replace(after, version=before.version + 1)
        return self._stored

    def change(
        self,
        execution_id: str,
        decide: Callable[[Execution], Execution],
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        known: Execution | None = None,
    ) -> Execution:
        """Read, decide, write."""
        assert known is None
        before = self.load(execution_id).execution
        return self.save(before, decide(before), act, details, held)

    @property
    def present(self) -> Execution:
        """What is stored."""
        return self._stored

    def read_back(self) -> None:
        """Hold that what is stored is what a reader finds."""
        stored, identifier = self._stored, self._stored.execution_id
        items = [
            meta_record(stored),
            *(wave_record(identifier, wave) for wave in stored.waves),
            *(item for wave in stored.waves for item in server_records(identifier, wave)),
            *(job_record(identifier, job) for job in stored.jobs),
        ]
        assert read_execution(items) == stored


class _Locks(LockStore):
    """Locks of which a recovery holds some, and which are given back in the end."""

    def __init__(self, world: TerminationWorld) -> None:
        super().__init__(MemoryTable())
        self.world = world

    def server_holders(self, partitions: Sequence[str], now: datetime) -> dict[str, str]:
        """Return which of these locks a recovery holds."""
        del now
        held = {
            each.source_server_id
            for drs in self.world.drs.values()
            for name, each in drs.known.items()
            if drs.ways.get(name) is Way.HELD
        }
        return {each: "recovery-01x" for each in partitions if each.rpartition("#")[2] in held}

    def release_servers(self, execution: Execution) -> None:
        """Give them back."""
        assert execution == self.world.execution
        self.world.released = True


class _App(FakeApp):
    """What observes a termination, and ends instances."""

    def __init__(self, world: TerminationWorld) -> None:
        super().__init__(lambda: world.now, timing=TIMING)
        self.executions, self.locks, self.wakes = world.store, _Locks(world), IdleWakes(MemoryTable())
        self._drs = world.drs

    def drs_at(self, site: Site, /) -> FakeDrs:
        """Give DRS of a site."""
        return self._drs[site]

    def brief_drs_at(self, site: Site, /) -> FakeDrs:
        """Give DRS of a site."""
        return self._drs[site]

    def ec2_at(self, site: Site, /) -> FakeEc2:
        """Give EC2 of a site."""
        return FakeEc2(self._drs[site])


class TerminationWorld:
    """A termination of some instances, spread over sites by their numbers."""

    def __init__(
        self, size: int, sites: Sequence[Site], ways: dict[int, Way], *, manners: Manners | None = None, **drs: Any
    ) -> None:
        self.now = NOW
        self.lens = lens(lambda: self.now, manners)
        self.ways = {instance_id(number): way for number, way in ways.items()}
        self.sites = sites
        self.drs = {site: self._drs_of(size, number, drs) for number, site in enumerate(sites, start=1)}
        waves = [
            wave(
                number,
                WaveStatus.COMPLETED,
                site=site,
                servers=tuple(server(each, LaunchStatus.LAUNCHED) for each in self._numbers(size, number)),
            )
            for number, site in enumerate(sites, start=1)
        ]
        launches = tuple(
            job(
                number,
                JobState.ENDED,
                site=site,
                subjects=tuple(server_id(each) for each in self._numbers(size, number)),
            )
            for number, site in enumerate(sites, start=1)
        )
        ended = execution(*waves, status=ExecutionStatus.COMPLETED, ended_at=NOW, jobs=launches)
        self.store = FakeExecutions(termination.request(ended, Attribution(OPERATOR, NOW)))
        self.reads = 0
        self.rounds = 0
        self.released = False
        self.app = _App(self)

    def _numbers(self, size: int, site: int) -> range:
        return range(site, size + 1, len(self.sites))

    def _drs_of(self, size: int, site: int, settings: dict[str, Any]) -> FakeDrs:
        instances = {
            instance_id(number): Instance(
                instance_id(number),
                server_id(number),
                job_id(site),
                is_drill=True,
                state="RUNNING",
                failback="FAILBACK_IN_PROGRESS" if self.ways.get(instance_id(number)) is Way.FAILBACK else None,
            )
            for number in self._numbers(size, site)
        }
        ways = {name: way for name, way in self.ways.items() if name in instances}
        return FakeDrs(instances, ways, lambda: self.now, self.lens, **{"known_from": NOW, **settings})

    @property
    def execution(self) -> Execution:
        """The execution as it is stored."""
        return self.store.present

    @property
    def calls(self) -> list[tuple[str, ...]]:
        """Every TerminateRecoveryInstances, in all sites."""
        return [call for drs in self.drs.values() for call in drs.calls]

    @property
    def taken(self) -> set[str]:
        """The instances that DRS was made to end."""
        return {name for drs in self.drs.values() for _, names in drs.ending.values() for name in names}

    def step(self, pause: timedelta = POLL) -> TerminationDirective:
        """Do what the machine does between two sleeps' ends, and sleep if there is nothing to do."""
        self.reads += 1
        directive = TerminationDirective(observe(self.app, self.execution.execution_id, 1).directive)
        if directive is TerminationDirective.TERMINATE:
            self.rounds += 1
            terminate(self.app, self.execution.execution_id)
        elif directive is TerminationDirective.SLEEP:
            self.now += pause
        return directive

    def run(self, until: Callable[[], bool] = lambda: False, pause: timedelta = POLL) -> None:
        """Go on until the termination has ended, or what is waited for is so."""
        # Where reads are late, what others hold is offered and left again: the hour ends that.
        for _ in range(1000):
            if until() or self.step(pause) is TerminationDirective.FINISH:
                self.store.read_back()
                return
        raise AssertionError("the termination does not come to an end")

    def ask_again(self) -> None:
        """Ask for the termination once more."""
        self.store.change(
            self.execution.execution_id,
            lambda current: termination.request(current, Attribution(OPERATOR, self.now)),
            Attribution("", self.now),
        )
        self.released = False

    def healthy(self) -> set[str]:
        """The instances that nothing stands in the way of."""
        return {name for drs in self.drs.values() for name in drs.known} - self.ways.keys()

    def ended_as(self, status: TerminationStatus) -> None:
        """Hold that it has ended in a status, gave its locks back, and forgot nothing that was launched."""
        assert self.execution.termination.status is status
        assert self.released
        servers = [server for wave in self.execution.waves for server in wave.servers]
        assert all(is_launched(server) for server in servers)

    def most_calls(self, at_fault: Collection[object]) -> Counter[str]:
        """Count the calls that name each of some instances."""
        return Counter(name for call in self.calls for name in call if name in at_fault)
