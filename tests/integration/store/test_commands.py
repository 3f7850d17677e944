"""Command runs in the table, and the store in memory that stands in for it: both keep the same promises."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.command_machine_world import Manners, World
from tests.support.fake_command_store import FakeStore
from tests.support.stored_executions import ACT, AT, execution

from wavebreak.domain.commands import delivery
from wavebreak.domain.commands.query_merge import QueryAnswer
from wavebreak.domain.commands.runs import CommandRun, CommandTarget, TargetState
from wavebreak.problems import NotFound
from wavebreak.store import keys
from wavebreak.timing import Timing
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.stack import Stack

TARGETS = 5
RESULT = {"success": True, "stdout": "x"}
RUN = CommandRun("cmd-1", execution().execution_id, "status", (), "me", AT, 300, TARGETS)


@dataclass
class Kept:
    """A store with one run of five targets."""

    store: Any

    def target(self, number: int) -> CommandTarget:
        found: CommandTarget = self.store.target("cmd-1", number)
        return found

    def states(self) -> str:
        """Give the first letters of the states of all targets."""
        return "".join(target.state.value[0] for target, _, _ in self.store.targets("cmd-1"))


@pytest.fixture(params=["table", "memory"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        return Kept(FakeStore(World(RUN, [Manners() for _ in range(TARGETS)], Random(1))))  # noqa: S311  a test's dice
    stack: Stack = request.getfixturevalue("stack")
    app = stack.app()
    app.executions.create(execution(), "{}", ACT, {})
    assert app.commands.create(RUN, [CommandTarget(n, f"s-{n}", f"i-{n}") for n in range(1, TARGETS + 1)], ACT)
    return Kept(app.commands)


def late(target: CommandTarget) -> CommandTarget:
    return delivery.postponed(target, AT, Timing(), late=True)


def test_a_target_moves_from_the_state_that_was_read_and_from_no_other(kept: Kept) -> None:
    first = kept.target(1)
    intent = delivery.intended(first, AT, "r1w1")
    assert kept.store.move("cmd-1", first, intent)
    assert kept.target(1) == intent
    assert not kept.store.move("cmd-1", first, delivery.intended(first, AT, "r1w2")), "somebody else was first"
    assert kept.target(1).sender == "r1w1"
    with pytest.raises(NotFound):
        kept.target(TARGETS + 1)


def test_a_target_has_one_result_whoever_comes_second(kept: Kept) -> None:
    first = kept.target(1)
    answer = QueryAnswer(((0.5, "é"), (1.0, "b")), 3, cut=True)
    assert kept.store.end("cmd-1", first, RESULT, answer)
    assert not kept.store.end("cmd-1", first, {**RESULT, "success": False})
    target, succeeded, found = next(iter(kept.store.targets("cmd-1")))
    assert (target.state, succeeded, found) == (TargetState.ENDED, True, answer)
    assert not kept.store.move("cmd-1", first, delivery.intended(first, AT, "r1w1"))


def test_what_got_further_meanwhile_is_not_ended_as_it_was_read(kept: Kept) -> None:
    first = kept.target(1)
    assert kept.store.move("cmd-1", first, delivery.intended(first, AT, "r1w1"))
    assert not kept.store.end("cmd-1", first, RESULT, only_as_read=True)
    assert kept.states() == "SWWWW"
    assert kept.store.end("cmd-1", kept.target(2), RESULT, only_as_read=True)
    assert kept.store.end("cmd-1", first, RESULT), "without that, whoever has the result writes it"
    assert kept.states() == "EEWWW"


def test_postponed_targets_are_found_in_their_order_as_long_as_they_are(kept: Kept) -> None:
    for number in (4, 2, 5):
        assert kept.store.move("cmd-1", kept.target(number), late(kept.target(number)))
    assert [target.number for target in kept.store.late("cmd-1")] == [2, 4, 5]
    again = delivery.intended(kept.target(4), AT, "r1w1")
    assert kept.store.move("cmd-1", kept.target(4), again)
    assert kept.store.end("cmd-1", kept.target(5), RESULT)
    found = kept.store.late("cmd-1")
    assert [target.number for target in found] == [2]
    assert found[0] == kept.target(2)


def test_many_move_at_once_but_for_those_that_somebody_else_has_moved(kept: Kept) -> None:
    moves = [(kept.target(number), late(kept.target(number))) for number in range(1, TARGETS + 1)]
    third = kept.target(3)
    assert kept.store.move("cmd-1", third, delivery.intended(third, AT, "r1w1"))
    kept.store.move_all("cmd-1", moves)
    assert kept.states() == "PPSPP"
    assert [target.number for target in kept.store.late("cmd-1")] == [1, 2, 4, 5]


def test_numbers_are_dealt_once_and_to_the_present_machine_alone(kept: Kept) -> None:
    kept.store.deal("cmd-1", 1, 2)
    assert [kept.store.take("cmd-1", 1) for _ in range(2)] == [3, 4]
    assert kept.store.taken("cmd-1") == 4
    kept.store.deal("cmd-1", 2, 0)
    assert kept.store.take("cmd-1", 1) is None, "a worker of the machine before"
    assert kept.store.take("cmd-1", 2) == 1


def test_results_are_counted_and_a_run_is_changed_from_what_stands(kept: Kept) -> None:
    kept.store.count("cmd-1", succeeded=True)
    kept.store.count("cmd-1", succeeded=False)
    after = kept.store.change("cmd-1", lambda run: replace(run, stopped_by="s-1"), ACT)
    assert (after.stopped_by, after.succeeded, after.failed) == ("s-1", 1, 1)
    assert kept.store.load("cmd-1") == after


def test_more_targets_move_at_once_than_fit_into_a_transaction(stack: Stack) -> None:
    store = stack.app().commands
    stack.app().executions.create(execution(), "{}", ACT, {})
    run = replace(RUN, total=230)
    assert store.create(run, [CommandTarget(n, f"s-{n}", f"i-{n}") for n in range(1, 231)], ACT)
    targets = [target for target, _, _ in store.targets("cmd-1")]
    store.move_all("cmd-1", [(target, late(target)) for target in targets])
    assert [target.number for target in store.late("cmd-1")] == list(range(1, 231))
    assert store.waiting("cmd-1") == 230


def test_a_mark_that_a_crash_or_a_race_left_behind_is_forgotten(stack: Stack) -> None:
    store = stack.app().commands
    stack.app().executions.create(execution(), "{}", ACT, {})
    assert store.create(RUN, [CommandTarget(n, f"s-{n}", f"i-{n}") for n in range(1, 6)], ACT)
    stale = store.target("cmd-1", 1)
    assert store.move("cmd-1", stale, late(stale))
    assert store.end("cmd-1", stale, RESULT), "by somebody who had read it before it was postponed"
    assert store.waiting("cmd-1") == 1
    assert store.late("cmd-1") == []
    assert store.waiting("cmd-1") == 0
    assert store.table.get(keys.command("cmd-1"), keys.late(1)) is None
