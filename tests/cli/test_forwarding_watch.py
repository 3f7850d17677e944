"""`wavebreak command watch`: lines of all targets as they come, and Ctrl-C that ends them everywhere."""

import json

import pytest
from tests.cli.conftest import Clock, Terminal, lines
from tests.cli.fake_api import COMMAND, FakeApi, Fault, problem, run_reading
from tests.cli.run_stories import ON_DRILL, started

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked
from wavebreak_cli.views.command_results import watched
from wavebreak_cli.views.terminal import Screen

WATCHED = ExecutionResult.cancelled("s-1")


def _watched(api: FakeApi, *, over: bool = True) -> None:
    asked = Asked("watch")
    started(api, 2, "watch")
    slow = ExecutionResult.timed_out("s-2", 300)
    api.runs = [run_reading({1: WATCHED, 2: slow} if over else {}, 2, asked=asked, over=over)]
    api.lines = [
        [
            {"target": "s-2", "at": "2026-11-21T12:00:00.002Z", "line": "two"},
            {"target": "s-1", "at": "2026-11-21T12:00:00.001Z", "line": "one\nand a half\n"},
        ],
        [],
        [{"target": "s-1", "at": "2026-11-21T12:00:00.003Z", "line": "three"}],
        [],
    ]


def test_s1_14_a_watch_shows_lines_behind_their_targets_until_the_run_ends(api: FakeApi, wavebreak: Terminal) -> None:
    _watched(api)
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 1
    assert lines(outcome.out)[:9] == [
        f"12:03:04Z run {COMMAND} watch on 2 targets IN_PROGRESS",
        "[s-1] one",
        "[s-1] and a half",
        "[s-2] two",
        "[s-1] three",
        f"12:03:05Z run {COMMAND} COMPLETE_FAILURE",
        "",
        "✗ s-2",
        "  Error: Command timed out after 300 seconds",
    ]
    assert "✗ s-1" not in outcome.out
    assert "Failed repositories:\n  • s-1\n  • s-2\n" in outcome.out


@pytest.mark.parametrize(
    ("target", "line", "shown"),
    [
        ("s-1", "one\ntwo\n", ["[s-1] one", "[s-1] two"]),
        ("s-1", "one\n\ntwo", ["[s-1] one", "[s-1] ", "[s-1] two"]),
        ("s-1", "\n", ["[s-1] "]),
        ("s\n1", "a\r[s-2] b\x1b[1A", ["[s 1] a\\r[s-2] b\\x1b[1A"]),
    ],
)
def test_s1_14_every_watched_line_is_prefixed(target: str, line: str, shown: list[str]) -> None:
    assert watched(Screen(), {"target": target, "line": line}).plain.split("\n") == shown


def test_watched_lines_in_json_are_objects_before_the_run(api: FakeApi, wavebreak: Terminal) -> None:
    _watched(api)
    output = [json.loads(line) for line in wavebreak("command", "watch", *ON_DRILL, "--json").out.splitlines()]
    assert [line["line"] for line in output[:-1]] == ["one\nand a half\n", "two", "three"]
    assert (output[-1]["status"], len(output[-1]["results"])) == ("COMPLETE_FAILURE", 2)


def test_a_quiet_watch_is_still_polled_every_second(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    _watched(api)
    api.lines = [[]] * 100
    wavebreak("command", "watch", *ON_DRILL)
    assert set(clock.slept) == {1.0}


def test_s1_14_ctrl_c_cancels_a_watch_and_shows_its_end(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    _watched(api)
    cancel = ("POST", f"/commands/{COMMAND}/cancel")
    api.answers[cancel] = (202, run_reading({}, 2, asked=Asked("watch"), status="CANCELLING")[0])
    clock.interrupt_at = 1
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 130
    assert cancel in [(request.method, request.path) for request in api.requests]
    assert outcome.err == f"cancelling {COMMAND} on all targets …\n"
    assert "[s-1] three" in outcome.out
    assert outcome.out.endswith(f"Status: COMPLETE FAILURE\n{'=' * 60}\n")
    assert sum(clock.slept) < 5


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        (Fault(409, problem(409, "INVALID_STATE", "Not possible in this state", "it has ended")), None),
        (
            Fault(403, problem(403, "FORBIDDEN", "Forbidden", "not yours")),
            "could not be cancelled and goes on: not yours",
        ),
        (
            Fault(500, problem(500, "INTERNAL", "Internal error", "broken")),
            "could not be cancelled and goes on: broken",
        ),
    ],
)
def test_a_watch_that_cannot_be_cancelled_says_so(
    api: FakeApi, wavebreak: Terminal, clock: Clock, fault: Fault, output: str | None
) -> None:
    _watched(api)
    clock.interrupt_at = 1
    assert isinstance(fault.body, dict)
    api.answers["POST", f"/commands/{COMMAND}/cancel"] = (fault.status, fault.body)
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 130
    assert (output in outcome.err) if output else ("EXECUTION SUMMARY" in outcome.out)
    assert (f"wavebreak command --cancel {COMMAND}" in outcome.err) == bool(output)


def test_a_cancelled_watch_that_does_not_end_in_time_is_left(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    _watched(api, over=False)
    api.answers["POST", f"/commands/{COMMAND}/cancel"] = (202, {})
    clock.interrupt_at = 1
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 130
    assert f"It has not ended yet. To see its end: wavebreak command --follow {COMMAND}." in outcome.err
    assert 10 <= sum(clock.slept) - clock.slept[0] <= 11


def test_a_watch_of_somebody_else_is_left_going_on(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    _watched(api, over=False)
    clock.interrupt_at = 1
    outcome = wavebreak("command", "--follow", COMMAND)
    assert outcome.exit_code == 130
    assert "The command goes on." in outcome.err
    assert {request.method for request in api.requests} == {"GET"}
