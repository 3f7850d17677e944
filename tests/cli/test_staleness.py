"""Nothing on the screen is older than it says (B6): five seconds without an answer are told, and clocks stop."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console
from tests.cli.conftest import START, Clock, Terminal
from tests.cli.fake_api import DRILL, FakeApi, Fault, execution, problem, run_reading, server, wave

from wavebreak_cli.client import waiting
from wavebreak_cli.client.command_runs import RunReading
from wavebreak_cli.client.request import Call
from wavebreak_cli.repeat_loop import LiveList
from wavebreak_cli.views import lists
from wavebreak_cli.views.command_views import Arrivals, RunLive
from wavebreak_cli.views.execution_views import LiveView
from wavebreak_cli.views.live_view import MovingView
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import CommandRun, Execution


@pytest.fixture
def view(clock: Clock) -> LiveView:
    """Give a live view of a drill whose only wave runs, drawn by hand."""
    made = LiveView(Console(width=80, height=24, color_system=None, legacy_windows=False), clock.now)
    made.asking()
    made.show(cast("Execution", execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [server(1, "PENDING")])])))
    return made


@pytest.fixture
def command_view(clock: Clock) -> RunLive:
    """Give a live view of a command that goes on since 12:03:00, drawn by hand."""
    console = Console(width=80, height=24, color_system=None, legacy_windows=False)
    made = RunLive(console, clock.now, Arrivals())
    made.asking()
    made.show(RunReading(cast("CommandRun", run_reading({}, 3)[0])))
    return made


def drawn(view: MovingView) -> str:
    with view.console.capture() as captured:
        view.console.print(view._render())
    return captured.get()


def test_b6_an_answer_that_does_not_come_is_told_after_five_seconds_and_stops_the_clocks(
    view: LiveView, clock: Clock
) -> None:
    clock.at += timedelta(seconds=20)  # between two polls nothing is waited for
    assert "3m 24s" in drawn(view)
    view.asking()
    clock.at += timedelta(seconds=4)
    assert "as of" not in drawn(view)
    clock.at += timedelta(seconds=8)
    picture = drawn(view)
    assert "as of 12:03:04Z, no answer for 12s" in picture
    assert "3m 04s" in picture, "the clock stands at the last reading"
    view.show(cast("Execution", execution("IN_PROGRESS", [])))
    assert "as of" not in drawn(view)


def test_b6_a_lost_connection_says_since_when_the_picture_is_old(view: LiveView, clock: Clock) -> None:
    view.asking()
    clock.at += timedelta(seconds=8)
    assert "as of 12:03:04Z, no answer for 8s" in drawn(view)
    view.trouble("no answer in time", clock.now())
    assert "as of 12:03:04Z, no answer for 8s, retrying: no answer in time" in drawn(view), "it counts on"
    clock.at += timedelta(seconds=40)
    picture = drawn(view)
    assert "as of 12:03:04Z, no answer for 48s, retrying: no answer in time" in picture
    assert "3m 04s" in picture


def test_b6_the_reason_of_a_lost_connection_is_told_without_the_address_that_would_push_it_out(
    api: FakeApi, wavebreak: Terminal
) -> None:
    wavebreak.live = True
    api.readings[DRILL] = [execution("IN_PROGRESS", []), execution("COMPLETED", [])]
    api.faults = [Fault(0)]
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 0
    output = next(line for line in outcome.out.splitlines() if "retrying" in line)
    assert api.url not in output
    assert "disconnected" in output


@pytest.mark.parametrize("arguments", [("plan", "list"), ("show", DRILL), ("run", "web", "--mode", "recovery")])
def test_b6_whoever_waits_for_an_answer_is_told_so(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.1)
    api.delay = 0.15
    api.listed["/plans"] = []
    api.readings[DRILL] = [execution("IN_PROGRESS", [])]
    wavebreak.typed = "no"
    outcome = wavebreak(*arguments)
    assert "no answer for 0.1 s, trying again\n" in outcome.err
    assert "no answer" not in wavebreak(*arguments, "--json").err, "standard error is a document then"


def test_b6_a_call_that_is_not_repeated_is_waited_for(
    api: FakeApi, wavebreak: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.1)
    api.delay = 0.15
    api.answers["POST", f"/executions/{DRILL}/pause"] = (202, execution("PAUSED", []))
    assert "no answer for 0.1 s, still waiting\n" in wavebreak("pause", DRILL).err


def test_b6_it_is_told_after_five_seconds() -> None:
    assert waiting.SILENT_SECONDS == 5


def test_b6_a_list_that_is_shown_again_is_old_after_five_seconds_and_its_clocks_stop(clock: Clock) -> None:
    console = Console(width=80, height=24, color_system=None, legacy_windows=False)
    found = [cast("Execution", execution("IN_PROGRESS", []))]
    made: LiveList[list[Execution]] = LiveList(
        console, clock.now, lambda found, now: lists.executions(Screen(), found, now)
    )
    made.asking()
    made.show(found)
    clock.at += timedelta(seconds=3)
    assert "3m 07s" in drawn(made)
    made.asking()
    clock.at += timedelta(seconds=6)
    picture = drawn(made)
    assert "as of 12:03:04Z, no answer for 6s" in picture
    assert "3m 04s" in picture, "the clock stands at the last reading"


@pytest.mark.parametrize("arguments", [("executions", "-w"), ("instances", "-w")])
def test_b6_a_list_that_is_shown_again_asks_once_before_it_says_that_there_is_no_answer(
    api: FakeApi, wavebreak: Terminal, clock: Clock, arguments: tuple[str, ...]
) -> None:
    api.faults = [Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "not now"))]
    api.listed["/executions"] = []
    clock.interrupt_at = 1
    outcome = wavebreak(*arguments)
    assert outcome.err == "no answer since 12:03:04Z, retrying: not now\n"
    assert len(api.requests) == 1


def test_b6_the_clock_of_a_command_stops_while_there_is_no_answer(command_view: RunLive, clock: Clock) -> None:
    clock.at += timedelta(seconds=20)
    assert "0 of 3 targets  24s" in drawn(command_view)
    command_view.asking()
    clock.at += timedelta(seconds=12)
    picture = drawn(command_view)
    assert "as of 12:03:04Z, no answer for 12s" in picture
    assert "0 of 3 targets  4s" in picture, "the clock stands at the last reading"
    command_view.trouble("no luck", clock.now())
    clock.at += timedelta(seconds=40)
    picture = drawn(command_view)
    assert "as of 12:03:04Z, no answer for 52s, retrying: no luck" in picture
    assert "0 of 3 targets  4s" in picture


def test_b6_reads_are_waited_for_8_seconds_and_calls_as_long_as_the_gateway_does() -> None:
    assert Call("GET", "/executions").seconds == 8
    assert Call("POST", "/drills").seconds > 29


@pytest.mark.parametrize("show", [lambda run: run("show", DRILL), lambda run: run("watch", DRILL)])
def test_b6_what_drs_last_told_is_said_to_be_old(
    api: FakeApi, wavebreak: Terminal, show: Callable[[Terminal], object]
) -> None:
    running = execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [server(1, "IN_PROGRESS")])])
    seen = (START - timedelta(minutes=4)).isoformat()
    wavebreak.live = True
    api.readings[DRILL] = [{**running, "lastSeenAt": seen}, execution("COMPLETED", [], lastSeenAt=None)]
    outcome = show(wavebreak)
    output = str(getattr(outcome, "out", ""))
    assert "DRS last answered at 11:59:04Z, 4m ago" in output
