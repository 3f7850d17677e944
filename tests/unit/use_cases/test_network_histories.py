"""Random histories of drills with networks and recoveries, each write and call a place to die at (contract 13).

`WAVEBREAK_NETWORK_HISTORIES` sets how many are tried (40 unless set; 200 is what the contract is judged by).
"""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.execution_builders import server_id
from tests.support.lock_world import SECONDS
from tests.support.mannered_drs import LATE
from tests.support.network_world import DRILL_SUBNET, PLANS, NetworkWorld, in_one_thread

from drs_simulator.manners import Manners
from wavebreak.domain.executions.model.executions import CancelThen, Mode
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import TerminationStatus, WaveStatus
from wavebreak.observability.metrics import Metric
from wavebreak.use_cases.networks import put_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HISTORIES = int(os.environ.get("WAVEBREAK_NETWORK_HISTORIES", "40"))
MOST_CALLS = 4


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with in_one_thread():
        yield


def late(seed: int) -> Manners:
    """Have looks at DRS be up to ten seconds old."""
    return Manners(seed=seed, delay_seconds=LATE.total_seconds())


def happen(world: NetworkWorld, dice: Callable[[int], int], *, others: bool = True) -> None:
    """Let one thing happen; `dice(n)` gives a number below n. `others` may change templates, too."""
    under_way = list(world.stage.calls)
    kind = dice(24)
    if kind == 15 and not others:
        return
    if kind < 8 and under_way:
        world.step(under_way[dice(len(under_way))])
    elif kind < 13 and under_way:
        world.run(under_way[dice(len(under_way))])
    elif kind == 13 and under_way:
        world.stage.kill(under_way[dice(len(under_way))])
    elif kind < 20:
        around(world, kind, dice)
    elif len(under_way) < MOST_CALLS:
        somebody_asks(world, dice)
    world.check_landings()


def around(world: NetworkWorld, kind: int, dice: Callable[[int], int]) -> None:
    """Let something happen that no call of ours does."""
    if kind == 15:
        world.somebody_chooses(1 + dice(3), own_subnet=bool(dice(2)))
    elif kind == 16:
        world.ec2_fails = ("", "", "before", "after")[dice(4)]
    elif kind == 17:
        world.drs_fails = ("", "", "refuses", "is silent")[dice(4)]
    elif jobs := [each for each in world.drs_here.started if each.phase < 3 and kind != 14]:
        world.drs_here.go_on(jobs[dice(len(jobs))])
    else:
        world.pass_time(SECONDS[dice(len(SECONDS))] if dice(8) else 1300)


def somebody_asks(world: NetworkWorld, dice: Callable[[int], int]) -> None:
    """Begin a call: a start, a look of a machine, a sweep, a cancel, with or without a termination, or a retry."""
    known = world.executions()
    running = [each.execution_id for each in known if not each.is_terminal]
    kind = dice(14)
    if not known or kind < 2:
        world.start(list(PLANS)[dice(len(PLANS))], (Mode.DRILL, Mode.RECOVERY)[dice(3) == 0])
    elif kind < 8 and running:
        world.observe(running[dice(len(running))])
    elif kind == 8:
        world.sweep()
    elif kind == 9 and running:
        world.cancel(running[dice(len(running))], CancelThen.TERMINATE if dice(3) else CancelThen.KEEP)
    elif kind == 10:
        world.retry(known[dice(len(known))].execution_id)
    elif kind > 11 and (ending := world.ending()):
        world.end(ending[dice(len(ending))].execution_id)
    elif running:
        world.launch(running[dice(len(running))], 1)


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_13_no_template_stays_changed_no_recovery_lands_in_the_drills_network_and_nobodys_change_is_lost(
    data: st.DataObject,
) -> None:
    world = NetworkWorld(manners=late(data.draw(st.integers(0, 10**6))))

    def dice(below: int) -> int:
        return data.draw(st.integers(0, below - 1))

    try:
        if dice(2):
            world.run(world.start("c", Mode.DRILL))
        for _ in range(data.draw(st.integers(20, 120))):
            happen(world, dice)
        world.come_to_rest()
    finally:
        world.stage.clear()


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_13_the_same_while_every_other_read_of_ec2_is_late_and_nobody_else_changes_anything(
    data: st.DataObject,
) -> None:
    world = NetworkWorld(manners=late(data.draw(st.integers(0, 10**6))))
    dice = Random(data.draw(st.integers(0, 10**9)))  # noqa: S311  a test's dice

    def throw(below: int) -> int:
        return dice.randrange(below)

    world.ec2.reads_late = lambda: bool(throw(2))
    try:
        world.run(world.start("c", Mode.DRILL))
        for _ in range(100):
            happen(world, throw, others=False)
        world.come_to_rest()
    finally:
        world.stage.clear()


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_13_the_same_while_reads_of_ec2_are_late_and_others_change_templates(seed: int) -> None:
    world = NetworkWorld()
    dice = Random(seed)  # noqa: S311  a test's dice
    world.ec2.reads_late = lambda: not dice.randrange(6)
    try:
        world.run(world.start("c", Mode.DRILL))
        for _ in range(100):
            happen(world, dice.randrange)
        world.come_to_rest()
    finally:
        world.stage.clear()


def test_13_a_drill_in_peace_takes_four_calls_a_server_and_leaves_nothing() -> None:
    world = NetworkWorld()
    try:
        world.run(world.start("c", Mode.DRILL))
        world.come_to_rest()
        assert [landing.drill for landing in world.drs_here.landings] == [True] * 3
        changes = {name: count for name, count in world.ec2.calls.items() if not name.startswith("Describe")}
        assert changes == {
            "CreateLaunchTemplateVersion": 3,
            "ModifyLaunchTemplate": 6,
            "DeleteLaunchTemplateVersions": 3,
        }
    finally:
        world.stage.clear()


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_13_a_drill_that_is_cancelled_and_terminated_leaves_neither_a_changed_template_nor_an_instance(
    phase: int,
) -> None:
    """However far DRS is with its job: what it launches late is ended, too, by what the drill's template says."""
    world = NetworkWorld()
    try:
        world.run(world.start("c", Mode.DRILL))
        [drill] = world.executions()
        world.begin_launch(drill.execution_id)
        for _ in range(phase):
            world.drs_here.go_on(world.drs_here.started[0])
        world.run(world.cancel(drill.execution_id, CancelThen.TERMINATE))
        world.come_to_rest()
        [ended] = world.executions()
        assert ended.termination.status is TerminationStatus.COMPLETED
        assert [landing.subnets for landing in world.drs_here.landings] == [{DRILL_SUBNET}] * 3
        assert (len(world.drs_here.endings), world.drs_here.living()) == (1, {})
    finally:
        world.stage.clear()


def test_13_a_round_lists_the_templates_of_a_site_once_however_many_it_puts_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(put_back, "_CHUNK", 1)
    world = NetworkWorld()
    try:
        world.run(world.start("c", Mode.DRILL))
        [drill] = world.executions()
        world.begin_launch(drill.execution_id)
        for _ in range(3):
            world.drs_here.go_on(world.drs_here.started[0])
        before = world.ec2.calls["DescribeLaunchTemplateVersions"]
        world.run(world.observe(drill.execution_id))
        assert not [key for key in world.table.items if key[1] == "TEMPLATE"]
        assert world.ec2.calls["DescribeLaunchTemplateVersions"] == before + 1
        world.come_to_rest()
    finally:
        world.stage.clear()


def test_13_a_drill_that_was_overtaken_before_it_wrote_its_change_down_changes_nothing() -> None:
    """The recovery looks for changes and finds none; the drill writes its own after that, and then sees the lock."""
    world = NetworkWorld()
    try:
        world.run(world.start("c", Mode.DRILL))
        [drill] = world.executions()
        world.run(world.observe(drill.execution_id))
        launch = f"{len(world.outcomes) + 1} launch {drill.execution_id}"
        while world.stage.step(launch).at != "DescribeLaunchTemplateVersions":
            pass
        recovery = world.run(world.start("c", Mode.RECOVERY)).execution_id
        world.run(world.observe(recovery))
        world.run(next(name for name in world.stage.calls if name != launch))
        assert [job.drill for job in world.drs_here.started] == [False]
        world.run(launch)
        world.drs_here.go_on(world.drs_here.started[0])
        world.check_landings()
        assert world.ec2.calls["CreateLaunchTemplateVersion"] == 0
        world.come_to_rest()
    finally:
        world.stage.clear()


@pytest.mark.parametrize("after", [False, True])
def test_13_a_launch_that_dies_at_any_write_or_call_leaves_nothing_that_is_not_put_back(after: bool) -> None:
    for death in range(200):
        world = NetworkWorld()
        try:
            world.run(world.start("a", Mode.DRILL))
            [drill] = world.executions()
            world.run(world.observe(drill.execution_id))
            [launch] = world.stage.calls
            over = False
            for _ in range(death):
                over = over or world.stage.step(launch).over
            if over:
                break
            world.stage.kill(launch)
            if after:
                world.run(world.start("c", Mode.RECOVERY))
            world.come_to_rest()
            assert len(world.drs_here.landings) >= 2
        finally:
            world.stage.clear()
    assert 20 < death < 199


def test_13_an_alarm_counts_what_is_still_changed_ten_minutes_after_the_last_job() -> None:
    world = NetworkWorld()
    try:
        world.run(world.start("a", Mode.DRILL))
        [drill] = world.executions()
        world.begin_launch(drill.execution_id)
        world.ec2_fails = "before"
        for _ in range(3):
            world.drs_here.go_on(world.drs_here.started[0])
            world.run(world.sweep())
            assert world.app.meter.last(Metric.TEMPLATES_LEFT_CHANGED) == 0
            world.run(world.observe(drill.execution_id))
        for minutes, left in ((0, 0), (9, 0), (2, 2)):
            world.pass_time(60 * minutes)
            world.run(world.sweep())
            assert world.app.meter.last(Metric.TEMPLATES_LEFT_CHANGED) == left
        world.come_to_rest()
        world.run(world.sweep())
        assert world.app.meter.last(Metric.TEMPLATES_LEFT_CHANGED) == 0
    finally:
        world.stage.clear()


def test_13_a_server_whose_template_is_not_put_back_waits_alone_in_ec2s_words_until_the_waves_deadline() -> None:
    world = NetworkWorld()
    try:
        world.run(world.start("c", Mode.DRILL))
        [drill] = world.executions()
        world.begin_launch(drill.execution_id)
        world.ec2.refused.add("lt-2")
        for _ in range(3):
            world.drs_here.go_on(world.drs_here.started[0])
        recovery = world.run(world.start("c", Mode.RECOVERY)).execution_id
        waits: list[str | None] = []
        while not (present := world.app.executions.load(recovery).execution).wave(1).has_ended:
            world.run(world.observe(recovery))
            while world.stage.calls:
                world.run(next(iter(world.stage.calls)))
            for job in world.drs_here.started:
                if job.phase < 3:
                    world.drs_here.go_on(job)
            world.check_landings()
            waits.append(world.app.executions.load(recovery).execution.wave(1).servers[1].error)
            world.pass_time(25)
        assert [job.servers for job in world.drs_here.started[1:]] == [(server_id(1), server_id(3))]
        # The drill's machine is dead: its job may be too young to show for half a minute, and then counts no more.
        assert {"UnauthorizedOperation: lt-2" in str(words) for words in waits[2:-1]} == {True}
        assert present.wave(1).status is WaveStatus.FAILED
        assert [each.launch_status for each in present.wave(1).servers] == [
            LaunchStatus.LAUNCHED,
            LaunchStatus.FAILED,
            LaunchStatus.LAUNCHED,
        ]
        assert len(waits) * 25 > 20 * 60
        world.ec2.refused.clear()
        world.come_to_rest()
    finally:
        world.stage.clear()
