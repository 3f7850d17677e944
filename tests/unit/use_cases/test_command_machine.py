"""The workers of a command run, searched: whatever some targets do, the others are not held up, and nothing runs twice.

`WAVEBREAK_COMMAND_RUNS` sets how many runs are tried (40 unless set).
"""

from __future__ import annotations

import math
import os
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command_machine_world import FakeSsm, Manners, World, cancelled
from tests.support.execution_builders import NOW
from tests.support.process_death import Killed

from wavebreak.domain.commands.delivery import SENDER_SECONDS, SETTLE
from wavebreak.domain.commands.runs import CommandRun
from wavebreak.site import Site

RUNS = int(os.environ.get("WAVEBREAK_COMMAND_RUNS", "40"))
PATIENCE = 600
searched = settings(
    max_examples=RUNS, deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def run_of(total: int, command: str = "status", **fields: Any) -> CommandRun:
    known = {"wave": 1, "patience_seconds": PATIENCE, **fields}
    return CommandRun("cmd-1", "drill-1", command, (), "me", NOW, 300, total, **known)


healthy = st.builds(Manners, seconds=st.sampled_from([0.5, 2, 30, 90]), exit_code=st.sampled_from([0, 0, 3]))
troubled = st.one_of(
    st.builds(Manners, agent_from=st.sampled_from([5, 61, 300, 590, 2000, math.inf])),
    st.builds(Manners, flaps=st.integers(1, 4)),
    st.builds(Manners, flaps=st.just(10**6)),
    st.builds(Manners, undelivered=st.integers(1, 3)),
    st.builds(Manners, undelivered=st.just(10**6)),
    st.builds(Manners, throttles=st.integers(1, 20)),
    st.builds(Manners, refusal=st.sampled_from(["InvalidDocument", "UnsupportedPlatformType", "AccessDenied"])),
    st.builds(
        Manners,
        lost=st.integers(1, 2),
        lost_arrives=st.booleans(),
        listed_after=st.sampled_from([0, 4, 12]),
        seconds=st.sampled_from([1, 40]),
    ),
)


def check(world: World) -> None:
    """Hold what is true of every run, however it went."""
    run, results = world.run, world.results
    assert sorted(results) == list(range(1, run.total + 1)), "exactly one result for every target"
    assert (run.succeeded, run.failed) == (
        sum(result["success"] for result, _ in results.values()),
        sum(not result["success"] for result, _ in results.values()),
    )
    assert world.most_in_flight() <= (1 if run.command == "start" else 10)
    for number in results:
        assert len(world.ran(number)) <= 1, f"target {number} carried the command out twice"
        assert not results[number][0]["success"] or world.ran(number)
    comments = [one.comment for one in world.sent]
    assert len(set(comments)) == len(comments)


@searched
@given(
    st.lists(st.one_of(healthy, healthy, troubled), min_size=1, max_size=45),
    st.sampled_from(["status", "status", "start"]),
    st.sampled_from([None, None, 3, 20]),
    st.integers(0, 10**9),
)
def test_the_trouble_of_some_targets_stays_their_own(
    manners: list[Manners], command: str, budget: int | None, seed: int
) -> None:
    kinds = [(one.is_healthy, one.agent_from, one.flaps, one.undelivered, one.refusal, one.lost) for one in manners]
    codes = [one.exit_code for one in manners]
    well = [number for number, one in enumerate(manners, start=1) if one.is_healthy]
    width = 1 if command == "start" else 10
    work = sum(one.seconds + 5 for one in manners if one.is_healthy)
    tried = len(manners) - len(well)
    world = World(run_of(len(manners), command), manners, Random(seed), budget=budget)  # noqa: S311  a test's dice

    world.drive()

    check(world)
    for number in well:
        result = world.results[number][0]
        assert (result["success"], result["exitCode"]) == (codes[number - 1] == 0, codes[number - 1])
        assert len(world.ran(number)) == 1
    # Of those in trouble, each takes a turn as long as a lost answer is looked for, or a throttle is waited out.
    longest = work / width + 100 + (tried / width + 1) * (2 * (SETTLE.total_seconds() + 40) + 30)
    assert max((world.ended_at[number] for number in well), default=0) <= longest
    if command == "start":
        begun = [world.ran(number)[0].at for number in well]
        assert begun == sorted(begun), "in the order given"
    for number, (_, agent_from, flaps, undelivered, refusal, lost) in enumerate(kinds, start=1):
        result = world.results[number][0]
        if refusal:
            assert refusal in result["stderr"]
        elif agent_from == math.inf or flaps > 4 or undelivered > 3:
            assert result["failureKind"] == "unreachable"
            assert world.ended_at[number] >= PATIENCE
        elif agent_from < PATIENCE - 5 and not lost:
            assert result["failureKind"] in {None, "exit"}, (number, result)
        if refusal is None and lost:
            assert len(world.ran(number)) == 1, "looked for long enough, and then sent again if it was not made"
    assert world.calls <= len(manners) + tried * 25, "nobody is asked again and again"


@searched
@given(
    st.lists(st.one_of(healthy, troubled), min_size=1, max_size=25),
    st.sampled_from(["status", "start"]),
    st.sampled_from([None, 3]),
    st.sampled_from([0.002, 0.02]),
    st.integers(0, 10**9),
)
def test_tasks_that_die_anywhere_send_nothing_twice_and_leave_exactly_one_result(
    manners: list[Manners], command: str, budget: int | None, death: float, seed: int
) -> None:
    world = World(run_of(len(manners), command), manners, Random(seed), death=death, budget=budget)  # noqa: S311  likewise
    world.drive()
    check(world)


@searched
@given(
    st.lists(st.one_of(healthy, troubled), min_size=1, max_size=25),
    st.sampled_from(["status", "start"]),
    st.floats(0, 40),
    st.integers(0, 10**9),
)
def test_a_cancel_at_any_moment_ends_the_run_soon_and_sends_nothing_more(
    manners: list[Manners], command: str, after: float, seed: int
) -> None:
    world = World(run_of(len(manners), command), manners, Random(seed))  # noqa: S311  likewise

    def cancel() -> None:
        world.time.sleep(after)
        world.run = cancelled(world.run)

    world.drive(cancel)

    check(world)
    assert not [one for one in world.sent if one.at > after + 2], "what was about to be sent may still be"
    if not any(one.lost or one.throttles for one in manners):
        assert max(world.ended_at.values()) <= after + 15 + 3 * len(manners) * 0.1


@searched
@given(
    st.lists(st.tuples(healthy, st.integers(0, 2)), min_size=3, max_size=40),
    st.sampled_from([20, 700]),
    st.booleans(),
    st.integers(0, 10**9),
)
def test_a_place_that_is_silent_holds_up_no_other(
    targets: list[tuple[Manners, int]], until: float, planned: bool, seed: int
) -> None:
    regions = [Site(), Site(None, "eu-west-1"), Site("222222222222", "us-west-2")]
    sites = [regions[at] for _, at in targets]
    manners = [one for one, _ in targets]
    run = run_of(len(manners), wave=1 if planned else None, patience_seconds=PATIENCE if planned else 120)
    world = World(run, manners, Random(seed), sites=sites, silent={regions[1]: until})  # noqa: S311  likewise

    world.drive()

    check(world)
    others = [number for number, site in enumerate(sites, start=1) if site != regions[1]]
    work = sum(manners[number - 1].seconds + 5 for number in others)
    assert max((world.ended_at[number] for number in others), default=0) <= work / 10 + 110
    assert {len(world.ran(number)) for number in others} <= {1}
    silent = [number for number, site in enumerate(sites, start=1) if site == regions[1]]
    reached = planned or until < 120
    assert {len(world.ran(number)) for number in silent} <= {1 if reached else 0}
    reported = {world.results[number][0]["failureKind"] for number in silent}
    assert reported <= ({None, "exit"} if reached else {"exception"}), "who is silent is SSM, not the agent"


def test_all_five_hundred_less_k_are_reached_though_k_never_answer() -> None:
    for k in (0, 250, 499):
        manners = [Manners(agent_from=math.inf) for _ in range(k)] + [Manners() for _ in range(500 - k)]
        Random(k).shuffle(manners)  # noqa: S311  likewise
        well = [number for number, one in enumerate(manners, start=1) if one.is_healthy]
        world = World(run_of(500), manners, Random(k))  # noqa: S311  likewise
        world.drive()
        check(world)
        assert all(world.results[number][0]["success"] for number in well)
        assert max((world.ended_at[number] for number in well), default=0) < 200
        assert world.calls == 500 - k, "who cannot be reached is not sent to"


@pytest.mark.parametrize("planned", [True, False])
def test_targets_that_ssm_throttles_for_long_give_their_turns_to_others(planned: bool) -> None:
    manners = [Manners(throttles=500) for _ in range(20)] + [Manners() for _ in range(10)]
    run = run_of(30, wave=1 if planned else None, patience_seconds=PATIENCE if planned else 120)
    world = World(run, manners, Random(5))  # noqa: S311  likewise
    world.drive()
    check(world)
    assert max(world.ended_at[number] for number in range(21, 31)) < 60
    assert all(world.results[number][0]["success"] for number in range(21, 31))
    reported = {world.results[number][0]["stderr"] for number in range(1, 21)}
    assert reported == (
        {""} if planned else {"Unexpected error: SSM refused the command: ThrottlingException: not now"}
    )


@pytest.mark.parametrize("stop", [1, 4])
def test_s0_14_an_early_stop_leaves_out_whoever_has_not_run(stop: int) -> None:
    manners = [Manners() for _ in range(6)]
    manners[1] = Manners(agent_from=50)
    manners[stop - 1] = Manners(exit_code=3)
    world = World(run_of(6, "start", stop_on_failure=True), manners, Random(1))  # noqa: S311  likewise
    world.drive()
    check(world)
    kinds = [world.results[number][0]["failureKind"] for number in range(1, 7)]
    before = [number for number in range(1, stop) if number != 2]
    assert kinds[stop - 1] == "exit"
    assert all(kinds[number - 1] is None for number in before)
    assert kinds.count("cancelled") == 6 - len(before) - 1
    assert world.results[2][0]["stderr"] == f"Not run: s-{stop} failed before"


def test_b1_a_sender_that_died_is_waited_for_as_long_as_it_could_still_send(monkeypatch: pytest.MonkeyPatch) -> None:
    manners = [Manners()]
    world = World(run_of(1), manners, Random(3))  # noqa: S311  likewise
    send = FakeSsm.send
    died: list[bool] = []

    def dies(*arguments: Any) -> str:
        if not died:
            died.append(True)
            raise Killed
        return send(*arguments)

    monkeypatch.setattr(FakeSsm, "send", dies)
    world.drive()
    check(world)
    assert world.sent[0].at > SENDER_SECONDS
