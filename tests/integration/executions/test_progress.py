"""Phases of servers while they launch: told from job logs that are asked for every 15 s at most (contract 4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, servers_of, wave

from wavebreak.use_cases.evidence.show_progress import ASK_SECONDS

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

Json = dict[str, Any]
LAUNCH_SECONDS = 600
GOOD_FOR = 1
"""Seconds that an answer of DRS is good for: fifteen, under the time scale of these tests."""


def launching(stack: Stack, *numbers: int) -> str:
    document = plan(wave("database", *numbers))
    stack.put_servers(servers_of(document), launchSeconds=LAUNCH_SECONDS)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    return started


def progress(stack: Stack, started: str) -> Json:
    answer = stack.api("GET", f"/executions/{started}/progress")
    assert answer.status == 200, answer
    reported: Json = answer.json
    return reported


def logs_read(stack: Stack) -> int:
    return len(stack.control.calls("DescribeJobLogItems"))


def test_4_progress_tells_the_phase_of_each_server_and_since_when(stack: Stack, clock: JumpingClock) -> None:
    started = launching(stack, 1, 2)
    clock.forward(LAUNCH_SECONDS * 0.4)

    reported = progress(stack, started)

    assert [(one["waveNumber"], one["sourceServerId"]) for one in reported["servers"]] == [
        (1, server(1)),
        (1, server(2)),
    ]
    assert {one["phase"] for one in reported["servers"]} == {"CONVERSION"}
    assert all(reported["asOf"] > one["since"] for one in reported["servers"])
    assert {one["usualSeconds"] for one in reported["servers"]} == {None}

    clock.forward(LAUNCH_SECONDS)
    stack.ended(started)
    over = progress(stack, started)["servers"]
    assert {one["phase"] for one in over} == {None}
    for one in over:
        assert [phase["phase"] for phase in one["phases"]] == ["SNAPSHOT", "CONVERSION", "LAUNCH"]
        assert all(phase["startedAt"] < phase["endedAt"] for phase in one["phases"])


def test_4_fifty_readers_cost_what_one_costs(stack: Stack, clock: JumpingClock) -> None:
    started = launching(stack, 1)
    begun = logs_read(stack)

    for _ in range(4):
        with ThreadPoolExecutor(10) as readers:
            reported = list(readers.map(lambda _: progress(stack, started), range(50)))
        assert {one["phase"] for each in reported for one in each["servers"]} <= {"SNAPSHOT", "CONVERSION", None}
        clock.forward(GOOD_FOR + 0.1)

    # Readers that go on for longer than an answer is good for ask once more.
    assert 4 <= logs_read(stack) - begun <= 4 + 4 * 3


def test_4_while_drs_is_away_progress_tells_what_it_last_knew(stack: Stack, clock: JumpingClock) -> None:
    started = launching(stack, 1)
    clock.forward(LAUNCH_SECONDS * 0.4)
    known = progress(stack, started)
    clock.forward(GOOD_FOR + 0.1)
    stack.control.fault("DescribeJobLogItems", httpStatus=500, count=10)

    reported = progress(stack, started)

    assert reported == known
    assert reported["asOf"]


def test_4_the_usual_time_is_that_of_the_servers_last_drill(stack: Stack, clock: JumpingClock) -> None:
    first = launching(stack, 1)
    clock.forward(LAUNCH_SECONDS + 60)
    stack.ended(first)
    second = launching(stack, 1)
    clock.forward(LAUNCH_SECONDS * 0.4)

    (reported,) = progress(stack, second)["servers"]

    assert reported["phase"] == "CONVERSION"
    assert 0 < reported["usualSeconds"] < LAUNCH_SECONDS


def test_4_fifty_readers_for_a_minute_ask_drs_five_times_at_most(stack: Stack) -> None:
    """Each turn is one DescribeJobLogItems of each job that is in flight."""
    store, begun = stack.app().evidence, stack.clock.now()
    asked = [
        second
        for second in range(0, 61, 5)
        for _ in range(50)
        if store.turn("drill-x", (at := begun + timedelta(seconds=second)), at - timedelta(seconds=ASK_SECONDS)).mine
    ]
    assert asked == [0, 15, 30, 45, 60]
