"""DRS as use cases ask it: the adapter on the simulator, and the fakes of the unit tests, held to the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import pytest
from tests.support.execution_builders import NOW, instance_id, job_id, server_id
from tests.support.launches import RefusingDrs
from tests.support.lock_world import LockWorld
from tests.support.mannered_drs import LATE
from tests.support.manners import lens
from tests.support.network_world import NetworkWorld
from tests.support.simulated import LATE_SECONDS, simulated
from tests.support.stored_executions import AT, execution_id
from tests.support.termination_services import GOING, FakeDrs

from drs_simulator.manners import Manners
from wavebreak.aws.drs import Drs
from wavebreak.aws.unrepeated import CallRejectedError
from wavebreak.domain.drs import JOBS_QUOTA, Instance, Quotas
from wavebreak.domain.executions.launching.launch_tags import job_tags
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.ports.drs import DrsLaunches, DrsReads, DrsTerminations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

EXECUTION = execution_id(1)
BEFORE = min(AT, NOW)
ONE, TWO, STRANGER = server_id(1), server_id(2), server_id(9)

D = TypeVar("D", bound=DrsReads)


@dataclass
class Place(Generic[D]):
    """DRS of a site that knows the first three servers, and what makes time pass there."""

    drs: D
    now: Callable[[], datetime]
    everything_shows: Callable[[], None]
    jobs_end: Callable[[], None]


def job_of(batch: int, *servers: str) -> Job:
    return Job(1, 1, batch, servers, JobState.INTENDED, BEFORE, BEFORE)


def start(drs: DrsLaunches, intent: Job, *, is_drill: bool = True) -> str:
    return drs.start_recovery(
        [Server(name) for name in intent.subjects], is_drill=is_drill, tags=job_tags(EXECUTION, intent)
    )


# ---------------------------------------------------------------- launches

Launches = Place[DrsLaunches]


@pytest.fixture
def on_the_simulator() -> Iterator[Place[Drs]]:
    with simulated() as here, here.client("drs") as client:
        for name in (ONE, TWO, server_id(3)):
            here.control.put_source_server(name)
        yield Place(
            Drs(client, client),
            here.clock.now,
            lambda: here.clock.advance(LATE_SECONDS),
            lambda: here.clock.advance(200),
        )


@pytest.fixture
def refusing() -> Launches:
    drs = RefusingDrs(servers={ONE, TWO, server_id(3)}, quotas=Quotas())

    def end() -> None:
        for each in drs.started:
            each.ended = True

    return Place(drs, lambda: NOW, lambda: None, end)


@pytest.fixture
def with_templates() -> Launches:
    world = NetworkWorld(manners=Manners(seed=1, delay_seconds=LATE.total_seconds()))

    def end() -> None:
        for each in world.drs_here.started:
            while each.phase < 3:
                world.drs_here.go_on(each)
        world.now += LATE

    def shows() -> None:
        world.now += LATE

    return Place(world.drs_here, lambda: world.now, shows, end)


@pytest.fixture(params=["on_the_simulator", "refusing", "with_templates"])
def launches(request: pytest.FixtureRequest) -> Launches:
    found: Launches = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["on_the_simulator", "with_templates"])
def whole(request: pytest.FixtureRequest) -> Launches:
    """Those that answer everything that a drill in a network of its own asks."""
    found: Launches = request.getfixturevalue(request.param)
    return found


def test_where_nothing_was_started_nothing_is_found(launches: Launches) -> None:
    drs = launches.drs
    assert drs.recent_jobs(launches.now()) == []
    assert drs.find_launches(EXECUTION, [job_of(1, ONE)]) == {}
    assert drs.every_instance([ONE, TWO]) == []


def test_source_servers_are_described_and_strangers_left_out(launches: Launches) -> None:
    found = launches.drs.source_servers([ONE, TWO, STRANGER])
    assert found.keys() == {ONE, TWO}
    assert [(name, each.source_server_id, each.recovery_instance_id) for name, each in sorted(found.items())] == [
        (ONE, ONE, None),
        (TWO, TWO, None),
    ]


@pytest.mark.parametrize("is_drill", [True, False])
def test_a_launch_is_listed_with_its_servers_and_tags_as_it_runs_and_when_it_has_ended(
    launches: Launches, *, is_drill: bool
) -> None:
    intent = job_of(1, ONE, TWO)
    started = start(launches.drs, intent, is_drill=is_drill)
    launches.everything_shows()
    [shown] = launches.drs.recent_jobs(launches.now())
    assert (shown.job_id, shown.kind, shown.servers) == (started, "LAUNCH", frozenset({ONE, TWO}))
    assert shown.tags.items() >= job_tags(EXECUTION, intent).items()
    assert shown.initiated_by == ("START_DRILL" if is_drill else "START_RECOVERY")
    assert not shown.ended
    launches.jobs_end()
    [shown] = launches.drs.recent_jobs(launches.now())
    assert (shown.job_id, shown.ended) == (started, True)


def test_a_launch_is_found_by_its_intent_and_by_no_other(launches: Launches) -> None:
    first, second, never = job_of(1, ONE), job_of(2, TWO), job_of(3, server_id(3))
    names = {each.key: start(launches.drs, each) for each in (first, second)}
    launches.everything_shows()
    found = launches.drs.find_launches(EXECUTION, [first, second, never])
    assert found == names
    assert launches.drs.find_launches(execution_id(2), [first]) == {}
    launches.jobs_end()
    assert launches.drs.find_launches(EXECUTION, [first]).get(first.key) == names[first.key]


def test_a_server_that_is_in_a_job_is_refused_and_taken_when_that_has_ended(whole: Launches) -> None:
    start(whole.drs, job_of(1, ONE))
    with pytest.raises(CallRejectedError) as refused:
        start(whole.drs, job_of(2, ONE, TWO))
    assert (refused.value.code, refused.value.retryable) == ("ConflictException", True)
    whole.jobs_end()
    assert [each.ended for each in whole.drs.recent_jobs(whole.now())] == [True], "what is refused starts nothing"
    start(whole.drs, job_of(2, ONE, TWO))


def test_the_jobs_of_an_execution_are_listed_by_what_their_tags_say(whole: Launches) -> None:
    since = whole.now() - timedelta(minutes=1)
    assert whole.drs.launches_of(EXECUTION, since) == {}
    intent = job_of(4, ONE, TWO)
    started = start(whole.drs, intent)
    whole.everything_shows()
    assert whole.drs.launches_of(EXECUTION, since) == {started: (intent.key, frozenset({ONE, TWO}))}
    assert whole.drs.launches_of(execution_id(2), since) == {}


def test_a_launch_configuration_tells_the_template_of_its_server(whole: Launches) -> None:
    found = whole.drs.launch_configurations([ONE, TWO], lambda: False)
    assert found.keys() == {ONE, TWO}
    templates = {getattr(each, "template_id", None) for each in found.values()}
    assert len(templates) == 2
    assert all(templates)


@pytest.fixture
def narrow_on_the_simulator() -> Iterator[DrsLaunches]:
    with simulated() as here, here.client("drs") as client:
        here.control.quotas(concurrentJobs=2)
        for number in (1, 2, 3):
            here.control.put_source_server(server_id(number))
        yield Drs(client, client)


@pytest.fixture
def narrow_refusing() -> DrsLaunches:
    return RefusingDrs(quotas=Quotas(jobs=2))


@pytest.mark.parametrize("place", ["narrow_on_the_simulator", "narrow_refusing"])
def test_more_jobs_than_the_quota_are_refused_with_its_code(place: str, request: pytest.FixtureRequest) -> None:
    narrow: DrsLaunches = request.getfixturevalue(place)
    for number in (1, 2):
        start(narrow, job_of(number, server_id(number)))
    with pytest.raises(CallRejectedError) as refused:
        start(narrow, job_of(3, server_id(3)))
    assert (refused.value.code, refused.value.quota_code) == ("ServiceQuotaExceededException", JOBS_QUOTA)


@pytest.fixture
def empty_on_the_simulator() -> Iterator[DrsReads]:
    with simulated() as here, here.client("drs") as client:
        yield Drs(client, client)


@pytest.fixture
def empty_of_locks() -> DrsReads:
    return LockWorld().drs


@pytest.mark.parametrize("place", ["empty_on_the_simulator", "empty_of_locks"])
def test_where_there_is_nothing_nothing_is_shown(place: str, request: pytest.FixtureRequest) -> None:
    empty: DrsReads = request.getfixturevalue(place)
    assert empty.instances([ONE, TWO]) == []
    assert empty.source_servers([ONE, TWO]) == {}


# ---------------------------------------------------------------- terminations


@dataclass
class Running:
    """DRS with two recovery instances."""

    place: Place[DrsTerminations]
    instances: Sequence[Instance]


@pytest.fixture
def launched_there(on_the_simulator: Place[Drs]) -> Running:
    drs = on_the_simulator.drs
    drs.start_recovery([Server(ONE), Server(TWO)], is_drill=True, tags={})
    on_the_simulator.jobs_end()
    found = sorted(drs.every_instance([ONE, TWO]), key=lambda each: each.source_server_id)
    place = Place[DrsTerminations](
        drs, on_the_simulator.now, on_the_simulator.everything_shows, on_the_simulator.jobs_end
    )
    return Running(place, found)


class _Clock:
    def __init__(self) -> None:
        self.present = NOW

    def now(self) -> datetime:
        return self.present

    def pass_time(self) -> None:
        self.present += GOING + timedelta(seconds=1)


@pytest.fixture
def ending() -> Running:
    clock = _Clock()
    instances = [
        Instance(instance_id(number), server_id(number), job_id(1), is_drill=True, state="RUNNING") for number in (1, 2)
    ]
    known = {each.recovery_instance_id: each for each in instances}
    drs = FakeDrs(known, {}, clock.now, lens(clock.now), clock.now())
    return Running(Place(drs, clock.now, lambda: None, clock.pass_time), instances)


@pytest.fixture(params=["launched_there", "ending"])
def running(request: pytest.FixtureRequest) -> Running:
    found: Running = request.getfixturevalue(request.param)
    return found


def test_what_runs_is_shown_by_its_server(running: Running) -> None:
    drs = running.place.drs
    assert [each.source_server_id for each in running.instances] == [ONE, TWO]
    assert sorted(each.recovery_instance_id for each in drs.every_instance([ONE, TWO])) == sorted(
        each.recovery_instance_id for each in running.instances
    )
    assert [each.state for each in drs.every_instance([ONE])] == ["RUNNING"]
    assert drs.every_instance([STRANGER]) == []
    assert not drs.launches_into(ONE)


def test_a_terminate_job_is_followed_to_its_end(running: Running) -> None:
    place, (first, second) = running.place, running.instances
    started = place.drs.terminate([first.recovery_instance_id])
    place.everything_shows()
    views, missing = place.drs.jobs([started])
    assert not missing
    assert not views[started].completed
    listed = {each.job_id: each for each in place.drs.recent_jobs(place.now())}[started]
    assert (listed.kind, listed.servers, listed.ended) == ("TERMINATE", frozenset({ONE}), False)
    place.jobs_end()
    view = place.drs.jobs([started])[0][started]
    assert (view.completed, view.servers[ONE].launch_status) == (True, LaunchStatus.TERMINATED)
    left = {each.recovery_instance_id for each in place.drs.every_instance([ONE, TWO]) if each.state == "RUNNING"}
    assert left == {second.recovery_instance_id}
    assert {each.job_id: each.ended for each in place.drs.recent_jobs(place.now())}[started]
