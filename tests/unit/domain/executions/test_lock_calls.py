"""Single orders of things around locks that are seldom and must come out right, step by step (A6, B5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.execution_builders import server_id
from tests.support.lock_world import LockWorld

from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.problems import ServerBusy, Unavailable
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.locks import BeingTakenUpError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[LockWorld]:
    made = LockWorld()
    yield made
    made.stage.clear()


def failed(world: LockWorld, plan: str = "a", mode: Mode = Mode.DRILL) -> str:
    """Give an execution that has failed and ended."""
    born: Execution = world.run(world.start(plan, mode))
    world.run(world.fail(born.execution_id))
    assert world.run(world.finish(born.execution_id)) is True
    return born.execution_id


def go_on_to(world: LockWorld, call: str, operation: str, nth: int = 1) -> None:
    """Let a call go on until it stands before the n-th operation of a kind."""
    for _ in range(nth):
        world.step(call)
        while world.stage.calls[call].at != operation:
            world.step(call)


def locks_of(world: LockWorld) -> set[tuple[str, str]]:
    return {(pk, item["executionId"]) for (pk, sk), item in world.table.items.items() if sk == keys.LOCK}


SERVER_1 = keys.server(Site(), server_id(1))


def test_a6_a_second_call_while_the_first_has_the_locks_is_told_to_come_again_and_takes_nothing(
    world: LockWorld,
) -> None:
    execution_id = failed(world)
    first = world.retry(execution_id)
    go_on_to(world, first, "written")
    before = dict(world.table.items)

    for begin in (world.retry, world.skip, world.terminate):
        reported = world.run(begin(execution_id))
        assert isinstance(reported, BeingTakenUpError)
        assert (reported.status, reported.headers) == (503, {"Retry-After": "1"})
    assert world.table.items == before

    assert world.run(first).status is ExecutionStatus.IN_PROGRESS
    world.check()
    reported = world.run(world.retry(execution_id))
    assert isinstance(reported, NotAllowedError)
    assert "only a FAILED wave can be retried" in str(reported), "now it is known, and told precisely"


def test_a6_the_first_calls_failure_gives_back_its_own_locks_alone(world: LockWorld) -> None:
    """The locks of one call that came to nothing are not those of the call that followed it."""
    execution_id = failed(world)
    slow = world.retry(execution_id)
    go_on_to(world, slow, "written")
    world.stage.calls[slow].begun = world.now.replace(year=9999)  # it hangs, beyond what a function may
    world.pass_time(61)

    assert world.run(world.retry(execution_id)).status is ExecutionStatus.IN_PROGRESS
    reported = world.run(slow)

    assert isinstance(reported, (Unavailable, NotAllowedError))
    world.check()


def test_a6_a_call_whose_locks_were_lost_takes_nothing_up(world: LockWorld) -> None:
    execution_id = failed(world)
    call = world.retry(execution_id)
    go_on_to(world, call, "transact", nth=2)
    del world.table.items[SERVER_1, keys.LOCK]

    assert isinstance(world.run(call), Unavailable)
    (after,) = world.executions()
    assert after.is_terminal
    assert locks_of(world) == set()


def test_a6_a_start_whose_locks_were_lost_makes_no_execution(world: LockWorld) -> None:
    call = world.start("a", Mode.DRILL)
    go_on_to(world, call, "put_many")
    del world.table.items[SERVER_1, keys.LOCK]

    assert isinstance(world.run(call), Unavailable)
    assert (world.executions(), locks_of(world)) == ([], set())
    assert not [key for key in world.table.items if key[0].startswith("EXEC#")]


def test_a_retry_of_an_execution_that_ends_meanwhile_takes_its_locks_first(world: LockWorld) -> None:
    born = world.run(world.start("a", Mode.DRILL))
    world.run(world.fail(born.execution_id))
    retry = world.retry(born.execution_id)
    go_on_to(world, retry, "query")
    world.step(retry)
    assert world.run(world.finish(born.execution_id)) is True

    assert world.run(retry).status is ExecutionStatus.IN_PROGRESS
    world.check()


def test_a_lock_of_a_plan_that_was_read_before_an_end_is_not_removed_after_a_retry(world: LockWorld) -> None:
    """The start of another run read the lock, then the execution ended, and was taken up again."""
    born = world.run(world.start("a", Mode.DRILL))
    world.run(world.fail(born.execution_id))
    other = world.start("a", Mode.DRILL)
    go_on_to(world, other, "get", nth=2)
    world.step(other)
    assert world.stage.calls[other].at == "get", "it has read the lock, and is about to read META"
    world.run(world.finish(born.execution_id))
    world.step(other)
    assert world.stage.calls[other].at == "transact", "it holds the lock to be free"
    world.run(world.retry(born.execution_id))

    reported = world.run(other)

    assert reported.code == "PLAN_BUSY", reported
    world.check()


def test_b5_an_end_is_not_refused_by_a_lock_that_somebody_else_has(world: LockWorld) -> None:
    born = world.run(world.start("a", Mode.DRILL))
    world.run(world.fail(born.execution_id))
    somebody: dict[str, Any] = {"pk": keys.plan("a"), "sk": keys.LOCK, "executionId": "drill-x", "callId": "y"}
    world.table.items[keys.plan("a"), keys.LOCK] = somebody

    assert world.run(world.finish(born.execution_id)) is True
    assert world.table.items[keys.plan("a"), keys.LOCK] == somebody


def test_a_release_that_comes_late_leaves_the_locks_of_the_next_run(world: LockWorld) -> None:
    born = world.run(world.start("a", Mode.DRILL))
    world.run(world.fail(born.execution_id))
    finish = world.finish(born.execution_id)
    go_on_to(world, finish, "written")
    go_on_to(world, finish, "transact")

    assert world.run(world.retry(born.execution_id)).status is ExecutionStatus.IN_PROGRESS
    world.run(finish)
    world.check()


def test_a_free_lock_is_taken_over_by_one_of_those_who_found_it(world: LockWorld) -> None:
    born = world.run(world.start("a", Mode.DRILL))
    world.run(world.fail(born.execution_id))
    finish = world.finish(born.execution_id)
    go_on_to(world, finish, "written")
    world.stage.kill(finish)
    assert (SERVER_1, born.execution_id) in locks_of(world), "it died before it gave its servers back"
    slow = world.start("d", Mode.DRILL)
    go_on_to(world, slow, "transact", nth=2)

    winner = world.run(world.start("a", Mode.DRILL))

    assert isinstance(winner, Execution)
    reported = world.run(slow)
    assert isinstance(reported, ServerBusy)
    assert reported.members["executionId"] == winner.execution_id
    world.check()


def test_a_start_that_died_holds_its_servers_for_a_minute_and_then_nobody(world: LockWorld) -> None:
    call = world.start("a", Mode.DRILL)
    go_on_to(world, call, "put_many")
    world.stage.kill(call)

    assert isinstance(world.run(world.start("d", Mode.DRILL)), ServerBusy)
    world.pass_time(61)
    assert isinstance(world.run(world.start("d", Mode.DRILL)), Execution)
