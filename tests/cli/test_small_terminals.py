"""What is seen first in a small terminal: what runs, what failed, who is waited for, and in the end the verdict."""

from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console
from tests.cli.conftest import START, Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, execution, left, server, wave, wave_command

from wavebreak_cli.views.live_execution import live
from wavebreak_cli.views.named_list import shortened
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import Execution

NOT_GIVEN = {"askedAt": None, "by": None, "at": None, "reason": None, "dueAt": None, "then": None, "notBy": None}


def drawn(found: dict[str, Any], width: int = 80, height: int = 24) -> list[str]:
    console = Console(width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(live(Screen(width), cast("Execution", found), START, height=height, trouble=None))
    return captured.get().splitlines()


def thirty(**status: str) -> list[dict[str, Any]]:
    words = {**{f"w{n}": "COMPLETED" for n in range(1, 21)}, **status}
    return [
        wave(n, f"wave number {n} of this plan", words.get(f"w{n}", "NOT_STARTED"), [server(n, "PENDING")])
        for n in range(1, 31)
    ]


def test_f14_running_and_failed_waves_are_shown_and_done_ones_folded() -> None:
    rows = drawn(execution("IN_PROGRESS", thirty(w3="FAILED", w21="IN_PROGRESS", w22="IN_PROGRESS")))
    assert len(rows) <= 24
    picture = "\n".join(rows)
    for number in (3, 21, 22):
        assert f"┃ {number:>2}  wave number {number}" in picture
    assert "completed" in next(row for row in rows if "more waves" in row)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (50, 24), (140, 40)])
def test_b11_f14_thirty_waves_with_long_names_fit_the_terminal(width: int, height: int) -> None:
    waves = thirty(w21="IN_PROGRESS")
    for one in waves:
        one["name"] = f"{one['name']} with a name of some sixty letters in all"
    rows = drawn(execution("IN_PROGRESS", waves), width, height)
    assert len(rows) <= height
    assert all(len(row) <= width for row in rows)
    assert any("21" in row and "In Progress" in row for row in rows)


def test_f6_whoever_is_waited_for_is_told_at_the_top_and_after_a_failure_since_when_and_why() -> None:
    asked = wave(2, "web", "AWAITING_APPROVAL", [])
    rows = drawn(execution("IN_PROGRESS", [wave(1, "db", "COMPLETED", []), asked]))
    assert rows[2] == "┃ ⏸ WAITING FOR YOU: approve or reject wave 2 web"
    asked["approval"] = {**NOT_GIVEN, "askedAt": "2026-11-21T12:00:05.000Z"}
    rows = drawn(execution("IN_PROGRESS", [asked]), 120)
    assert rows[2] == "┃ ⏸ WAITING FOR YOU: approve or reject wave 2 web (since 12:00:05Z)"
    asked["approval"] |= {"dueAt": "2026-11-21T13:00:05.000Z", "then": "REJECT", "notBy": "REQUESTER"}
    rows = drawn(execution("IN_PROGRESS", [asked]), 120)
    assert rows[2].endswith("wave 2 web (since 12:00:05Z, rejected 13:00:05Z, not by who asked for it)")
    asked["approval"] |= {"by": "ana", "at": "2026-11-21T12:10:00.000Z", "reason": "checked", "dueAt": None}
    rows = drawn(execution("PAUSED", [asked], pausedBy=["OPERATOR"]), 120)
    assert rows[2] == "┃ ⏸ WAITING FOR YOU: resume: an operator paused it", "it has its approval"
    failed = wave(1, "db", "FAILED", [server(1, "FAILED")], error="1 CRITICAL server did not launch")
    rows = drawn(execution("PAUSED", [failed], pausedBy=["FAILURE"]), 120)
    output = "retry, skip or cancel: wave 1 db (since 12:00:38Z): 1 CRITICAL server did not launch"
    assert rows[2] == f"┃ ⏸ WAITING FOR YOU: {output}"
    rows = drawn(execution("PAUSED", [], pausedBy=["OPERATOR"]))
    assert rows[2] == "┃ ⏸ WAITING FOR YOU: resume: an operator paused it"


def test_12_a_card_says_who_approved_and_why(api: FakeApi, wavebreak: Terminal) -> None:
    done = wave(1, "db", "COMPLETED", [server(1)])
    done["approval"] = {**NOT_GIVEN, "by": "ana", "at": "2026-11-21T12:10:00.000Z", "reason": "checked"}
    api.readings[DRILL] = [execution("COMPLETED", [done])]
    output = "Approved: wave 1 by ana at 2026-11-21 12:10:00Z: checked"
    assert output in " ".join(wavebreak("show", DRILL).out.split())


def test_f6_who_paused_it_since_when_and_why_is_told(api: FakeApi, wavebreak: Terminal) -> None:
    word = {"actor": "arn:aws:iam::111122223333:user/bea", "at": "2026-11-21T12:01:00.000Z", "reason": "network repair"}
    paused = execution("PAUSED", [wave(1, "db", "COMPLETED", [])], pausedBy=["OPERATOR"], pause=word)
    output = "resume: arn:aws:iam::111122223333:user/bea paused it (since 12:01:00Z): network repair"
    assert drawn(paused, 120)[2] == f"┃ ⏸ WAITING FOR YOU: {output}"
    api.readings[DRILL] = [paused]
    assert f"Waits for you: {output}" in " ".join(wavebreak("show", DRILL).out.split())
    failed = wave(1, "db", "FAILED", [server(1, "FAILED")], error="no capacity")
    api.readings[DRILL] = [execution("PAUSED", [failed], pausedBy=["FAILURE", "OPERATOR"], pause=word)]
    shown = " ".join(wavebreak("show", DRILL).out.split())
    assert "Waits for you: retry, skip or cancel: wave 1 db" in shown
    assert f"Paused: {output.removeprefix('resume: ')}" in shown


def test_f7_a_card_says_who_cancelled_and_why(api: FakeApi, wavebreak: Terminal) -> None:
    cancel = {"actor": "ana", "at": "2026-11-21T12:01:00Z", "reason": "mistaken", "then": "TERMINATE"}
    api.readings[DRILL] = [execution("CANCELLING", [], cancel=cancel)]
    output = "Cancelled by: ana at 2026-11-21 12:01:00Z, then its instances are terminated: mistaken"
    assert output in " ".join(wavebreak("show", DRILL).out.split())


def test_f8_f9_the_verdict_is_the_last_line_and_commands_stand_beside_no_bar(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.live = True
    api.readings[DRILL] = [execution("PARTIAL_SUCCESS", [wave(1, "db", "COMPLETED", [server(1)])])]
    shown = wavebreak("watch", DRILL).out.splitlines()
    assert "PARTIAL SUCCESS (1 of 1 waves completed)" in shown[-1]
    assert not [row for row in shown if "wavebreak " in row and "┃" in row]


def test_f10_ctrl_c_leaves_the_last_picture_and_ids_that_can_be_copied(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.live, wavebreak.clock.interrupt_at = True, 2
    api.readings[DRILL] = [execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [server(1)])])]
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 130
    assert "db" in outcome.out.rsplit("\x1b[1A", 1)[-1], "the picture is not wiped"
    assert f"\n  wavebreak watch {DRILL}\n  wavebreak cancel {DRILL}\n" in outcome.err


def test_f12_a_termination_has_a_progress_of_its_own() -> None:
    running = {"status": "IN_PROGRESS", "terminated": 1, "remaining": [left("i-2")], "unknown": []}
    waves = [wave(1, "db", "COMPLETED", [server(1), server(2)])]
    picture = "\n".join(drawn(execution("COMPLETED", waves, termination=running)))
    assert "1 of 2 instances ended" in picture
    assert "servers launched" not in picture
    assert "follow it" not in picture, "nobody is told to follow what they follow"


def test_f6_what_is_waited_for_keeps_its_reason_in_a_small_terminal() -> None:
    error = "1 critical server(s) failed: app-2 (s-00000000000000004): no capacity in this availability zone"
    failed = wave(2, "application", "FAILED", [server(4, "FAILED")], error=error)
    rows = drawn(execution("PAUSED", [failed], pausedBy=["FAILURE"]))
    output = " ".join(row.removeprefix("┃").strip() for row in rows[2:5])
    assert output.startswith(f"⏸ WAITING FOR YOU: retry, skip or cancel: wave 2 application (since 12:00:38Z): {error}")
    assert len(rows) <= 24
    failed["error"] = "no room " * 100
    rows = drawn(execution("PAUSED", [failed], pausedBy=["FAILURE"]))
    assert "no room" in rows[4]
    assert "no room" not in rows[5], "three lines at most"


@pytest.mark.parametrize("size", [(80, 24), (70, 24), (140, 40)])
def test_b5_the_end_of_recovered_servers_never_stands_without_what_it_is(size: tuple[int, int]) -> None:
    width, height = size
    found = execution("COMPLETED", [wave(1, "db", "COMPLETED", [server(1)])], executionId=RECOVERY, mode="RECOVERY")
    rows = drawn(found, width, height)
    at = next(at for at, row in enumerate(rows) if f"wavebreak terminate {RECOVERY}" in row)
    assert "END the recovered servers" in " ".join(rows[at : at + 2])
    assert all(len(row) <= width for row in rows)


def test_b11_a_long_name_leaves_its_message_a_line_of_its_own_and_keeps_its_id() -> None:
    host = "ip-10-0-0-1.a-rather-long-department-name.a-rather-long-company-name.example.internal"
    error = "The instance did not pass its status checks: it was stopped"
    broken = server(4, "FAILED", name=host, error=error)
    failed = wave(2, "a wave whose name has sixty letters, as the plan allows it to", "FAILED", [broken], error=error)
    rows = [row.removeprefix("┃ ") for row in drawn(execution("IN_PROGRESS", [failed]), height=30)]
    at = rows.index("Failed servers")
    assert rows[at + 1].startswith("  ✗ ip-10-0-0-1.a-rather")
    assert rows[at + 1].endswith(" s-00000000000000004")
    assert "…" in rows[at + 1]
    assert rows[at + 2] == f"    wave 2: {error}"
    assert f"    {error}" in rows[rows.index("Wave errors") + 2]
    running = wave(2, "web", "IN_PROGRESS", [{**broken, "launchStatus": "IN_PROGRESS"}])
    row = next(row for row in drawn(execution("IN_PROGRESS", [running])) if "ip-10" in row)
    assert "s-00000000000000004" in row
    assert "⟳ Launching" in row


def test_b11_servers_keep_their_places_and_after_stands_below_them() -> None:
    steps = [wave_command("status", "SUCCEEDED", "BEFORE"), wave_command("start", "NOT_STARTED", "AFTER")]
    servers = [server(1, "PENDING"), server(2), server(3, "IN_PROGRESS")]
    running = wave(1, "db", "IN_PROGRESS", servers, steps=steps)
    rows = drawn(execution("IN_PROGRESS", [running]), height=40)
    first = next(at for at, row in enumerate(rows) if "before: status" in row)
    names = [row.removeprefix("┃").split()[0] for row in rows[first : first + 5]]
    assert names == ["before:", *(f"s-{number:017}" for number in (1, 2, 3)), "after:"]


@pytest.mark.parametrize(
    ("name", "room", "shown"),
    [
        ("web-1 s-00000000000000001", 25, "web-1 s-00000000000000001"),
        ("a-long-host-name s-00000000000000001", 28, "a-long-… s-00000000000000001"),
        ("wave number 21 of this plan", 13, "wave n…s plan"),
        ("データベース層データベース層", 11, "データ…ス層"),
        ("web-1 s-00000000000000001", 1, "w"),
    ],
)
def test_b11_names_lose_their_middle(name: str, room: int, shown: str) -> None:
    assert shortened(name, room) == shown
