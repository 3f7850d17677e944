"""The same request makes one thing, whatever is lost, and wherever its tries died (A8, B8, B11)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.execution_builders import NOW
from tests.support.lock_world import LockWorld
from tests.support.memory_table import MemoryTable
from tests.unit.domain.executions.test_lock_calls import go_on_to

from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.identifiers import RequestKey
from wavebreak.problems import IdempotencyConflict, ServerBusy, Unavailable
from wavebreak.store import keys, locks
from wavebreak.store.request_keys import RequestKeyStore

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLER = "arn:aws:sts::123456789012:assumed-role/Operators/jane@example.com"


@pytest.fixture(autouse=True)
def _locks_one_by_one() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(locks, "LOCKS_A_TRANSACTION", 1)
        yield


@pytest.fixture
def world() -> Iterator[LockWorld]:
    made = LockWorld()
    yield made
    made.stage.clear()


def request(key: str = "k", caller: str = CALLER, path: str = "/drills", body: object = None) -> RequestKey:
    return RequestKey.of(key, caller, "POST", path, body)


def test_a_request_is_known_by_caller_route_and_key_and_its_body_apart() -> None:
    first = request()
    assert first == request()
    for other in (request("l"), request(caller=f"{CALLER}.org"), request(path="/recoveries")):
        assert other.digest != first.digest
    assert request(body={"planId": "a"}).digest == first.digest
    assert request(body={"planId": "a"}).body != first.body
    assert request(body={"a": 1, "b": 2}).body == request(body={"b": 2, "a": 1}).body


@pytest.mark.parametrize("session", ["botocore-session-17{}", "{}", "aws-sdk-java-17{}123", "x-{}"])
def test_b11_a_session_that_an_sdk_named_after_the_time_is_any_session_of_its_caller(session: str) -> None:
    role = "arn:aws:sts::123456789012:assumed-role/Operators/"
    one, two = (request(caller=role + session.format(moment)) for moment in ("1795913270", "1795999999"))
    assert one == two
    for name in ("jane", "jane@example.com", "i-0123456789abcdef0", "build-17", "user123456789"):
        assert request(caller=role + name).digest != request(caller=role + name[:-1]).digest


@pytest.fixture
def store() -> RequestKeyStore:
    return RequestKeyStore(MemoryTable())


def make(store: RequestKeyStore, name: str) -> None:
    store.table.put_many([{"pk": keys.execution(name), "sk": keys.META}])


def test_a8_every_try_of_a_request_is_given_the_id_of_the_first(store: RequestKeyStore) -> None:
    assert store.id_of(None, "x", keys.execution, NOW) == ("x", False)
    assert store.id_of(request(), "x", keys.execution, NOW) == ("x", False)
    assert store.id_of(request(), "y", keys.execution, NOW + timedelta(seconds=60)) == ("x", False)
    make(store, "x")
    late = NOW + timedelta(hours=23, minutes=59)
    assert store.id_of(request(), "y", keys.execution, late) == ("x", True)
    with pytest.raises(IdempotencyConflict, match="another body"):
        store.id_of(request(body="other"), "y", keys.execution, late)
    assert store.id_of(request("l"), "z", keys.execution, NOW) == ("z", False)
    assert store.id_of(request(body="other"), "y", keys.execution, NOW + timedelta(hours=24)) == ("y", False)


def test_what_came_to_nothing_is_forgotten_after_a_minute_or_for_another_body(store: RequestKeyStore) -> None:
    assert store.id_of(request(), "x", keys.execution, NOW) == ("x", False)
    assert store.id_of(request(body="other"), "y", keys.execution, NOW) == ("y", False)
    assert store.id_of(request(body="other"), "z", keys.execution, NOW + timedelta(seconds=61)) == ("z", False)
    (item,) = store.table.get_many([(keys.request(request().digest), keys.KEY)])
    assert item["forgetAfter"] == int((NOW + timedelta(seconds=61, hours=24)).timestamp())


def test_a8_a_start_that_died_at_any_write_is_gone_on_with_by_its_next_try() -> None:
    seen = set()
    for death in range(40):
        world = LockWorld()
        try:
            drill = world.run(world.start("d", Mode.DRILL))
            first = world.start("a", Mode.RECOVERY, key="k")
            for _ in range(death):
                if first in world.stage.calls:
                    world.step(first)
            finished = first not in world.stage.calls
            if not finished:
                world.stage.kill(first)
            again = world.run(world.start("a", Mode.RECOVERY, key="k"))
            assert isinstance(again, Execution), again
            recoveries = [each for each in world.executions() if each.mode is Mode.RECOVERY]
            assert [each.execution_id for each in recoveries] == [again.execution_id]
            world.check()
            world.run(world.observe(again.execution_id))
            (after,) = (each for each in world.executions() if each.execution_id == drill.execution_id)
            assert after.cancel is not None, "the drill is preempted in any case"
            world.come_to_rest()
            world.everything_is_free()
        finally:
            world.stage.clear()
        seen.add(finished)
        if finished:
            break
    assert seen == {False, True}


def test_a_start_that_is_refused_is_judged_anew_by_its_next_try(world: LockWorld) -> None:
    holder = world.run(world.start("b", Mode.RECOVERY))
    assert isinstance(world.run(world.start("a", Mode.DRILL, key="k")), ServerBusy)
    world.run(world.cancel(holder.execution_id))
    assert isinstance(world.run(world.start("a", Mode.DRILL, key="k")), Execution)


def test_a8_a_try_that_is_refused_leaves_the_locks_to_the_one_that_made_it(world: LockWorld) -> None:
    tries = [world.start("a", Mode.DRILL, key="k") for _ in range(2)]
    for name in tries:
        go_on_to(world, name, "written", nth=2 + (name == tries[0]))
    world.step(tries[0])
    made = world.run(tries[0])
    assert isinstance(made, Execution)
    world.drs.answers = False

    reported = world.run(tries[1])

    assert isinstance(reported, Unavailable)
    world.check()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 5), min_size=20, max_size=60), st.booleans())
def test_a8_two_tries_of_a_request_side_by_side_make_one_execution_that_has_its_locks(
    order: list[int], preempts: bool
) -> None:
    world = LockWorld()
    try:
        if preempts:
            world.run(world.start("e", Mode.DRILL))
        tries = [world.start("a", Mode.RECOVERY, key="k") for _ in range(2)]
        for choice in order:
            name = tries[choice % 2]
            if name in world.stage.calls:
                world.step(name)
                world.check()
        for name in tries:
            if name in world.stage.calls:
                world.run(name)
        made = [each for each in world.executions() if each.mode is Mode.RECOVERY]
        assert len(made) <= 1
        world.check()
        again = world.run(world.start("a", Mode.RECOVERY, key="k"))
        assert isinstance(again, Execution), again
        world.come_to_rest()
        world.everything_is_free()
    finally:
        world.stage.clear()
