"""Calls that want the same locks, in any order, each write a place to die at, searched with Hypothesis (A6, B5).

`WAVEBREAK_INTERLEAVINGS` sets how many histories are tried (300 unless set).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.lock_world import PLANS, SECONDS, LockWorld

from wavebreak.domain.executions.model.executions import CancelThen, Execution, Mode
from wavebreak.store import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HISTORIES = int(os.environ.get("WAVEBREAK_INTERLEAVINGS", "300"))
MOST_CALLS = 4

_ON_EXECUTIONS: tuple[Callable[[LockWorld, str], str], ...] = (
    LockWorld.retry,
    LockWorld.retry,
    LockWorld.skip,
    LockWorld.terminate,
    lambda world, name: world.cancel(name, CancelThen.KEEP),
    lambda world, name: world.cancel(name, CancelThen.TERMINATE),
    LockWorld.fail,
    LockWorld.fail,
    LockWorld.finish,
    LockWorld.finish,
    LockWorld.clean_up,
    LockWorld.observe,
    LockWorld.observe,
)


@pytest.fixture(autouse=True, scope="module")
def _locks_one_by_one() -> Iterator[None]:
    """Take and give back one lock a transaction, as large plans do with each hundred."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(locks, "LOCKS_A_TRANSACTION", 1)
        yield


def happen(world: LockWorld, dice: Callable[[int], int]) -> None:
    """Let one thing happen; `dice(n)` gives a number below n."""
    under_way = list(world.stage.calls)
    kind = dice(16)
    if kind < 7 and under_way:
        world.step(under_way[dice(len(under_way))])
    elif kind < 9 and under_way:
        world.run(under_way[dice(len(under_way))])
    elif kind == 9 and under_way:
        world.stage.kill(under_way[dice(len(under_way))])
    elif kind == 10:
        world.pass_time(SECONDS[dice(len(SECONDS))])
    elif len(under_way) < MOST_CALLS:
        somebody_asks(world, dice)
    world.check()


def an_eventful_past(world: LockWorld, dice: Callable[[int], int]) -> None:
    """Have a few executions of plans with the same servers: some have failed and may be taken up again, others run."""
    for name in list(PLANS)[: dice(4)]:
        born = world.run(world.start(name, (Mode.DRILL, Mode.DRILL, Mode.RECOVERY)[dice(3)], preempt=False))
        if isinstance(born, Execution) and dice(2):
            world.run(world.fail(born.execution_id))
            world.run(world.finish(born.execution_id))


def somebody_asks(world: LockWorld, dice: Callable[[int], int]) -> None:
    """Begin a call, or two of the same execution at once: somebody clicks twice, or two people do."""
    known = world.executions()
    if not known or dice(4) == 0:
        mode = (Mode.DRILL, Mode.RECOVERY, Mode.RECOVERY)[dice(3)]
        plan, key = list(PLANS)[dice(len(PLANS))], (None, "one", "two")[dice(3)]
        for _ in range(1 + (key is not None and dice(2))):
            world.start(plan, mode, key=key)
        return
    ended = [each for each in known if each.is_terminal and each.cancel is None]
    chosen = ended if ended and dice(2) else known
    name = chosen[dice(len(chosen))].execution_id
    for _ in range(1 + (chosen is ended)):
        _ON_EXECUTIONS[dice(len(_ON_EXECUTIONS))](world, name)


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whoever_needs_locks_has_them_whatever_comes_between_and_in_the_end_all_are_free(data: st.DataObject) -> None:
    world = LockWorld()

    def dice(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    try:
        an_eventful_past(world, dice)
        for _ in range(data.draw(st.integers(10, 80))):
            happen(world, dice)
        world.come_to_rest()
        world.everything_is_free()
    finally:
        world.stage.clear()
