"""Cards and live views within a terminal, whatever they have to show."""

import io
from typing import cast

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.cli.fake_api import DRILL, RECOVERY, execution, server, wave, wave_command
from tests.cli.rendered import NOW, card, live, show, three_waves

from wavebreak.execution_utils import ExecutionStatus
from wavebreak_cli.client.answers import Execution
from wavebreak_cli.views import execution_card, lists, live_execution, servers_list
from wavebreak_cli.views.terminal import Screen, harmless

HOSTILE = "[red]x[/red]\x1b[2J\x1b]0;title\x07\u202etxt\r\nnext"


HARMLESS = "[red]x[/red]\\x1b[2J\\x1b]0;title\\x07\\u202etxt  next"


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_every_status_is_shown_within_the_terminal(status: str, width: int) -> None:
    shown = three_waves(status, executionId=RECOVERY, mode="RECOVERY", reason="the quarterly exercise " * 5)
    shown["waves"][1]["error"] = "a message that is far too long for any line of a terminal " * 3
    for text in (
        card(shown, width, bar=True),
        live(shown, width, trouble="connection lost, retrying for 3s: no answer"),
    ):
        assert shown["display"]["label"] in text
        assert shown["display"]["icon"] in text
        assert all(cell_len(line) <= width for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 140])
def test_b11_the_error_of_a_wave_is_told_once(width: int) -> None:
    shown = cast("Execution", execution("IN_PROGRESS", [wave(1, "web", "FAILED", [], error="timed out")]))
    assert live(shown, width).count("timed out") == 1


def test_colours_are_those_the_api_names() -> None:
    orange = show(execution_card.card(Screen(80), three_waves("PARTIAL_SUCCESS"), NOW), 80, colour=True)
    assert "\x1b[1;38;5;208mPARTIAL SUCCESS (1 of 3 waves completed) ⚠️" in orange
    unknown = cast(
        "Execution", {**three_waves("FAILED"), "display": {"label": "ODD", "color": "octarine", "icon": "?"}}
    )
    assert "ODD ?" in card(unknown)


def test_more_waves_than_the_terminal_is_high_are_left_out_and_counted() -> None:
    done = [wave(number, f"done{number}", "COMPLETED", [server(number)]) for number in range(1, 41)]
    running = [wave(41, "running", "IN_PROGRESS", [server(41, "PENDING")])]
    later = [wave(number, f"later{number}", "NOT_STARTED", [server(number, "PENDING")]) for number in range(42, 81)]
    text = live(cast("Execution", execution("IN_PROGRESS", done + running + later)), 80, height=24)
    assert len(text.splitlines()) <= 24
    assert "running" in text
    assert "more waves" in text
    assert "done1 " not in text


def _large_drill(running: int) -> Execution:
    """Make a drill of 40 waves and 600 servers whose waves up to the running ones ended, each with a failure."""
    bad = {"error": "no capacity in this availability zone", "impact": "OPTIONAL"}
    waves = []
    for number in range(1, 41):
        first = number * 1000
        if number < 10:
            servers = [server(first, "FAILED", **bad), *(server(first + n) for n in range(1, 15))]
            waves.append(wave(number, f"wave-{number}", "COMPLETED", servers))
        elif number < 10 + running:
            servers = [server(first + n, ["IN_PROGRESS", "LAUNCHED", "PENDING"][n % 3]) for n in range(15)]
            waves.append(wave(number, f"wave-{number}", "IN_PROGRESS", servers, error="late " * 50))
        else:
            waves.append(
                wave(number, f"wave-{number}", "NOT_STARTED", [server(first + n, "PENDING") for n in range(15)])
            )
    waves[39]["status"] = "AWAITING_APPROVAL"
    return cast("Execution", execution("IN_PROGRESS", waves, planName="3TierRecoveryPlan " * 10))


@pytest.mark.parametrize("running", [0, 1, 3, 30])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 30), (120, 30), (200, 60), (60, 24)])
def test_a_large_drill_fits_the_terminal_and_never_hides_what_can_be_done(
    width: int, height: int, running: int
) -> None:
    text = live(_large_drill(running), width, height=height, trouble="connection lost, retrying for 3s: no answer")
    rows = text.splitlines()
    assert len(rows) <= height
    assert all(cell_len(row) <= width for row in rows)
    assert DRILL in rows[0]
    assert "connection lost" in rows[2]
    assert "of 600 servers launched · 9 failed" in text
    assert f"  wavebreak approve {DRILL} 40" in text
    assert f"  wavebreak cancel {DRILL}" in text
    assert "more waves" in text
    assert "more, see them with --servers" in text


@pytest.mark.parametrize("width", [50, 80, 120])
def test_long_and_wide_names_give_way_and_nothing_else_does(width: int) -> None:
    waves = [wave(7, "データベース層" * 9, "IN_PROGRESS", [server(1)], error="遅い" * 90)]
    text = live(cast("Execution", execution("IN_PROGRESS", waves, planName="復旧計画" * 30)), width)
    assert all(cell_len(row) <= width for row in text.splitlines())
    (row,) = [row for row in text.splitlines() if row.startswith("┃ 7  ") and "⟳ In Progress" in row]
    assert "1/1" in row
    assert "…" in row


def test_servers_of_running_waves_share_the_lines_that_are_left_and_the_ones_in_flight_are_shown() -> None:
    text = live(_large_drill(2), 80, height=40)
    rows = [row.split() for row in text.splitlines()]
    shown = [row[1:] for row in rows if row[1:] and row[1].startswith("s-0000000000001")]
    assert shown[0] == ["s-00000000000010000", "⟳", "Launching"]
    assert [row[0] for row in shown].index("s-00000000000011000") >= 2
    assert [row[1:] for row in rows if row[1:2] == ["…"]][:2] == [["…", "13", "more"], ["…", "12", "more"]]


def test_servers_of_a_running_wave_are_all_shown_where_there_is_room() -> None:
    launches = ["IN_PROGRESS", "LAUNCHED", "FAILED", "PENDING", "TERMINATED", "ODD"]
    servers = [server(number, word) for number, word in enumerate(launches)]
    waves = [wave(1, "db", "IN_PROGRESS", servers), wave(2, "web", "NOT_STARTED", [server(9, "PENDING")])]
    text = live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
    table, _, _ = text.partition("Failed servers")
    assert [" ".join(row.split()[1:]) for row in table.splitlines() if "s-0" in row] == [
        "s-00000000000000000 ⟳ Launching",
        "s-00000000000000001 ✓ Launched",
        "s-00000000000000002 ✗ Failed",
        "s-00000000000000003 ○ Pending",
        "s-00000000000000004 ⊘ Terminated",
        "s-00000000000000005 ODD",
    ]


def test_many_failed_servers_are_counted_not_listed() -> None:
    broken = [server(number, "FAILED", error="no capacity") for number in range(30)]
    text = card(cast("Execution", execution("FAILED", [wave(1, "web", "FAILED", broken)])))
    assert text.count("no capacity") == 8
    assert "… 22 more, see them with --servers" in text


def test_warnings_stand_before_the_errors_and_many_are_counted() -> None:
    warnings = [
        {"code": "REPLACES_RUNNING", "message": "Replaces 1 running instance(s)", "waveNumber": 2},
        {"code": "OLDER_SNAPSHOT", "message": "from an older point", "waveNumber": 1, "sourceServerId": "s-1"},
        {"code": "PREEMPTED_DRILL", "message": "took over from drill-x"},
    ]
    text = card(three_waves("PARTIAL_SUCCESS", warnings=warnings))
    assert (
        """\
Warnings
  ! wave 2   Replaces 1 running instance(s)
  ! s-1      from an older point
  ! the run  took over from drill-x

Failed servers
"""
        in text
    )
    assert "… 4 more, see them with --json" in card(three_waves("COMPLETED", warnings=warnings * 4))


def test_hostile_text_is_shown_and_never_obeyed() -> None:
    bad = [server(1, "FAILED", error=HOSTILE, sourceServerId=HOSTILE)]
    ran = [{**wave_command(HOSTILE, "PARTIAL", HOSTILE), "commandId": HOSTILE}]
    failed = wave(1, HOSTILE, "FAILED", bad, error=HOSTILE, steps=ran)
    warned = [{"code": HOSTILE, "message": HOSTILE, "sourceServerId": HOSTILE}]
    shown = execution("FAILED", [failed], planName=HOSTILE, reason=HOSTILE, warnings=warned)
    shown["display"] = {"label": HOSTILE, "color": HOSTILE, "icon": "\x1b[31m"}
    for width in (80, 250):
        screen = Screen(width)
        for content in (
            execution_card.card(screen, cast("Execution", shown), NOW, bar=True),
            live_execution.live(screen, cast("Execution", shown), NOW, height=60, trouble=HOSTILE),
            servers_list.servers(screen, cast("Execution", shown), NOW),
            lists.executions(screen, [cast("Execution", shown)], NOW),
        ):
            text = show(content, width)
            assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert f"Recovery Plan: {HARMLESS}" in card(cast("Execution", shown), 250)


def test_endless_text_keeps_its_head_and_tail() -> None:
    text = harmless("a" * 10**6 + "z")
    assert len(text) < 2100
    assert text.startswith("aaa")
    assert text.endswith("z")


def test_an_ascii_terminal_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(file=stream, width=80, markup=False, highlight=False)
    screen = Screen.of(console)
    shown = three_waves("PARTIAL_SUCCESS", planName="Plän")
    console.print(execution_card.card(screen, shown, NOW, bar=True))
    console.print(live_execution.live(screen, shown, NOW, height=50, trouble="…"))
    stream.seek(0)
    text = stream.read()
    assert "Wave 1:  Completed +" in text
    assert "Pl\\xe4n" in text


def test_an_older_record_with_almost_nothing_in_it_is_shown() -> None:
    bare = cast("Execution", {"executionId": DRILL, "status": "FAILED"})
    assert f"Execution: {DRILL}" in card(bare)
    assert DRILL in live(bare, 80)
