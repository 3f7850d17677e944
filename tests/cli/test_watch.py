"""What a watch prints: plain lines, JSON lines, and the live view."""

import io
import json
import re

import pytest
from tests.cli.conftest import Clock, Terminal, lines
from tests.cli.fake_api import DRILL, FakeApi, Fault, Json, execution, left, problem, server, wave, wave_command

from wavebreak_cli.session import Environment, Shell, console_on
from wavebreak_cli.views.execution_views import LineView


def _story() -> list[Json]:
    """Tell a drill that cannot launch one server of its second wave."""
    failed = server(3, "FAILED", error="LAUNCH_FAILED")
    database = wave(1, "database", "COMPLETED", [server(1), server(2)])
    waiting = wave(2, "web", "NOT_STARTED", [server(3, "PENDING")])
    return [
        execution(
            "PENDING", [wave(1, "database", "NOT_STARTED", [server(1, "PENDING"), server(2, "PENDING")]), waiting]
        ),
        execution(
            "IN_PROGRESS",
            [wave(1, "database", "IN_PROGRESS", [server(1, "IN_PROGRESS"), server(2, "PENDING")]), waiting],
        ),
        execution("IN_PROGRESS", [wave(1, "database", "IN_PROGRESS", [server(1), server(2, "PENDING")]), waiting]),
        execution("IN_PROGRESS", [wave(1, "database", "IN_PROGRESS", [server(1), server(2, "PENDING")]), waiting]),
        execution("IN_PROGRESS", [database, wave(2, "web", "IN_PROGRESS", [server(3, "IN_PROGRESS")])]),
        execution(
            "PARTIAL_SUCCESS", [database, wave(2, "web", "FAILED", [failed], error="1 CRITICAL server did not launch")]
        ),
    ]


def test_plain_lines_tell_every_change_once_and_end_with_the_card(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = list(_story())
    output, card = wavebreak("watch", DRILL).out.split("\n\n", 1)
    assert lines(output) == [
        f"12:03:04Z execution {DRILL} PENDING",
        f"12:03:05Z execution {DRILL} IN_PROGRESS",
        "12:03:05Z wave 1 database IN_PROGRESS",
        "12:03:05Z server s-00000000000000001 IN_PROGRESS",
        "12:03:06Z server s-00000000000000001 LAUNCHED i-00000000000000001",
        "12:03:08Z server s-00000000000000002 LAUNCHED i-00000000000000002",
        "12:03:08Z wave 1 database COMPLETED",
        "12:03:08Z wave 2 web IN_PROGRESS",
        "12:03:08Z server s-00000000000000003 IN_PROGRESS",
        "12:03:09Z server s-00000000000000003 FAILED: LAUNCH_FAILED",
        "12:03:09Z wave 2 web FAILED: 1 CRITICAL server did not launch",
        f"12:03:09Z execution {DRILL} PARTIAL_SUCCESS",
    ]
    assert card.startswith("Recovery Plan: 3TierRecoveryPlan\nStatus: PARTIAL SUCCESS (1 of 2 waves completed)")
    assert f"wavebreak terminate {DRILL}" in card


def test_json_gives_a_line_for_each_change_and_the_execution_last(api: FakeApi, wavebreak: Terminal) -> None:
    story = _story()
    api.readings[DRILL] = list(story)
    output = [json.loads(line) for line in wavebreak("watch", DRILL, "--json").out.splitlines()]
    assert output[-1] == story[-1]
    assert output[4] == {
        "at": "2026-11-21T12:03:06Z",
        "change": "server",
        "waveNumber": 1,
        "sourceServerId": "s-00000000000000001",
        "name": None,
        "status": "LAUNCHED",
        "recoveryInstanceId": "i-00000000000000001",
        "error": None,
    }
    assert [change["change"] for change in output[:4]] == ["execution", "execution", "wave", "server"]


def test_an_execution_that_waits_says_for_what(api: FakeApi, wavebreak: Terminal) -> None:
    waiting = execution("IN_PROGRESS", [wave(1, "web", "AWAITING_APPROVAL", [server(1, "PENDING")])])
    api.readings[DRILL] = [waiting, waiting, execution("CANCELLED", [])]
    out = wavebreak("watch", DRILL).out
    waits = [line for line in out.splitlines() if "waiting for you" in line]
    assert len(waits) == 1
    assert f"wavebreak approve {DRILL} 1 | wavebreak reject {DRILL} 1" in waits[0]


def test_commands_of_waves_are_told_as_they_move(api: FakeApi, wavebreak: Terminal) -> None:
    steps = [[], ["NOT_STARTED", "NOT_STARTED"], ["IN_PROGRESS", "NOT_STARTED"], ["PARTIAL", "IN_PROGRESS"]]
    api.readings[DRILL] = [
        execution(
            "IN_PROGRESS",
            [wave(1, "web", "IN_PROGRESS", [], steps=[wave_command("status", status) for status in step])],
        )
        for step in steps
    ]
    api.readings[DRILL].append(execution("COMPLETED", []))
    output = [line for line in lines(wavebreak("watch", DRILL).out) if "after" in line]
    assert output == [
        "12:03:06Z wave 1 web after: status IN_PROGRESS",
        "12:03:07Z wave 1 web after: status PARTIAL",
        "12:03:07Z wave 1 web after: status IN_PROGRESS",
    ]


def test_termination_is_followed_line_by_line(api: FakeApi, wavebreak: Terminal) -> None:
    waves = [wave(1, "database", "COMPLETED", [server(1), server(2)])]
    steps: list[Json] = [
        {"status": "IN_PROGRESS", "terminated": 0, "remaining": [left("i-1"), left("i-2"), left("i-3")]},
        {"status": "IN_PROGRESS", "terminated": 1, "remaining": [left("i-2")], "unknown": [left("i-3")]},
        {"status": "COMPLETED", "terminated": 3, "remaining": []},
    ]
    api.answers["POST", f"/executions/{DRILL}/terminate"] = (202, execution("COMPLETED", waves, termination=steps[0]))
    api.readings[DRILL] = [execution("COMPLETED", waves, termination=step) for step in steps]
    output = [line for line in wavebreak("terminate", DRILL, "--watch").out.splitlines() if line.startswith("12:")]
    assert output == [
        "12:03:04Z termination IN_PROGRESS (0 terminated, 3 left)",
        "12:03:05Z termination IN_PROGRESS (1 terminated, 1 left, 1 unknown)",
        "12:03:06Z termination COMPLETED (3 terminated)",
    ]


def test_a_lost_connection_is_retried_and_told_once(api: FakeApi, wavebreak: Terminal) -> None:
    down = Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again"), {"Retry-After": "3"})
    api.faults = [down, Fault(0), down]
    api.readings[DRILL] = [execution("COMPLETED", [])]
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 0
    assert lines(outcome.out)[:3] == [
        "12:03:04Z connection LOST: try again; retrying",
        "12:03:13Z connection RESTORED",
        f"12:03:13Z execution {DRILL} COMPLETED",
    ]


def test_a_connection_that_stays_away_ends_the_watch_with_4(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    api.faults = [Fault(500, problem(500, "INTERNAL", "Internal error", "no luck"))] * 400
    assert wavebreak("watch", DRILL).exit_code == 4
    assert 900 < sum(clock.slept) < 910


def test_a_watch_that_is_left_without_the_end_says_that_the_execution_goes_on(
    api: FakeApi, wavebreak: Terminal
) -> None:
    forbidden = problem(403, "FORBIDDEN", "Forbidden", "the security token is expired")
    output = f"hint: The execution goes on. To watch it again, or cancel it:\n    wavebreak watch {DRILL}\n"
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    api.answers["GET", f"/executions/{DRILL}"] = (403, forbidden)
    run = ("run", "three-tier", "--mode", "drill", "--watch")
    outcome = wavebreak(*run)
    assert (outcome.exit_code, output in outcome.err) == (3, True)
    assert json.loads(wavebreak(*run, "--json").err) == {**forbidden, "executionId": DRILL}
    assert output not in wavebreak("watch", DRILL).err  # nothing is known of it
    api.answers.clear()

    def reading_before_the_fault() -> Json:
        api.faults.append(Fault(403, forbidden))
        return execution("IN_PROGRESS", [])

    api.readings[DRILL] = [reading_before_the_fault]
    assert output in wavebreak("watch", DRILL).err


def test_forced_colours_do_not_make_a_pipe_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    around = Environment(out=console_on(io.StringIO()))
    assert around.out.is_terminal
    view = Shell(around).view()
    assert isinstance(view, LineView)


def test_a_refused_watch_ends_at_once(api: FakeApi, wavebreak: Terminal) -> None:
    assert wavebreak("watch", "drill-unknown").exit_code == 3
    assert len(api.requests) == 1


def test_polling_slows_down_while_nothing_changes(api: FakeApi, wavebreak: Terminal, clock: Clock) -> None:
    same = execution("IN_PROGRESS", [])
    api.readings[DRILL] = [*[same] * 150, execution("IN_PROGRESS", [], version=2), execution("COMPLETED", [])]
    wavebreak("watch", DRILL)
    assert clock.slept[:20] == [1.0] * 20
    assert max(clock.slept) == clock.slept[149] == 5.0
    assert clock.slept[150] == 1.0


def launching(api: FakeApi, *phases: Json) -> None:
    """Have a drill launch a server, and `progress` tell one phase after the other."""
    running = execution("IN_PROGRESS", [wave(1, "database", "IN_PROGRESS", [server(1, "IN_PROGRESS", name="db-1")])])
    ended = execution("COMPLETED", [wave(1, "database", "COMPLETED", [server(1, name="db-1")])])
    who = {"waveNumber": 1, "sourceServerId": server(1)["sourceServerId"]}
    api.readings[DRILL] = [*[running] * 16 * len(phases), ended]
    api.readings[f"{DRILL}/progress"] = [{"asOf": None, "servers": [{**who, **output}]} for output in phases]


def phase(name: str, since: str, usual: int | None) -> Json:
    return {"phase": name, "since": f"2026-11-21T{since}.000Z", "usualSeconds": usual}


def test_9_the_live_view_tells_the_phase_of_a_server_the_time_in_it_and_how_long_it_usually_takes(
    api: FakeApi, wavebreak: Terminal
) -> None:
    launching(api, phase("CONVERSION", "11:57:00", 540))
    wavebreak.live, wavebreak.width = True, 120
    assert "CONVERSION 6m of about 9m" in wavebreak("watch", DRILL).out


def test_9_a_run_that_is_watched_tells_phases_too(api: FakeApi, wavebreak: Terminal) -> None:
    launching(api, phase("LAUNCH", "12:03:00", None))
    api.answers["POST", "/drills"] = (202, {"executionId": DRILL})
    wavebreak.live, wavebreak.width = True, 120
    out = wavebreak("run", "three-tier", "--mode", "drill", "--watch").out
    assert re.search(r"LAUNCH \d+s(?! of)", out)


def test_9_plain_lines_tell_each_phase_once(api: FakeApi, wavebreak: Terminal) -> None:
    converting = phase("CONVERSION", "12:03:15", 540)
    launching(api, phase("SNAPSHOT", "12:03:00", 60), converting, converting, phase("LAUNCH", "12:03:50", None))
    named = "server db-1 s-00000000000000001"
    output = [line.split("Z ", 1)[1] for line in lines(wavebreak("watch", DRILL).out) if f"Z {named}" in line]
    assert output == [
        f"{named} IN_PROGRESS",
        f"{named} SNAPSHOT (about 1m)",
        f"{named} CONVERSION (about 9m)",
        f"{named} LAUNCH",
        f"{named} LAUNCHED i-00000000000000001",
    ]


def test_a_terminal_sees_the_live_view_and_then_the_card(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = list(_story())
    api.faults = [Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again"))]
    wavebreak.live = True
    outcome = wavebreak("watch", DRILL)
    assert outcome.exit_code == 2
    assert "no answer for 0s, retrying: try again" in outcome.out
    assert "2 of 3 servers launched" in outcome.out
    assert "In Progress" in outcome.out
    last_frame = outcome.out.rsplit("Recovery Plan", 1)[1]
    assert "PARTIAL SUCCESS (1 of 2 waves completed)" in last_frame
    assert "servers launched" not in last_frame


def test_f22_a_pause_is_told_after_the_server_and_the_wave_that_caused_it(api: FakeApi, wavebreak: Terminal) -> None:
    running = wave(1, "db", "IN_PROGRESS", [server(1, "IN_PROGRESS")])
    failed = wave(1, "db", "FAILED", [server(1, "FAILED", error="no capacity")], error="1 critical server(s) failed")
    api.readings[DRILL] = [
        execution("IN_PROGRESS", [running]),
        execution("PAUSED", [failed], pausedBy=["FAILURE"]),
        execution("FAILED", [failed]),
    ]
    output = [row.split("Z ", 1)[1] for row in wavebreak("watch", DRILL).out.splitlines() if "Z " in row]
    at = [next(n for n, row in enumerate(output) if row.startswith(what)) for what in ("server", "wave 1 db FAILED")]
    assert at == sorted(at)
    assert max(at) < output.index(f"execution {DRILL} PAUSED")


def test_an_instance_that_is_known_after_its_launch_is_told_then(api: FakeApi, wavebreak: Terminal) -> None:
    launched = [server(1, recoveryInstanceId=None)]
    api.readings[DRILL] = [
        execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", launched)]),
        execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [server(1)])]),
        execution("COMPLETED", [wave(1, "db", "COMPLETED", [server(1)])]),
    ]
    rows = [row for row in wavebreak("watch", DRILL).out.splitlines() if "LAUNCHED" in row]
    assert len(rows) == 2
    assert rows[1].endswith(f"i-{1:017}")
