"""`wavebreak command`: what is refused, what is asked of the API, what is shown as results arrive and at the end."""

import json
import socket
from datetime import UTC, datetime

import pytest
from tests.cli.conftest import Clock, Terminal, lines
from tests.cli.fake_api import COMMAND, DRILL, FakeApi, Fault, Json, problem, run_reading

from wavebreak.catalogue import COMMAND_NAMES
from wavebreak.command_runs import Asked
from wavebreak.outcomes import ExecutionResult
from wavebreak.tallies import RunStatus, generate_summary

GOOD = ExecutionResult.completed("s-1", 0, "auth is up\n").timed(datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC), 1)
BAD = ExecutionResult.completed("s-2", 1, "partly\n", "Cannot connect to Qdrant service\nat all\n").timed(
    datetime(2026, 11, 21, 12, 3, 1, tzinfo=UTC), 2
)
LATE = ExecutionResult.completed("s-3", 0, "web is up").timed(datetime(2026, 11, 21, 12, 3, 2, tzinfo=UTC), 3)
HOSTILE = "x\x1b[2J\x1b]0;title\x07\u202etxt\rback\ttab"
ON_DRILL = ("--execution", DRILL)
OUTCOMES = {
    RunStatus.COMPLETE_SUCCESS: {1: GOOD, 3: LATE},
    RunStatus.COMPLETE_FAILURE: {1: BAD},
    RunStatus.PARTIAL_SUCCESS: {1: GOOD, 2: BAD},
}


def _started(api: FakeApi, total: int = 3, command: str = "status") -> None:
    api.answers["POST", "/commands"] = (202, run_reading({}, total, asked=Asked(command))[0])


def _story(api: FakeApi, command: str = "status") -> str:
    """Let three targets end, the second one badly, in another order than given; gives the summary."""
    asked = Asked(command)
    _started(api, command=command)
    api.runs = [
        run_reading({}, 3, asked=asked),
        run_reading({3: LATE}, 3, asked=asked),
        run_reading({1: GOOD, 2: BAD, 3: LATE}, 3, asked=asked, over=True),
    ]
    return generate_summary([GOOD, BAD, LATE])


LISTED = """\
✓ s-1
  auth is up

✗ s-2
  partly
  Error: Cannot connect to Qdrant service
  at all
  Hint: Check that the service it connects to runs, and that security groups and routes let it through.
  Started 2026-11-21T12:03:01.000Z, took 2.0s

✓ s-3
  web is up
"""


@pytest.mark.parametrize("status", list(RunStatus))
@pytest.mark.parametrize("more", [(), ("--json",), ("--combined",)])
def test_the_exit_code_is_that_of_the_run(
    api: FakeApi, wavebreak: Terminal, status: RunStatus, more: tuple[str, ...]
) -> None:
    results = OUTCOMES[status]
    _started(api, len(results))
    api.runs = [run_reading(dict(enumerate(results.values(), start=1)), len(results), over=True)]
    assert wavebreak("command", "status", *ON_DRILL, *more).exit_code == status.exit_code
    assert wavebreak("command", "--follow", COMMAND, *more).exit_code == status.exit_code


def test_s1_14_an_unsupported_command_is_3_before_any_call_and_lists_the_seven(
    api: FakeApi, wavebreak: Terminal
) -> None:
    for name in ("reboot", "Status", "status ", "rm -rf"):
        outcome = wavebreak("command", name, *ON_DRILL)
        assert (outcome.exit_code, outcome.out) == (3, "")
        assert f"Supported commands: {', '.join(COMMAND_NAMES)}" in outcome.err
        assert "code: UNSUPPORTED_COMMAND\n" in outcome.err
    told = json.loads(wavebreak("command", "reboot", *ON_DRILL, "--json").err)
    assert (told["code"], told["supported"]) == ("UNSUPPORTED_COMMAND", list(COMMAND_NAMES))
    assert not api.requests


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("status",),
        ("status", "--targets", ""),
        ("status", "--targets", " , ", *ON_DRILL),
        ("status", *ON_DRILL, "--timeout", "0"),
        ("status", *ON_DRILL, "--timeout", "soon"),
        ("query", *ON_DRILL, "--limit", "-1"),
        ("query", *ON_DRILL, "--limit", "1001"),
        ("status", *ON_DRILL, "--nonsense"),
        ("status", *ON_DRILL, "--json", "--combined"),
        ("status", "--follow", COMMAND),
        ("--follow", COMMAND, "--cancel", COMMAND),
        ("--cancel", COMMAND, *ON_DRILL),
        ("--follow", ".."),
        ("query", "a\0b", *ON_DRILL),
        ("query", "a" * 257, *ON_DRILL),
        ("query", *["a"] * 21, *ON_DRILL),
    ],
)
def test_wrong_usage_is_3_and_asks_nothing_of_the_api(
    api: FakeApi, wavebreak: Terminal, arguments: tuple[str, ...]
) -> None:
    outcome = wavebreak("command", *arguments)
    assert (outcome.exit_code, outcome.out) == (3, "")
    assert outcome.err
    assert not api.requests


def test_bad_arguments_are_told_each_where_it_is(api: FakeApi, wavebreak: Terminal) -> None:
    told = lines(wavebreak("command", "query", "fine", "a\0b", *ON_DRILL).err)
    assert told[1] == "  /args/1: must not hold a NUL character"
    assert not api.requests


@pytest.mark.parametrize(("status", "code"), [(400, 3), (404, 3), (409, 3), (500, 4), (503, 4)])
def test_a_refused_command_is_3_and_a_failing_api_4(api: FakeApi, wavebreak: Terminal, status: int, code: int) -> None:
    errors = [{"pointer": "/targets/0", "message": "is no server that this execution launched"}]
    api.faults = [Fault(status, problem(status, "SOME_CODE", "Title", "Detail", errors=errors))] * 4
    outcome = wavebreak("command", "status", "--targets", "s-9")
    assert (outcome.exit_code, outcome.out) == (code, "")
    assert "/targets/0: is no server that this execution launched" in outcome.err


def test_an_api_that_cannot_be_reached_is_4(wavebreak: Terminal) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        assert wavebreak("--api-url", url, "command", "status", *ON_DRILL).exit_code == 4


def test_everything_given_is_asked_for_and_nothing_else(api: FakeApi, wavebreak: Terminal) -> None:
    _started(api)
    api.runs = [run_reading({}, 0, over=True)]
    given = ("--targets", "s-1, s-2", "--targets", "i-3", "--timeout", "5", "--limit", "0", "--stop-on-failure")
    wavebreak("command", "query", *given, *ON_DRILL, "--", "--since", "; touch x")
    request = api.requests[0]
    assert request.body == {
        "command": "query",
        "args": ["--since", "; touch x"],
        "targets": ["s-1", "s-2", "i-3"],
        "executionId": DRILL,
        "timeoutSeconds": 5,
        "limit": 0,
        "stopOnFailure": True,
    }
    assert request.headers["idempotency-key"] == "key-1"
    wavebreak("command", "status", *ON_DRILL)
    posted = [request.body for request in api.requests if request.method == "POST"]
    assert posted[1:] == [{"command": "status", "executionId": DRILL}]


def test_s1_10_results_are_told_as_they_arrive_and_s1_11_listed_in_the_order_given(
    api: FakeApi, wavebreak: Terminal
) -> None:
    summary = _story(api)
    outcome = wavebreak("command", "status", "--targets", "s-1,s-2,s-3")
    told, listed = outcome.out.split("\n\n", 1)
    assert lines(told) == [
        f"12:03:04Z run {COMMAND} status on 3 targets IN_PROGRESS",
        "12:03:05Z ✓ s-3  3s",
        "12:03:06Z ✓ s-1  1s",
        "12:03:06Z ✗ s-2  2s: Cannot connect to Qdrant service",
        f"12:03:06Z run {COMMAND} PARTIAL_SUCCESS",
    ]
    assert listed == f"{LISTED}{summary}\n"
    assert (outcome.exit_code, outcome.err) == (2, "")


def test_s0_10_the_summary_is_printed_to_the_character(api: FakeApi, wavebreak: Terminal) -> None:
    _story(api)
    out = wavebreak("command", "status", *ON_DRILL).out
    rule = "=" * 60
    assert out.endswith(
        f"\n\n{rule}\nEXECUTION SUMMARY\n{rule}\nTotal repositories: 3\nSucceeded: 2\nFailed: 1\n\n"
        f"Failed repositories:\n  • s-2\n\nStatus: PARTIAL SUCCESS\n{rule}\n"
    )


def test_s1_14_a_sequential_run_tells_each_target_before_it_runs(api: FakeApi, wavebreak: Terminal) -> None:
    _story(api, "start")
    api.runs[1] = run_reading({1: GOOD}, 3, asked=Asked("start"))
    told = lines(wavebreak("command", "start", "--targets", "s-1,s-2,s-3").out.split("\n\n", 1)[0])
    assert told[1:] == [
        "12:03:04Z [1/3] s-1",
        "12:03:05Z ✓ s-1  1s",
        "12:03:05Z [2/3] s-2",
        "12:03:06Z ✗ s-2  2s: Cannot connect to Qdrant service",
        "12:03:06Z [3/3] s-3",
        "12:03:06Z ✓ s-3  3s",
        f"12:03:06Z run {COMMAND} PARTIAL_SUCCESS",
    ]


def test_a_sequential_run_whose_targets_are_not_known_before_counts_them_as_they_end(
    api: FakeApi, wavebreak: Terminal
) -> None:
    _story(api, "stop")
    told = lines(wavebreak("command", "stop", *ON_DRILL).out.split("\n\n", 1)[0])
    assert told[1:4] == ["12:03:05Z [3/3] s-3", "12:03:05Z ✓ s-3  3s", "12:03:06Z [1/3] s-1"]


def _query(api: FakeApi, **more: object) -> None:
    _started(api, command="query")
    rows = [
        {"target": "s-3", "score": 0.92, "text": "src/auth/jwt.py:45"},
        {"target": "s-10", "score": 0.5, "text": HOSTILE},
    ]
    results = {1: GOOD, 2: BAD, 3: LATE}
    api.runs = [run_reading(results, 3, asked=Asked("query"), over=True, **{"merged": rows, **more})]


def test_s1_14_a_query_is_one_ranked_list_with_failed_targets_beside_it(api: FakeApi, wavebreak: Terminal) -> None:
    _query(api, mergeLeftOut=7)
    told = lines(wavebreak("command", "query", "auth", *ON_DRILL).out)
    assert told[:6] == [
        "",
        "0.92  s-3   src/auth/jwt.py:45",
        " 0.5  s-10  x\\x1b[2J\\x1b]0;title\\x07\\u202etxt back tab",
        "… 7 more rows found no room",
        "",
        "✗ s-2",
    ]
    assert "  Error: Cannot connect to Qdrant service" in told
    assert not {"  partly", "  auth is up", "✓ s-1"} & set(told)
    assert "Status: PARTIAL SUCCESS" in told


def test_a_query_without_rows_says_so(api: FakeApi, wavebreak: Terminal) -> None:
    _query(api, merged=[])
    assert lines(wavebreak("command", "query", "auth", *ON_DRILL).out)[1] == "no rows"


def test_s1_6_combined_output_is_all_that_is_printed(api: FakeApi, wavebreak: Terminal) -> None:
    summary = _story(api)
    outcome = wavebreak("command", "status", *ON_DRILL, "--combined")
    assert outcome.out == ("auth is up\npartly\nERROR in s-2: Cannot connect to Qdrant service\nat all\nweb is up\n")
    assert (outcome.exit_code, outcome.err) == (2, f"{summary}\n")


def test_json_is_one_document_with_the_results_in_the_order_given(api: FakeApi, wavebreak: Terminal) -> None:
    _story(api)
    shown, results = api.runs[-1]
    outcome = wavebreak("command", "status", *ON_DRILL, "--json")
    assert json.loads(outcome.out) == {**shown, "results": results}
    assert [result["target"] for result in results] == ["s-1", "s-2", "s-3"]
    assert outcome.err == ""


def test_a_run_that_has_ended_is_shown_without_its_history(api: FakeApi, wavebreak: Terminal) -> None:
    summary = _story(api)
    api.runs = api.runs[-1:]
    assert wavebreak("command", "--follow", COMMAND).out == f"\n{LISTED}{summary}\n"
    assert {request.method for request in api.requests} == {"GET"}


def _many(numbers: range) -> dict[int, ExecutionResult]:
    return {number: ExecutionResult.completed(f"s-{number}", 0) for number in numbers}


def test_results_are_read_page_by_page_and_those_known_not_again(api: FakeApi, wavebreak: Terminal) -> None:
    _started(api, 130)
    steps = [range(1, 1), range(2, 121), range(1, 121), range(1, 126), range(1, 131)]
    api.runs = [run_reading(_many(step), 130, over=step.stop == 131) for step in steps]
    outcome = wavebreak("command", "status", *ON_DRILL)
    listed = [line for line in lines(outcome.out) if line.startswith("✓ ")]
    assert listed == [f"✓ s-{number}" for number in range(1, 131)]
    reads = [request.query.get("nextToken") for request in api.requests if request.path.endswith("/results")]
    assert reads == [None, "50", "100", None, "50", "100", "100", "100"]


def test_results_that_a_page_left_out_are_there_at_the_end(api: FakeApi, wavebreak: Terminal) -> None:
    _started(api, 60)
    api.runs = [run_reading(_many(range(1, 51)), 60), run_reading(_many(range(1, 61)), 60, over=True)]
    shown, results = api.runs[0]
    api.runs[0] = (shown, [*results, {**results[0]}])  # the page that follows the first fifty holds nothing new
    api.runs[1] = (api.runs[1][0], [*api.runs[1][1][50:], *api.runs[1][1][:50]])
    out = wavebreak("command", "status", *ON_DRILL).out
    assert [line for line in lines(out) if line.startswith("✓ ")] == [f"✓ s-{number}" for number in range(1, 61)]


def test_ctrl_c_leaves_a_command_going_on_and_says_how_to_cancel_it(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    _story(api)
    clock.interrupt_at = 1
    outcome = wavebreak("command", "status", *ON_DRILL)
    assert outcome.exit_code == 130
    assert f"wavebreak command --follow {COMMAND}" in outcome.err
    assert f"wavebreak command --cancel {COMMAND}" in outcome.err
    assert [request.path for request in api.requests if request.method == "POST"] == ["/commands"]


def test_ctrl_c_before_the_api_answered_says_that_the_command_may_run(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    clock.interrupt_at = 1
    api.faults = [Fault(503)]
    outcome = wavebreak("command", "status", *ON_DRILL)
    assert (outcome.exit_code, outcome.out) == (130, "")
    assert "the command may run" in outcome.err


def test_a_run_is_cancelled_by_its_id(api: FakeApi, wavebreak: Terminal) -> None:
    path = f"/commands/{COMMAND}/cancel"
    api.answers["POST", path] = (202, {"commandId": COMMAND, "status": "CANCELLING"})
    outcome = wavebreak("command", "--cancel", COMMAND)
    assert (outcome.exit_code, outcome.out) == (0, f"✓ {COMMAND} is CANCELLING\n")
    assert api.requests[0].headers["idempotency-key"] == "key-1"
    api.answers["POST", path] = (409, problem(409, "INVALID_STATE", "Not possible in this state", "it has ended"))
    assert wavebreak("command", "--cancel", COMMAND).exit_code == 3


def test_a_lost_connection_is_retried_and_told_once(api: FakeApi, wavebreak: Terminal) -> None:
    down = Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again"))
    _story(api)
    api.faults = [Fault(202, run_reading({}, 3)[0]), down, Fault(0), down]
    outcome = wavebreak("command", "status", *ON_DRILL)
    assert outcome.exit_code == 2
    assert lines(outcome.out)[:3] == [
        "12:03:04Z connection LOST: try again; retrying",
        "12:03:11Z connection RESTORED",
        f"12:03:11Z run {COMMAND} status on 3 targets IN_PROGRESS",
    ]
    for quiet in ("--json", "--combined"):
        api.runs = [run_reading({1: GOOD}, 1, over=True)]
        api.faults = [down]
        assert "connection" not in wavebreak("command", "--follow", COMMAND, quiet).out


def test_a_terminal_sees_the_live_view_and_then_the_outcome_in_the_order_given(
    api: FakeApi, wavebreak: Terminal
) -> None:
    summary = _story(api, "start")
    api.faults = [
        Fault(202, run_reading({}, 3, asked=Asked("start"))[0]),
        Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again")),
    ]
    wavebreak.live = True
    outcome = wavebreak("command", "start", "--targets", "s-1,s-2,s-3")
    assert outcome.exit_code == 2
    assert "connection lost, retrying for 0s: try again" in outcome.out
    assert "[1/3] s-1" in outcome.out
    assert "1 of 3 targets" in outcome.out
    assert "3 of 3 targets · 1 failed" in outcome.out
    end = outcome.out.rsplit("3 of 3 targets", 1)[1]
    assert end.index("  auth is up") < end.index("  Error: Cannot connect to Qdrant service") < end.index("  web is up")
    assert end.rstrip("\n").endswith(summary.lstrip("\n"))


def _said(wavebreak: Terminal, *arguments: str) -> str:
    outcome = wavebreak("command", *arguments)
    return outcome.out + outcome.err


@pytest.mark.parametrize("command", ["status", "start", "query", "watch"])
@pytest.mark.parametrize("more", [(), ("--combined",)])
def test_s1_12_hostile_output_never_acts_on_the_terminal(
    api: FakeApi, wavebreak: Terminal, command: str, more: tuple[str, ...]
) -> None:
    bad = ExecutionResult(HOSTILE, success=False, stdout=HOSTILE, stderr=f"\n{HOSTILE}", exit_code=1)
    fine = ExecutionResult(HOSTILE, success=True, stdout=HOSTILE, stderr=HOSTILE, exit_code=0)
    asked = Asked(command)
    rows: Json = {"merged": [{"target": HOSTILE, "score": 1, "text": HOSTILE}], "summary": HOSTILE}
    _started(api, 2, command)
    api.runs = [run_reading({}, 2, asked=asked), run_reading({1: bad, 2: fine}, 2, asked=asked, over=True, **rows)]
    api.lines = [[{"target": HOSTILE, "at": 1, "line": HOSTILE}], []]
    for live in (False, True):
        wavebreak.live = live
        text = _said(wavebreak, command, *ON_DRILL, *more)
        api.runs.insert(0, run_reading({}, 2, asked=asked))
        assert "\\x1b[2J\\x1b]0;title\\x07\\u202etxt" in text
        assert not {"\x07", "\u202e"} & set(text)
        assert "\x1b[2J" not in text
        assert "\x1b]0" not in text
        assert live or not {"\x1b", "\r"} & set(text)


def test_a_terminal_that_is_not_utf_8_gets_ascii(api: FakeApi, wavebreak: Terminal) -> None:
    _story(api)
    wavebreak.encoding = "ascii"
    out = wavebreak("command", "status", *ON_DRILL).out
    assert "x s-2\n  partly\n" in out
    assert "  * s-2\n" in out


WATCHED = ExecutionResult.cancelled("s-1")


def _watched(api: FakeApi, *, over: bool = True) -> None:
    asked = Asked("watch")
    _started(api, 2, "watch")
    slow = ExecutionResult.timed_out("s-2", 300)
    api.runs = [run_reading({1: WATCHED, 2: slow} if over else {}, 2, asked=asked, over=over)]
    api.lines = [
        [{"target": "s-2", "at": 2, "line": "two"}, {"target": "s-1", "at": 1, "line": "one\nand a half\n"}],
        [],
        [{"target": "s-1", "at": 3, "line": "three"}],
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


def test_watched_lines_in_json_are_objects_before_the_run(api: FakeApi, wavebreak: Terminal) -> None:
    _watched(api)
    told = [json.loads(line) for line in wavebreak("command", "watch", *ON_DRILL, "--json").out.splitlines()]
    assert [line["line"] for line in told[:-1]] == ["one\nand a half\n", "two", "three"]
    assert (told[-1]["status"], len(told[-1]["results"])) == ("COMPLETE_FAILURE", 2)


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
    ("fault", "told"),
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
    api: FakeApi, wavebreak: Terminal, clock: Clock, fault: Fault, told: str | None
) -> None:
    _watched(api)
    clock.interrupt_at = 1
    assert isinstance(fault.body, dict)
    api.answers["POST", f"/commands/{COMMAND}/cancel"] = (fault.status, fault.body)
    outcome = wavebreak("command", "watch", *ON_DRILL)
    assert outcome.exit_code == 130
    assert (told in outcome.err) if told else ("EXECUTION SUMMARY" in outcome.out)
    assert (f"wavebreak command --cancel {COMMAND}" in outcome.err) == bool(told)


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
