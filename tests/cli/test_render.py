"""Cards, tables and the live view, as text, at the widths of real terminals."""

import io
from datetime import UTC, datetime
from typing import cast

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType
from tests.cli.fake_api import COMMAND, DRILL, RECOVERY, Json, execution, left, server, wave, wave_command

from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.timing import duration
from wavebreak_cli.client.answers import Execution
from wavebreak_cli.views import execution_card, lists, live_execution, servers_list
from wavebreak_cli.views.terminal import Look, harmless, when

DASH = "\N{EN DASH}"
NOW = datetime(2026, 11, 21, 12, 0, 50, tzinfo=UTC)
HOSTILE = "[red]x[/red]\x1b[2J\x1b]0;title\x07\u202etxt\r\nnext"
HARMLESS = "[red]x[/red]\\x1b[2J\\x1b]0;title\\x07\\u202etxt  next"


def _show(content: RenderableType, width: int, *, colour: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=colour,
        color_system="256" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},
    )
    console.print(content)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _three_waves(status: str, **more: object) -> Execution:
    database = wave(
        1, "database", "COMPLETED", [server(1), server(2, "FAILED", impact="OPTIONAL", error="no capacity")]
    )
    last = "CANCELLED" if status in {"PARTIAL_SUCCESS", "CANCELLED"} else "NOT_STARTED"
    first = [wave(1, "database", "CANCELLED", [server(1, "PENDING")])] if status == "CANCELLED" else [database]
    web = [server(3, "PENDING")]
    waves = [*first, wave(2, "application", last, web), wave(3, "web", last, web)]
    return cast("Execution", execution(status, waves, **more))


def _card(execution: Execution, width: int = 80, *, bar: bool = False) -> str:
    return _show(execution_card.card(Look(width), execution, NOW, bar=bar), width)


def _live(execution: Execution, width: int, *, height: int = 40, trouble: str | None = None) -> str:
    return _show(live_execution.live(Look(width), execution, NOW, height=height, trouble=trouble), width)


def test_the_card_of_a_partial_success() -> None:
    assert (
        _card(_three_waves("PARTIAL_SUCCESS"))
        == f"""\
Recovery Plan: 3TierRecoveryPlan
Status: PARTIAL SUCCESS (1 of 3 waves completed) ⚠️
Execution: {DRILL} (DRILL)

Wave 1:  Completed ✓  database     1 of 2 servers  38s
Wave 2:  Cancelled ⊘  application  0 of 1 servers  {DASH}
Wave 3:  Cancelled ⊘  web          0 of 1 servers  {DASH}

Duration: 1m 20s (started 2026-11-21 12:00:00Z)

Failed servers
  ✗ s-00000000000000002  wave 1, optional: no capacity

[terminate available]

Next
  wavebreak terminate {DRILL}         clean up
  wavebreak events {DRILL} --verify   check trail"""
    )


def test_the_card_of_an_incomplete_termination_names_what_is_left_and_why() -> None:
    end = {
        "status": "INCOMPLETE",
        "terminated": 2,
        "remaining": [left("i-1", "held by recovery-01x"), left("i-2")],
        "unknown": [left("i-3", "DRS no longer shows it, and EC2 has it running")],
    }
    text = _card(_three_waves("PARTIAL_SUCCESS", termination=end), 120)
    assert "Termination: INCOMPLETE (2 terminated, 2 left, 1 unknown)" in text
    assert text.split("Not terminated\n")[1].split("\n\n")[0] == (
        "  ✗ i-1  held by recovery-01x\n"
        "  ✗ i-2  no reason given\n"
        "  ✗ i-3  unknown: DRS no longer shows it, and EC2 has it running"
    )


def test_a_termination_that_runs_says_what_stands_in_its_way_and_nothing_of_the_rest() -> None:
    running = {"status": "IN_PROGRESS", "terminated": 0, "remaining": [left("i-1"), left("i-2", "It shuts down")]}
    text = _card(_three_waves("COMPLETED", termination=running))
    assert "Termination: IN PROGRESS (0 terminated, 2 left)" in text
    assert "i-2  It shuts down" in text
    assert "i-1" not in text


def test_executions_say_what_they_left_running_and_since_when() -> None:
    ended = execution("COMPLETED", [], instancesLeft=3, leftSince="2026-11-21T12:01:20.000Z")
    running = execution("IN_PROGRESS", [], instancesLeft=2, leftSince=None)
    clean = execution("COMPLETED", [], instancesLeft=0, leftSince=None)
    older = execution("COMPLETED", [])
    found = cast("list[Execution]", [ended, running, clean, older])
    wide = _show(lists.executions(Look(width=160), found, NOW), 160)
    told = [line.partition("COMPLETED")[2] or line for line in wide.splitlines()]
    assert sum("3 since 2026-11-21 12:01:20Z" in line for line in told) == 1
    assert "Left running" in wide
    narrow = _show(lists.executions(Look(width=80), found, NOW), 80)
    assert [line for line in narrow.splitlines() if "left running" in line] == [
        "  left running: 3 since 2026-11-21 12:01:20Z",
        "  left running: 2",
    ]


def test_the_live_view_of_a_drill_at_80_columns() -> None:
    waves = [
        wave(1, "database", "COMPLETED", [server(1), server(2)]),
        wave(
            2, "application", "IN_PROGRESS", [server(3), server(4, "FAILED", error="no capacity"), server(5, "PENDING")]
        ),
        wave(3, "web", "AWAITING_APPROVAL", [server(6, "PENDING")]),
    ]
    assert (
        _live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
        == f"""\
┃ 3TierRecoveryPlan  DRILL  {DRILL}
┃ ⟳ IN PROGRESS  50s
┃ ⏸ WAITING FOR YOU: approve or reject wave 3 web
┃ ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  3 of 6 servers launched · 1 failed
┃
┃ #  Wave                 Status               Servers  Duration
┃ ──────────────────────────────────────────────────────────────
┃ 1  database             ✓ Completed              2/2       38s
┃ 2  application          ⟳ In Progress            1/3       50s
┃    s-00000000000000004  ✗ Failed
┃    s-00000000000000003  ✓ Launched
┃    s-00000000000000005  ○ Pending
┃ 3  web                  ⏸ Awaiting Approval      0/1         {DASH}
┃
┃ Failed servers
┃   ✗ s-00000000000000004  wave 2: no capacity

Next
  wavebreak approve {DRILL} 3   start wave 3
  wavebreak reject {DRILL} 3    fail wave 3
  wavebreak cancel {DRILL}      start no further wave"""
    )


COMMANDS = [
    wave_command("status", "SUCCEEDED", "BEFORE", required=True),
    wave_command("fix-config", "PARTIAL"),
    wave_command("uninstall", "FAILED"),
    wave_command("start", "IN_PROGRESS"),
    wave_command("query", "NOT_STARTED"),
]


def test_the_card_has_the_commands_of_a_wave_beneath_it() -> None:
    waves = [wave(1, "database", "COMPLETED", [server(1)]), wave(2, "web", "IN_PROGRESS", [], steps=COMMANDS)]
    assert [line.rstrip() for line in _card(cast("Execution", execution("IN_PROGRESS", waves))).splitlines()[4:11]] == [
        "Wave 1:  Completed ✓        database           1 of 1 servers  38s",
        "Wave 2:  In Progress ⟳      web                0 of 0 servers  50s",
        "         Succeeded ✓        before: status",
        "         Partial Success ⚠  after: fix-config",
        "         Failed ✗           after: uninstall",
        "         In Progress ⟳      after: start",
        "         Not Started ○      after: query",
    ]


def test_c12_the_card_tells_of_other_steps_what_they_are_and_why_they_were_skipped_or_failed() -> None:
    steps = [
        {"kind": "automation", "name": "promote", "phase": "BEFORE", "status": "SKIPPED", "error": "not run in drills"},
        {"kind": "function", "name": "tell", "phase": "AFTER", "status": "FAILED", "error": "it gave no answer"},
        {"kind": "function", "name": "tell", "phase": "AFTER", "status": "CANCELLED", "error": None},
        {"kind": "command", "name": "start", "phase": "AFTER", "status": "SKIPPED", "error": "no server to run on"},
    ]
    text = _card(cast("Execution", execution("IN_PROGRESS", [wave(1, "web", "IN_PROGRESS", [], steps=steps)])))
    said = " ".join(text.split())
    for told in ("function tell: it gave", "automation promote: not run", "after: start: no server"):
        assert told in said
    assert [line.split()[0] for line in text.splitlines() if " before: " in line or " after: " in line] == [
        *("Skipped", "Failed", "Cancelled", "Skipped")
    ]


def test_the_live_view_has_the_commands_of_a_wave_beneath_it_and_keeps_within_the_terminal() -> None:
    waves = [wave(number, f"w{number}", "IN_PROGRESS", [], steps=COMMANDS[1:4]) for number in range(1, 4)]
    text = _live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
    assert [line.rstrip() for line in text.splitlines()[7:10]] == [
        "┃ 1  w1                 ⟳ In Progress            0/0       50s",
        "┃    after: fix-config  ⚠ Partial Success",
        "┃    after: uninstall   ✗ Failed",
    ]
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    shown = cast(
        "Execution", execution("IN_PROGRESS", [*waves, *(wave(n, "x", "NOT_STARTED", []) for n in range(4, 40))])
    )
    assert len(_live(shown, 80, height=30).splitlines()) <= 30


def test_commands_that_failed_can_be_looked_at_once_the_execution_is_over() -> None:
    ended = execution("COMPLETED", [wave(3, "web", "COMPLETED", [], steps=COMMANDS[:3])])
    steps = [step.command for step in next_steps(cast("Execution", ended))]
    assert steps[:2] == [f"wavebreak command --follow {COMMAND}-w003a01r1"] * 2
    running = execution("IN_PROGRESS", [wave(3, "web", "IN_PROGRESS", [], steps=COMMANDS[:3])])
    assert [step.command.split()[1] for step in next_steps(cast("Execution", running))] == ["pause", "cancel"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_every_status_is_shown_within_the_terminal(status: str, width: int) -> None:
    shown = _three_waves(status, executionId=RECOVERY, mode="RECOVERY", reason="the quarterly exercise " * 5)
    shown["waves"][1]["error"] = "a message that is far too long for any line of a terminal " * 3
    for text in (
        _card(shown, width, bar=True),
        _live(shown, width, trouble="connection lost, retrying for 3s: no answer"),
    ):
        assert shown["display"]["label"] in text
        assert shown["display"]["icon"] in text
        assert all(cell_len(line) <= width for line in text.splitlines())


def test_a_wide_terminal_has_the_errors_in_the_table() -> None:
    shown = cast("Execution", execution("IN_PROGRESS", [wave(1, "web", "FAILED", [], error="timed out")]))
    assert "Error" in _show(live_execution.wave_table(Look(120), shown["waves"], NOW, [[]]), 120)
    assert "Error" not in _show(live_execution.wave_table(Look(80), shown["waves"], NOW, [[]]), 80)


def test_colours_are_those_the_api_names() -> None:
    orange = _show(execution_card.card(Look(80), _three_waves("PARTIAL_SUCCESS"), NOW), 80, colour=True)
    assert "\x1b[1;38;5;208mPARTIAL SUCCESS (1 of 3 waves completed) ⚠️" in orange
    unknown = cast(
        "Execution", {**_three_waves("FAILED"), "display": {"label": "ODD", "color": "octarine", "icon": "?"}}
    )
    assert "ODD ?" in _card(unknown)


def test_more_waves_than_the_terminal_is_high_are_left_out_and_counted() -> None:
    done = [wave(number, f"done{number}", "COMPLETED", [server(number)]) for number in range(1, 41)]
    running = [wave(41, "running", "IN_PROGRESS", [server(41, "PENDING")])]
    later = [wave(number, f"later{number}", "NOT_STARTED", [server(number, "PENDING")]) for number in range(42, 81)]
    text = _live(cast("Execution", execution("IN_PROGRESS", done + running + later)), 80, height=24)
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
    text = _live(_large_drill(running), width, height=height, trouble="connection lost, retrying for 3s: no answer")
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
    text = _live(cast("Execution", execution("IN_PROGRESS", waves, planName="復旧計画" * 30)), width)
    assert all(cell_len(row) <= width for row in text.splitlines())
    (row,) = [row for row in text.splitlines() if row.startswith("┃ 7  ") and "⟳ In Progress" in row]
    assert "1/1" in row
    assert "…" in row


def test_servers_of_running_waves_share_the_lines_that_are_left_and_the_ones_in_flight_come_first() -> None:
    text = _live(_large_drill(2), 80, height=40)
    rows = [row.split() for row in text.splitlines()]
    shown = [row[1:] for row in rows if row[1:] and row[1].startswith("s-0000000000001")]
    assert shown[0] == ["s-00000000000010000", "⟳", "Launching"]
    assert [row[0] for row in shown].index("s-00000000000011000") >= 2
    assert [row[1:] for row in rows if row[1:2] == ["…"]][:2] == [["…", "13", "more"], ["…", "12", "more"]]


def test_servers_of_a_running_wave_are_all_shown_where_there_is_room() -> None:
    launches = ["IN_PROGRESS", "LAUNCHED", "FAILED", "PENDING", "TERMINATED", "ODD"]
    servers = [server(number, word) for number, word in enumerate(launches)]
    waves = [wave(1, "db", "IN_PROGRESS", servers), wave(2, "web", "NOT_STARTED", [server(9, "PENDING")])]
    text = _live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
    table, _, _ = text.partition("Failed servers")
    assert [" ".join(row.split()[1:]) for row in table.splitlines() if "s-0" in row] == [
        "s-00000000000000000 ⟳ Launching",
        "s-00000000000000002 ✗ Failed",
        "s-00000000000000001 ✓ Launched",
        "s-00000000000000003 ○ Pending",
        "s-00000000000000004 ⊘ Terminated",
        "s-00000000000000005 ODD",
    ]


def test_many_failed_servers_are_counted_not_listed() -> None:
    broken = [server(number, "FAILED", error="no capacity") for number in range(30)]
    text = _card(cast("Execution", execution("FAILED", [wave(1, "web", "FAILED", broken)])))
    assert text.count("no capacity") == 8
    assert "… 22 more, see them with --servers" in text


def test_warnings_stand_before_the_errors_and_many_are_counted() -> None:
    warnings = [
        {"code": "REPLACES_RUNNING", "message": "Replaces 1 running instance(s)", "waveNumber": 2},
        {"code": "OLDER_SNAPSHOT", "message": "from an older point", "waveNumber": 1, "sourceServerId": "s-1"},
        {"code": "PREEMPTED_DRILL", "message": "took over from drill-x"},
    ]
    text = _card(_three_waves("PARTIAL_SUCCESS", warnings=warnings))
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
    assert "… 4 more, see them with --json" in _card(_three_waves("COMPLETED", warnings=warnings * 4))


def test_hostile_text_is_shown_and_never_obeyed() -> None:
    bad = [server(1, "FAILED", error=HOSTILE, sourceServerId=HOSTILE)]
    ran = [{**wave_command(HOSTILE, "PARTIAL", HOSTILE), "commandId": HOSTILE}]
    failed = wave(1, HOSTILE, "FAILED", bad, error=HOSTILE, steps=ran)
    warned = [{"code": HOSTILE, "message": HOSTILE, "sourceServerId": HOSTILE}]
    shown = execution("FAILED", [failed], planName=HOSTILE, reason=HOSTILE, warnings=warned)
    shown["display"] = {"label": HOSTILE, "color": HOSTILE, "icon": "\x1b[31m"}
    for width in (80, 250):
        look = Look(width)
        for content in (
            execution_card.card(look, cast("Execution", shown), NOW, bar=True),
            live_execution.live(look, cast("Execution", shown), NOW, height=60, trouble=HOSTILE),
            servers_list.servers(look, cast("Execution", shown), NOW),
            lists.executions(look, [cast("Execution", shown)], NOW),
        ):
            text = _show(content, width)
            assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)
    assert f"Recovery Plan: {HARMLESS}" in _card(cast("Execution", shown), 250)


def test_endless_text_keeps_its_head_and_tail() -> None:
    text = harmless("a" * 10**6 + "z")
    assert len(text) < 2100
    assert text.startswith("aaa")
    assert text.endswith("z")


def test_an_ascii_terminal_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(file=stream, width=80, markup=False, highlight=False)
    look = Look.of(console)
    shown = _three_waves("PARTIAL_SUCCESS", planName="Plän")
    console.print(execution_card.card(look, shown, NOW, bar=True))
    console.print(live_execution.live(look, shown, NOW, height=50, trouble="…"))
    stream.seek(0)
    text = stream.read()
    assert "Wave 1:  Completed +" in text
    assert "Pl\\xe4n" in text


def test_an_older_record_with_almost_nothing_in_it_is_shown() -> None:
    bare = cast("Execution", {"executionId": DRILL, "status": "FAILED"})
    assert f"Execution: {DRILL}" in _card(bare)
    assert DRILL in _live(bare, 80)


def _commands(execution: Json) -> list[str]:
    return [step.command.split()[1] for step in next_steps(cast("Execution", execution))]


def test_next_steps_fit_the_state() -> None:
    failed = wave(1, "web", "FAILED", [server(1, "FAILED")])
    done = wave(2, "db", "COMPLETED", [server(2)])
    cancelled = wave(3, "x", "CANCELLED", [])
    assert _commands(execution("IN_PROGRESS", [])) == ["pause", "cancel"]
    assert _commands(execution("PAUSED", [done], pausedBy=["OPERATOR"])) == ["resume", "cancel"]
    assert _commands(execution("PAUSED", [failed], pausedBy=["FAILURE"])) == ["retry", "skip", "cancel"]
    assert _commands(execution("CANCELLING", [failed])) == []
    assert _commands(execution("PARTIAL_SUCCESS", [failed, done])) == ["retry", "skip", "terminate", "events"]
    assert _commands(execution("PARTIAL_SUCCESS", [failed, done, cancelled])) == ["terminate", "events"]
    asked = {"at": "2026-11-21T12:00:30.000Z", "actor": "ana", "reason": None, "then": "KEEP"}
    assert _commands(execution("PARTIAL_SUCCESS", [failed, done], cancel=asked)) == ["terminate", "events"]
    gone = {"status": "COMPLETED", "terminated": 1, "remaining": []}
    assert _commands(execution("FAILED", [failed], termination=gone, instancesTerminated=True)) == ["events"]
    running = {"status": "IN_PROGRESS", "terminated": 0, "remaining": []}
    steps = next_steps(cast("Execution", execution("COMPLETED", [done], termination=running)))
    assert steps[0].command == f"wavebreak terminate {DRILL} --watch"


def test_a_run_whose_job_outlived_its_wave_says_where_to_look() -> None:
    timed_out = wave(1, "db", "FAILED", [server(1, "FAILED"), server(2, "IN_PROGRESS")])
    assert _commands(execution("IN_PROGRESS", [timed_out])) == ["retry", "skip", "errors", "cancel"]
    assert _commands(execution("CANCELLING", [timed_out])) == ["errors"]
    assert "errors" not in _commands(execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", timed_out["servers"])]))


def test_a_run_that_only_drs_jobs_hold_open_names_them() -> None:
    timed_out = wave(1, "db", "FAILED", [server(1, "FAILED"), server(2, "IN_PROGRESS")], jobId="drsjob-1")
    ends = wave(2, "web", "IN_PROGRESS", [server(3, "IN_PROGRESS")], jobId="drsjob-2")
    for status, named in (
        ("IN_PROGRESS", "Waits for: the end of drsjob-1 (wave 1)\n"),
        ("CANCELLING", "Waits for: the end of drsjob-1 (wave 1), drsjob-2 (wave 2)\n"),
    ):
        assert named in _card(cast("Execution", execution(status, [timed_out, ends])))
    for status, waves in (("CANCELLED", [timed_out, ends]), ("IN_PROGRESS", [ends]), ("CANCELLING", [])):
        assert "Waits for" not in _card(cast("Execution", execution(status, waves)))


@pytest.mark.parametrize(
    ("waves", "paused_by", "offered"),
    [
        ([wave(1, "web", "AWAITING_APPROVAL", [])], ["OPERATOR"], ["approve", "reject", "resume", "cancel"]),
        ([wave(1, "web", "AWAITING_APPROVAL", [])], ["FAILURE", "OPERATOR"], ["approve", "reject", "cancel"]),
        ([wave(1, "web", "FAILED", [])], ["OPERATOR"], ["retry", "skip", "resume", "cancel"]),
        ([wave(1, "web", "FAILED", [])], ["FAILURE", "OPERATOR"], ["retry", "skip", "cancel"]),
        ([wave(1, "web", "FAILED", [])], [], ["retry", "skip", "cancel"]),
    ],
)
def test_a_resume_is_offered_whatever_else_waits_unless_a_failure_asks(
    waves: list[Json], paused_by: list[str], offered: list[str]
) -> None:
    assert _commands(execution("PAUSED", waves, pausedBy=paused_by)) == offered


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, DASH), (0, "0s"), (-3, "0s"), (59.9, "59s"), (245, "4m 05s"), (3720, "1h 02m")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-21T12:03:04.123Z", "2026-11-21 12:03:04Z"),
        ("2026-11-21T14:03:04+02:00", "2026-11-21 12:03:04Z"),
        ("soon", DASH),
        (None, DASH),
    ],
)
def test_times_are_in_utc(text: str | None, shown: str) -> None:
    assert when(text) == shown
