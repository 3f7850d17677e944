"""A drill never stands in the way of a recovery (contract 2), step by step and with a death at each write."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.execution_builders import server_id
from tests.support.lock_world import OPERATOR, LockWorld
from tests.unit.domain.executions.test_lock_calls import failed, go_on_to

from wavebreak.domain.executions.model.executions import CancelThen, Execution, Mode
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus
from wavebreak.problems import PlanBusy, ServerBusy, Unavailable
from wavebreak.site import Site
from wavebreak.store import keys, locks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[LockWorld]:
    monkeypatch.setattr(locks, "LOCKS_A_TRANSACTION", 1)
    made = LockWorld()
    yield made
    made.stage.clear()


def started(world: LockWorld, plan: str, mode: Mode = Mode.DRILL, **asked: Any) -> Execution:
    born = world.run(world.start(plan, mode, **asked))
    assert isinstance(born, Execution), born
    return born


def running(world: LockWorld, plan: str) -> Execution:
    """Give a drill whose first server a DRS job launches at this moment."""
    born = started(world, plan)
    begun = world.run(world.fail(born.execution_id, in_flight=True))
    assert begun.in_flight
    return born


def holders(world: LockWorld, *numbers: int) -> list[str | None]:
    return [world.holder_of(keys.server(Site(), server_id(number))) for number in numbers]


def stored(world: LockWorld, execution: Execution) -> Execution:
    return next(each for each in world.executions() if each.execution_id == execution.execution_id)


def test_a_recovery_takes_over_what_it_needs_and_cancels_the_drill_which_keeps_the_rest(world: LockWorld) -> None:
    drill = running(world, "b")
    recovery = started(world, "a", Mode.RECOVERY)

    assert holders(world, 1, 2, 3) == [recovery.execution_id, recovery.execution_id, drill.execution_id]
    assert world.may_start(drill) == {server_id(3)}
    after = stored(world, drill)
    assert after.status is ExecutionStatus.CANCELLING
    assert after.cancel is not None
    reported = (after.cancel.by.actor, after.cancel.by.reason, after.cancel.then)
    assert reported == (OPERATOR, f"Preempted by {recovery.execution_id}", CancelThen.KEEP)
    events = [
        item for key, item in world.table.items.items() if key[0].endswith(drill.execution_id) and "EVENT" in key[1]
    ]
    assert events[-1]["data"]["preemptedBy"] == recovery.execution_id
    assert recovery.preemption is not None
    assert (recovery.preemption.drills, recovery.preemption.unsettled) == ((drill.execution_id,), ())
    (notice,) = recovery.warnings
    assert notice.code == "PREEMPTED_DRILL"
    assert notice.message == f"Cancelled {drill.execution_id} and took over 1 server(s) ({server_id(2)})"
    world.check()


def test_a_drill_of_the_same_plan_gives_up_the_plan_too(world: LockWorld) -> None:
    drill = started(world, "a")
    recovery = started(world, "a", Mode.RECOVERY)

    assert world.table.items[keys.plan("a"), keys.LOCK]["executionId"] == recovery.execution_id
    (notice,) = recovery.warnings
    assert notice.message == (
        f"Cancelled {drill.execution_id} and took over the plan and 2 server(s) ({server_id(1)}, {server_id(2)})"
    )
    first = next(item for key, item in world.table.items.items() if "EVENT#000001" in key[1] and "recovery" in key[0])
    assert first["data"]["preempted"] == [drill.execution_id]


def test_what_another_recovery_holds_refuses_and_nothing_has_changed(world: LockWorld) -> None:
    started(world, "d")
    other = started(world, "c", Mode.RECOVERY)
    before = copy.deepcopy(world.table.items)
    call = world.start("e", Mode.RECOVERY)
    did = set()
    while call in world.stage.calls:
        did.add(world.stage.calls[call].at)
        world.step(call)

    _, reported = world.outcomes[-1]
    assert isinstance(reported, ServerBusy)
    assert reported.members == {"sourceServerId": server_id(3), "executionId": other.execution_id}
    assert (world.table.items, did) == (before, {"begin", "get", "query"}), "nothing was written, not even for a moment"
    again = world.run(world.start("c", Mode.RECOVERY))
    assert isinstance(again, PlanBusy)
    assert again.members == {"executionId": other.execution_id}
    assert world.table.items == before


def test_preempt_false_refuses_naming_the_drill(world: LockWorld) -> None:
    drill = started(world, "b")
    before = copy.deepcopy(world.table.items)
    for plan, kind in (("a", ServerBusy), ("b", PlanBusy)):
        reported = world.run(world.start(plan, Mode.RECOVERY, preempt=False))
        assert isinstance(reported, kind)
        assert reported.members["executionId"] == drill.execution_id
    assert world.table.items == before
    assert isinstance(world.run(world.start("a", Mode.DRILL)), ServerBusy), "a drill preempts nobody"


def test_what_was_taken_over_before_a_refusal_is_the_drills_again_as_it_was(world: LockWorld) -> None:
    drill = started(world, "d")
    before = copy.deepcopy(world.table.items)
    slow = world.start("e", Mode.RECOVERY)
    go_on_to(world, slow, "written")
    assert holders(world, 1) != [drill.execution_id]
    other = started(world, "c", Mode.RECOVERY)

    reported = world.run(slow)

    assert isinstance(reported, ServerBusy)
    assert reported.members["executionId"] == other.execution_id
    assert {key: item for key, item in world.table.items.items() if key in before} == before
    assert world.may_start(drill) == {server_id(1), server_id(4)}
    world.check()


def test_a_recovery_whose_call_died_before_its_write_leaves_the_servers_to_the_drill(world: LockWorld) -> None:
    drill = started(world, "d")
    call = world.start("a", Mode.RECOVERY)
    go_on_to(world, call, "put_many")
    world.stage.kill(call)

    assert world.may_start(drill) == {server_id(4)}, "for a minute nobody knows"
    world.pass_time(61)
    assert holders(world, 1, 2) == [drill.execution_id, None]
    assert world.may_start(drill) == {server_id(1), server_id(4)}
    world.check()
    assert holders(world, 1, 4) == [drill.execution_id] * 2
    assert isinstance(world.run(world.start("a", Mode.DRILL)), ServerBusy)


def test_a_recovery_whose_call_died_after_its_write_cancels_the_drill_at_its_first_look(world: LockWorld) -> None:
    drill = started(world, "d")
    call = world.start("a", Mode.RECOVERY)
    go_on_to(world, call, "put_many")
    go_on_to(world, call, "transact")
    world.step(call)
    assert world.stage.calls[call].at == "written"
    world.stage.kill(call)
    assert stored(world, drill).cancel is None
    recovery = next(each for each in world.executions() if each.mode is Mode.RECOVERY)
    assert recovery.preemption is not None
    assert recovery.preemption.unsettled == (drill.execution_id,)

    world.run(world.observe(recovery.execution_id))

    assert stored(world, drill).status is ExecutionStatus.CANCELLED
    preemption = stored(world, recovery).preemption
    assert preemption is not None
    assert preemption.unsettled == ()


@pytest.mark.parametrize("plan", ["b", "c"])
def test_a_drill_that_is_being_started_gives_way_and_is_cancelled_if_it_comes_to_be(
    world: LockWorld, plan: str
) -> None:
    """Its call has the locks, and is asking DRS: the recovery does not wait for it."""
    late = world.start(plan, Mode.DRILL)
    go_on_to(world, late, "put_many")

    recovery = started(world, "e", Mode.RECOVERY)
    assert holders(world, 1, 2, 3) == [recovery.execution_id] * 3
    assert recovery.preemption is not None
    assert recovery.preemption.unsettled == recovery.preemption.drills != ()
    reported = world.run(late)

    assert isinstance(reported, Unavailable), "it found its first lock lost"
    world.run(world.observe(recovery.execution_id))
    assert len(world.executions()) == 1
    world.pass_time(61)
    world.run(world.observe(recovery.execution_id))
    preemption = stored(world, recovery).preemption
    assert preemption is not None
    assert preemption.unsettled == (), "it can come to be no more"


def test_a_drill_that_came_to_be_without_a_lock_that_passed_over_is_cancelled_at_the_next_look(
    world: LockWorld,
) -> None:
    late = world.start("b", Mode.DRILL)
    go_on_to(world, late, "put_many")
    recovery = started(world, "c", Mode.RECOVERY)
    drill = world.run(late)
    assert isinstance(drill, Execution), "its first lock is its own still"
    assert holders(world, 2, 3) == [drill.execution_id, recovery.execution_id]
    assert world.may_start(drill) == {server_id(2)}
    world.check()

    world.run(world.observe(recovery.execution_id))

    assert stored(world, drill).status is ExecutionStatus.CANCELLED


def test_a_drill_that_was_about_to_be_taken_up_again_is_cancelled_at_the_next_look(world: LockWorld) -> None:
    drill = failed(world, "b")
    late = world.retry(drill)
    go_on_to(world, late, "transact", nth=3)
    recovery = started(world, "c", Mode.RECOVERY)
    assert recovery.preemption is not None
    assert recovery.preemption.unsettled == (drill,), "it has ended, but a call may take it up yet"
    assert world.run(late).status is ExecutionStatus.IN_PROGRESS

    world.run(world.observe(recovery.execution_id))

    ended = next(each for each in world.executions() if each.execution_id == drill)
    assert ended.cancel is not None


def test_a_drills_termination_goes_on_with_what_is_left_to_it(world: LockWorld) -> None:
    drill = failed(world, "b")
    world.run(world.terminate(drill))

    recovery = started(world, "a", Mode.RECOVERY)

    after = next(each for each in world.executions() if each.execution_id == drill)
    assert (after.termination.status, after.cancel) == (TerminationStatus.IN_PROGRESS, None)
    assert holders(world, 2, 3) == [recovery.execution_id, drill]
    assert recovery.preemption is not None
    assert recovery.preemption.unsettled == ()
    world.run(world.clean_up(drill))
    assert holders(world, 1, 2, 3) == [recovery.execution_id, recovery.execution_id, None]


def test_a_cancel_that_said_terminate_stays(world: LockWorld) -> None:
    drill = started(world, "b")
    world.run(world.fail(drill.execution_id, in_flight=True))
    world.run(world.cancel(drill.execution_id, CancelThen.TERMINATE))
    assert stored(world, drill).status is ExecutionStatus.CANCELLING

    recovery = started(world, "a", Mode.RECOVERY)

    after = stored(world, drill)
    assert after.cancel is not None
    assert (after.status, after.cancel.then, after.cancel.by.reason) == (
        ExecutionStatus.CANCELLING,
        CancelThen.TERMINATE,
        None,
    )
    assert recovery.preemption is not None
    assert recovery.preemption.unsettled == ()


def test_of_two_recoveries_that_preempt_the_same_drill_one_is_refused_and_the_other_has_all(world: LockWorld) -> None:
    drill = running(world, "e")
    slow = world.start("a", Mode.RECOVERY)
    go_on_to(world, slow, "written")

    reported = world.run(world.start("d", Mode.RECOVERY))

    assert isinstance(reported, ServerBusy)
    assert str(reported.members["executionId"]).startswith("recovery-")
    won = world.run(slow)
    assert holders(world, 1, 2, 3, 4) == [won.execution_id, won.execution_id, drill.execution_id, None]
    world.check()


def test_a_drill_of_the_plan_that_came_first_after_all_is_preempted_at_the_next_try(world: LockWorld) -> None:
    slow = world.start("c", Mode.RECOVERY)
    go_on_to(world, slow, "get", nth=3)
    while world.stage.calls[slow].at != "transact":
        world.step(slow)
    drill = started(world, "c")

    born = world.run(slow)

    assert isinstance(born, Execution), born
    assert born.preemption is not None
    assert born.preemption.drills == (drill.execution_id,)
    assert stored(world, drill).cancel is not None


def test_the_plan_is_taken_over_from_exactly_the_drill_that_was_seen(world: LockWorld) -> None:
    started(world, "c")
    slow = world.start("c", Mode.RECOVERY)
    go_on_to(world, slow, "put_many")
    somebody = {"pk": keys.plan("c"), "sk": keys.LOCK, "executionId": "recovery-x", "callId": "y"}
    world.table.items[keys.plan("c"), keys.LOCK] = somebody

    reported = world.run(slow)

    assert isinstance(reported, PlanBusy)
    assert reported.members == {"executionId": "recovery-x"}


@pytest.mark.parametrize("how", ["retry", "skip"])
def test_a_recovery_that_is_taken_up_again_preempts_too(world: LockWorld, how: str) -> None:
    recovery = failed(world, "a", Mode.RECOVERY)
    drill = running(world, "b")

    after = world.run({"retry": world.retry, "skip": world.skip}[how](recovery))

    assert after.execution_id == recovery
    assert after.preemption.drills == (drill.execution_id,)
    assert [notice.code for notice in after.warnings] == ["PREEMPTED_DRILL"]
    assert stored(world, drill).cancel is not None
    assert holders(world, 1, 2, 3) == [recovery, recovery, drill.execution_id]


def test_a_drill_starts_nothing_where_a_recovery_has_servers_to_be_started(world: LockWorld) -> None:
    drill = started(world, "c")
    recovery = started(world, "d", Mode.RECOVERY)
    assert world.may_start(drill) == {server_id(3)}, "its waves do not run yet"
    world.run(world.fail(recovery.execution_id, in_flight=True, servers=0))
    assert stored(world, recovery).status is ExecutionStatus.IN_PROGRESS
    assert world.may_start(drill) == set()
    assert world.may_start(recovery) == {server_id(1), server_id(4)}, "a recovery leaves nothing to others"
    world.run(world.cancel(recovery.execution_id))
    assert world.may_start(drill) == {server_id(3)}
