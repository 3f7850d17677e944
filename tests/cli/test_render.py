"""Cards, tables and the live view, as text, at the widths of real terminals."""

from typing import TYPE_CHECKING, cast

import pytest
from rich.cells import cell_len
from tests.cli.fake_api import COMMAND, DRILL, Json, execution, left, server, wave, wave_command
from tests.cli.rendered import NOW, card, live, show, three_waves

from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.timing import duration
from wavebreak_cli.views import lists
from wavebreak_cli.views.terminal import Screen, when

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import Execution


DASH = "\N{EN DASH}"


def test_the_card_of_a_partial_success() -> None:
    assert (
        card(three_waves("PARTIAL_SUCCESS"))
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
    text = card(three_waves("PARTIAL_SUCCESS", termination=end), 120)
    assert "Termination: INCOMPLETE (2 terminated, 2 left, 1 unknown)" in text
    assert text.split("Not terminated\n")[1].split("\n\n")[0] == (
        "  ✗ i-1  held by recovery-01x\n"
        "  ✗ i-2  no reason given\n"
        "  ✗ i-3  unknown: DRS no longer shows it, and EC2 has it running"
    )


def test_a_termination_that_runs_says_what_stands_in_its_way_and_nothing_of_the_rest() -> None:
    running = {"status": "IN_PROGRESS", "terminated": 0, "remaining": [left("i-1"), left("i-2", "It shuts down")]}
    text = card(three_waves("COMPLETED", termination=running))
    assert "Termination: IN PROGRESS (0 terminated, 2 left)" in text
    assert "i-2  It shuts down" in text
    assert "i-1" not in text


def test_executions_say_what_they_left_running_and_since_when() -> None:
    ended = execution("COMPLETED", [], instancesLeft=3, leftSince="2026-11-21T12:01:20.000Z")
    running = execution("IN_PROGRESS", [], instancesLeft=2, leftSince=None)
    clean = execution("COMPLETED", [], instancesLeft=0, leftSince=None)
    older = execution("COMPLETED", [])
    found = cast("list[Execution]", [ended, running, clean, older])
    wide = show(lists.executions(Screen(width=160), found, NOW), 160)
    output = [line.partition("COMPLETED")[2] or line for line in wide.splitlines()]
    assert sum("3 since 2026-11-21 12:01:20Z" in line for line in output) == 1
    assert "Left running" in wide
    narrow = show(lists.executions(Screen(width=80), found, NOW), 80)
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
        live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
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
┃    s-00000000000000003  ✓ Launched
┃    s-00000000000000004  ✗ Failed
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
    assert [line.rstrip() for line in card(cast("Execution", execution("IN_PROGRESS", waves))).splitlines()[4:11]] == [
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
    text = card(cast("Execution", execution("IN_PROGRESS", [wave(1, "web", "IN_PROGRESS", [], steps=steps)])))
    said = " ".join(text.split())
    for output in ("function tell: it gave", "automation promote: not run", "after: start: no server"):
        assert output in said
    assert [line.split()[0] for line in text.splitlines() if " before: " in line or " after: " in line] == [
        *("Skipped", "Failed", "Cancelled", "Skipped")
    ]


def test_the_live_view_has_the_commands_of_a_wave_beneath_it_and_keeps_within_the_terminal() -> None:
    waves = [wave(number, f"w{number}", "IN_PROGRESS", [], steps=COMMANDS[1:4]) for number in range(1, 4)]
    text = live(cast("Execution", execution("IN_PROGRESS", waves)), 80)
    assert [line.rstrip() for line in text.splitlines()[7:10]] == [
        "┃ 1  w1                 ⟳ In Progress            0/0       50s",
        "┃    after: fix-config  ⚠ Partial Success",
        "┃    after: uninstall   ✗ Failed",
    ]
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    shown = cast(
        "Execution", execution("IN_PROGRESS", [*waves, *(wave(n, "x", "NOT_STARTED", []) for n in range(4, 40))])
    )
    assert len(live(shown, 80, height=30).splitlines()) <= 30


def test_commands_that_failed_can_be_looked_at_once_the_execution_is_over() -> None:
    ended = execution("COMPLETED", [wave(3, "web", "COMPLETED", [], steps=COMMANDS[:3])])
    steps = [step.command for step in next_steps(cast("Execution", ended))]
    assert steps[:2] == [f"wavebreak command --follow {COMMAND}-w003a01r1"] * 2
    running = execution("IN_PROGRESS", [wave(3, "web", "IN_PROGRESS", [], steps=COMMANDS[:3])])
    assert [step.command.split()[1] for step in next_steps(cast("Execution", running))] == ["pause", "cancel"]


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


def test_n35b_a_run_that_only_drs_jobs_hold_open_names_them() -> None:
    timed_out = wave(1, "db", "FAILED", [server(1, "FAILED"), server(2, "IN_PROGRESS")], jobId="drsjob-1")
    ends = wave(2, "web", "IN_PROGRESS", [server(3, "IN_PROGRESS")], jobId="drsjob-2")
    for status, named in (
        ("IN_PROGRESS", "Waits for: the end of drsjob-1 (wave 1)\n"),
        ("CANCELLING", "Waits for: the end of drsjob-1 (wave 1), drsjob-2 (wave 2)\n"),
    ):
        assert named in card(cast("Execution", execution(status, [timed_out, ends])))
    for status, waves in (("CANCELLED", [timed_out, ends]), ("IN_PROGRESS", [ends]), ("CANCELLING", [])):
        assert "Waits for" not in card(cast("Execution", execution(status, waves)))


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
