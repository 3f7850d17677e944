"""What the regular checks of many plans ask of DRS, EC2 and the table: counted, as docs/readiness.md states it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest
from tests.support.fake_app import FakeApp, KeptErrors
from tests.support.memory_table import MemoryTable
from tests.support.unasked import UnaskedChannels, UnaskedDrs, UnaskedPlaces, UnaskedTemplates

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.drs import Quotas, SourceServer
from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion
from wavebreak.domain.notifications.delivery import Outcome
from wavebreak.site import Site
from wavebreak.store.upkeep.readiness import Due, Kept, ReadinessStore
from wavebreak.use_cases.readiness import check_plans
from wavebreak.use_cases.readiness.check_plans import SERVERS_A_GROUP, check_due_plans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from wavebreak.domain.drs import Instance, RecentJob
    from wavebreak.domain.notifications.delivery import Notification
    from wavebreak.domain.plans.model import StoredPlan

OWN: Final = Site("123456789012", "us-east-1")
PLANS: Final = 500
ONE_BY_ONE: Final = {"DescribeRecoverySnapshots", "GetLaunchConfiguration"}
SERVERS: Final = 8
GROUPS: Final = PLANS * SERVERS // SERVERS_A_GROUP


def servers_of(number: int) -> list[str]:
    return [f"s-{number * SERVERS + each:017d}" for each in range(SERVERS)]


@dataclass
class Services(UnaskedDrs):
    """DRS of one Region, which counts what it is asked."""

    calls: Counter[str] = field(default_factory=Counter)
    stalled: set[str] = field(default_factory=set)
    took: Callable[[str], None] = lambda _name: None
    subnet: Subnet = field(default_factory=lambda: Subnet("subnet-1", "vpc-1", "us-east-1a", "10.0.0.0/16", 60_000))

    def called(self, name: str) -> None:
        self.calls[name] += 1
        self.took(name)

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]:
        assert len(ids) <= 200
        self.called("DescribeSourceServers")
        return {each: SourceServer(each, "STALLED" if each in self.stalled else "CONTINUOUS", "PT0S") for each in ids}

    def instances(self, ids: Sequence[str], /) -> list[Instance]:
        assert len(ids) <= 200
        self.called("DescribeRecoveryInstances")
        return []

    def active_jobs(self, _now: datetime, /) -> list[RecentJob]:
        self.called("DescribeJobs")
        return []

    def newest_snapshot(self, _server: str, /) -> str:
        self.called("DescribeRecoverySnapshots")
        return "2026-11-29T12:00:00.000Z"

    def launch_configuration(self, server: str, /) -> LaunchConfiguration:
        self.called("GetLaunchConfiguration")
        return LaunchConfiguration(server, f"lt-{server[2:]}")


@dataclass
class Places(UnaskedPlaces):
    """EC2 of the Region, which counts with DRS."""

    services: Services

    @property
    def templates(self) -> Templates:
        return Templates(self.services)

    def vpcs_of(self, _ids: Collection[str], /) -> dict[str, str]:
        self.services.called("DescribeSecurityGroups")
        return {"sg-1": "vpc-1"}

    def vcpus_of(self, types: Collection[str], /) -> dict[str, int]:
        self.services.called("DescribeInstanceTypes")
        return dict.fromkeys(types, 2)

    def holders_of(self, addresses: Collection[str], /) -> dict[tuple[str, str], str | None]:
        assert not addresses
        return {}


@dataclass
class Templates(UnaskedTemplates):
    """Its launch templates, likewise."""

    services: Services

    def defaults(self, template_ids: Collection[str], /) -> dict[str, TemplateVersion]:
        self.services.called("DescribeLaunchTemplateVersions")
        interface = {"DeviceIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1"]}
        data = {"InstanceType": "m5.large", "NetworkInterfaces": [interface]}
        return {each: TemplateVersion(each, 1, is_default=True, data=data) for each in template_ids}

    def subnets(self, ids: Collection[str], /) -> dict[str, Subnet]:
        if ids:
            self.services.called("DescribeSubnets")
        return {"subnet-1": self.services.subnet}

    def zones_of(self, types: Collection[str], /) -> dict[str, frozenset[str]]:
        self.services.called("DescribeInstanceTypeOfferings")
        return dict.fromkeys(types, frozenset({"us-east-1a"}))


class CountedTable(MemoryTable):
    """The table, with what it is asked."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        super().__init__(lambda operation: self.calls.update([operation]))


class WatchedStore(ReadinessStore):
    """The store, and what was found of each plan, look by look."""

    def __init__(self, table: MemoryTable, kept_checks: dict[str, list[Kept]]) -> None:
        super().__init__(table)
        self._kept_checks = kept_checks

    def found(self, due: Due, plan: StoredPlan, kept: Kept, again: datetime) -> bool:
        self._kept_checks[due.plan_id].append(kept)
        return super().found(due, plan, kept, again)


class SentNotices(UnaskedChannels):
    """Channels that take everything."""

    def __init__(self) -> None:
        self.statuses: list[str] = []

    def wants(self, _kind: str, /) -> bool:
        return True

    def send(self, notification: Notification, _served: frozenset[str] = frozenset(), /) -> Outcome:
        assert notification.message is not None
        self.statuses.append(f"{notification.message.attributes['planId']} {notification.message.attributes['status']}")
        return Outcome(frozenset(), {})


class ManyApp(FakeApp):
    """What checks plans."""

    def __init__(
        self, now: Callable[[], datetime], table: MemoryTable, services: Services, kept_checks: dict[str, list[Kept]]
    ) -> None:
        self.kept = KeptErrors()
        super().__init__(now, table, errors=self.kept)
        self.readiness = WatchedStore(table, kept_checks)
        self.sent_notices = SentNotices()
        self._services, self._places = services, Places(services)

    def brief_drs_at(self, _site: Site, /) -> Services:
        return self._services

    def places_at(self, _site: Site, /) -> Places:
        return self._places

    def quotas_at(self, _site: Site, /) -> Quotas:
        return Quotas()

    def vcpus_at(self, _site: Site, /) -> int | None:
        return 1_000_000

    def channels(self) -> SentNotices:
        return self.sent_notices

    def allowances(self) -> NoReturn:
        raise AssertionError("no plan has a step")

    def functions(self) -> NoReturn:
        raise AssertionError("no plan has a step")

    def runbooks_at(self, site: Site, /) -> NoReturn:
        raise AssertionError(f"no plan has a step: {site}")


class World:
    """Many plans of one Region."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
        self.table, self.services = CountedTable(), Services()
        self.kept_checks: dict[str, list[Kept]] = defaultdict(list)
        self._passing = Lock()
        self.app = ManyApp(lambda: self.now, self.table, self.services, self.kept_checks)

    def metrics(self) -> list[float]:
        """Return the measurements."""
        return [value for _, value in self.app.meter.noted]

    def store(self) -> None:
        """Store the plans."""
        for number in range(PLANS):
            waves = [{"name": "only", "servers": [{"sourceServerId": each} for each in servers_of(number)]}]
            document = {"planId": f"plan-{number}", "name": "Plan", "waves": waves}
            self.app.plans.put(f"plan-{number}", _canonical(document), self.now, None)

    def run(self) -> dict[str, int]:
        return check_due_plans(self.app, OWN).counts()

    def slow(self, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have calls of DRS and EC2 take so long, by this world's clock.

        Two about single servers are made at once: here one after the other, in half the time.
        """

        def clock() -> float:
            return self.now.timestamp()

        assert check_plans._AT_ONCE == 2
        monkeypatch.setattr(check_plans, "_AT_ONCE", 1)
        monkeypatch.setattr(check_plans, "Asking", partial(Asking, clock))
        self.services.took = lambda name: self._pass(seconds / 2 if name in ONE_BY_ONE else seconds)

    def _pass(self, seconds: float) -> None:
        with self._passing:
            self.now += timedelta(seconds=seconds)

    def minutes(self, count: int) -> None:
        """Run every minute; a minute in which the run before still works is left out."""
        begun = self.now
        for minute in range(1, count + 1):
            moment = begun + timedelta(minutes=minute)
            if moment >= self.now:
                self.now = moment
                self.run()

    def half_an_hour(self, between: Callable[[int], None] = lambda _minute: None) -> Counter[str]:
        """Run every minute of an interval, and sum up what the runs did."""
        done: Counter[str] = Counter()
        for minute in range(30):
            self.now += timedelta(minutes=1)
            between(minute)
            done.update({name: count for name, count in self.run().items() if name != "notReady"})
        return done


def _canonical(document: dict[str, Any]) -> str:
    import json  # noqa: PLC0415  this alone writes JSON

    return json.dumps(document)


@pytest.fixture
def world() -> World:
    found = World()
    found.store()
    return found


def test_14_five_hundred_plans_of_four_thousand_servers_are_checked_within_the_interval(world: World) -> None:
    assert world.run() == {"checked": PLANS, "notified": 0, "postponed": 0, "notReady": 0}
    servers = PLANS * SERVERS
    of_drs = ("DescribeSourceServers", "DescribeRecoveryInstances", "DescribeJobs")
    of_ec2 = ("LaunchTemplateVersions", "Subnets", "SecurityGroups", "InstanceTypeOfferings", "InstanceTypes")
    assert world.services.calls == {
        **dict.fromkeys((*of_drs, *(f"Describe{each}" for each in of_ec2)), GROUPS),
        **dict.fromkeys(("DescribeRecoverySnapshots", "GetLaunchConfiguration"), servers),
    }
    assert not world.app.kept.seen
    world.services.calls.clear()
    world.table.calls.clear()
    done = world.half_an_hour()
    assert done == {"checked": PLANS, "notified": 0, "postponed": 0}
    calls = world.services.calls
    assert calls["DescribeRecoverySnapshots"] == calls["GetLaunchConfiguration"] == servers
    assert calls["DescribeSourceServers"] == calls["DescribeRecoveryInstances"] <= 90
    assert max(count for name, count in calls.items() if name.startswith("Describe") and "Snap" not in name) <= 90
    assert world.table.calls["transact"] == 2 * PLANS
    assert world.metrics() == [0] * 31


def test_14_a_change_is_told_once_within_an_interval_and_once_when_it_is_cured(world: World) -> None:
    world.run()
    world.services.stalled = {servers_of(7)[3], servers_of(7)[4], servers_of(250)[0]}
    assert world.half_an_hour()["notified"] == 2
    assert sorted(world.app.sent_notices.statuses) == ["plan-250 NOT_READY", "plan-7 NOT_READY"]
    assert world.half_an_hour()["notified"] == 0
    assert world.metrics()[-1] == 2
    world.services.stalled = set()
    world.app.sent_notices.statuses.clear()
    assert world.half_an_hour()["notified"] == 2
    assert sorted(world.app.sent_notices.statuses) == ["plan-250 READY", "plan-7 READY"]
    assert world.half_an_hour()["notified"] == 0
    assert world.metrics()[-1] == 0


@pytest.mark.parametrize("seconds", [0.15, 0.3])
def test_14_the_interval_suffices_where_calls_take_their_time(
    world: World, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run after the other, although a slow one is joined by the next minute's on AWS."""
    world.slow(seconds, monkeypatch)
    stored = world.now
    world.minutes(90)
    assert not world.app.kept.seen
    assert len(world.kept_checks) == PLANS
    for name, kept_checks in world.kept_checks.items():
        assert {(each.servers_covered, each.missed) for each in kept_checks} == {(SERVERS, None)}, name
        times = [each.standing.checked_at for each in kept_checks]
        for interval in range(3):
            begun = stored + timedelta(minutes=30 * interval)
            assert [each for each in times if begun <= each <= begun + timedelta(minutes=31)], (name, interval)
    assert not world.app.sent_notices.statuses


def test_14_servers_that_a_look_had_no_time_for_are_the_first_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """One plan of more servers than can be asked for in time."""
    monkeypatch.setattr("tests.unit.use_cases.test_many_plans.PLANS", 1)
    monkeypatch.setattr("tests.unit.use_cases.test_many_plans.SERVERS", 450)
    world = World()
    world.store()
    world.slow(0.15, monkeypatch)
    world.minutes(100)
    kept_checks = world.kept_checks["plan-0"]
    assert len(kept_checks) >= 3
    begin = 0
    for kept_check in kept_checks:
        assert 150 <= kept_check.servers_covered <= 200, "three quarters of 40 s, two calls at once"
        assert kept_check.missed is not None
        place = int(kept_check.missed[2:])
        assert 0 <= (begin + kept_check.servers_covered - place) % 450 <= 2, (
            "each look goes on where the one before ended"
        )
        begin = place
