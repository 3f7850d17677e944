"""What `wavebreak command` shows: results as they arrive, the outcome in the order given, and nothing that acts."""

import json

import pytest
from tests.cli.conftest import Terminal, lines
from tests.cli.fake_api import COMMAND, FakeApi, Fault, Json, problem, run_reading
from tests.cli.run_stories import BAD, GOOD, LATE, ON_DRILL, started, story

from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked

HOSTILE = "x\x1b[2J\x1b]0;title\x07\u202etxt\rback\ttab"
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


def test_s1_10_results_are_told_as_they_arrive_and_s1_11_listed_in_the_order_given(
    api: FakeApi, wavebreak: Terminal
) -> None:
    summary = story(api)
    outcome = wavebreak("command", "status", "--targets", "s-1,s-2,s-3")
    output, listed = outcome.out.split("\n\n", 1)
    assert lines(output) == [
        f"12:03:04Z run {COMMAND} status on 3 targets IN_PROGRESS",
        "12:03:05Z ✓ s-3  3s",
        "12:03:06Z ✓ s-1  1s",
        "12:03:06Z ✗ s-2  2s: Cannot connect to Qdrant service",
        f"12:03:06Z run {COMMAND} PARTIAL_SUCCESS",
    ]
    assert listed == f"{LISTED}{summary}\n"
    assert (outcome.exit_code, outcome.err) == (2, "")


def test_s0_10_the_summary_is_printed_to_the_character(api: FakeApi, wavebreak: Terminal) -> None:
    story(api)
    out = wavebreak("command", "status", *ON_DRILL).out
    rule = "=" * 60
    assert out.endswith(
        f"\n\n{rule}\nEXECUTION SUMMARY\n{rule}\nTotal repositories: 3\nSucceeded: 2\nFailed: 1\n\n"
        f"Failed repositories:\n  • s-2\n\nStatus: PARTIAL SUCCESS\n{rule}\n"
    )


def test_s1_14_a_sequential_run_tells_each_target_before_it_runs(api: FakeApi, wavebreak: Terminal) -> None:
    story(api, "start")
    api.runs[1] = run_reading({1: GOOD}, 3, asked=Asked("start"))
    output = lines(wavebreak("command", "start", "--targets", "s-1,s-2,s-3").out.split("\n\n", 1)[0])
    assert output[1:] == [
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
    story(api, "stop")
    output = lines(wavebreak("command", "stop", *ON_DRILL).out.split("\n\n", 1)[0])
    assert output[1:4] == ["12:03:05Z [3/3] s-3", "12:03:05Z ✓ s-3  3s", "12:03:06Z [1/3] s-1"]


def _query(api: FakeApi, **more: object) -> None:
    started(api, command="query")
    rows = [
        {"target": "s-3", "score": 0.92, "text": "src/auth/jwt.py:45"},
        {"target": "s-10", "score": 0.5, "text": HOSTILE},
    ]
    results = {1: GOOD, 2: BAD, 3: LATE}
    api.runs = [run_reading(results, 3, asked=Asked("query"), over=True, **{"merged": rows, **more})]


def test_s1_14_a_query_is_one_ranked_list_with_failed_targets_beside_it(api: FakeApi, wavebreak: Terminal) -> None:
    _query(api, mergeLeftOut=7)
    output = lines(wavebreak("command", "query", "auth", *ON_DRILL).out)
    assert output[:6] == [
        "",
        "0.92  s-3   src/auth/jwt.py:45",
        " 0.5  s-10  x\\x1b[2J\\x1b]0;title\\x07\\u202etxt back tab",
        "… 7 more rows found no room",
        "",
        "✗ s-2",
    ]
    assert "  Error: Cannot connect to Qdrant service" in output
    assert not {"  partly", "  auth is up", "✓ s-1"} & set(output)
    assert "Status: PARTIAL SUCCESS" in output


def test_t20_a_query_tells_what_its_answer_is_without(api: FakeApi, wavebreak: Terminal) -> None:
    _query(api, mergeTruncated=2, mergeSkipped=9)
    output = lines(wavebreak("command", "query", "auth", *ON_DRILL).out)
    assert output[3:5] == [
        "… 2 target(s) printed more than Systems Manager returns: rows may be missing, the best ones too",
        "… 9 line(s) were no rows",
    ]
    _query(api, merged=[], mergeTruncated=1)
    assert "… 1 target(s) printed more" in lines(wavebreak("command", "query", "auth", *ON_DRILL).out)[2]


def test_a_query_without_rows_says_so(api: FakeApi, wavebreak: Terminal) -> None:
    _query(api, merged=[])
    assert lines(wavebreak("command", "query", "auth", *ON_DRILL).out)[1] == "no rows"


def test_s1_6_combined_output_is_all_that_is_printed(api: FakeApi, wavebreak: Terminal) -> None:
    summary = story(api)
    outcome = wavebreak("command", "status", *ON_DRILL, "--combined")
    assert outcome.out == ("auth is up\npartly\nERROR in s-2: Cannot connect to Qdrant service\nat all\nweb is up\n")
    assert (outcome.exit_code, outcome.err) == (2, f"{summary}\n")


def test_json_is_one_document_with_the_results_in_the_order_given(api: FakeApi, wavebreak: Terminal) -> None:
    story(api)
    shown, results = api.runs[-1]
    outcome = wavebreak("command", "status", *ON_DRILL, "--json")
    assert json.loads(outcome.out) == {**shown, "results": results}
    assert [result["target"] for result in results] == ["s-1", "s-2", "s-3"]
    assert outcome.err == ""


def test_a_run_that_has_ended_is_shown_without_its_history(api: FakeApi, wavebreak: Terminal) -> None:
    summary = story(api)
    api.runs = api.runs[-1:]
    assert wavebreak("command", "--follow", COMMAND).out == f"\n{LISTED}{summary}\n"
    assert {request.method for request in api.requests} == {"GET"}


def _many(numbers: range) -> dict[int, ExecutionResult]:
    return {number: ExecutionResult.completed(f"s-{number}", 0) for number in numbers}


def test_results_are_read_page_by_page_and_those_known_not_again(api: FakeApi, wavebreak: Terminal) -> None:
    started(api, 130)
    steps = [range(1, 1), range(2, 121), range(1, 121), range(1, 126), range(1, 131)]
    api.runs = [run_reading(_many(step), 130, over=step.stop == 131) for step in steps]
    outcome = wavebreak("command", "status", *ON_DRILL)
    listed = [line for line in lines(outcome.out) if line.startswith("✓ ")]
    assert listed == [f"✓ s-{number}" for number in range(1, 131)]
    reads = [request.query.get("nextToken") for request in api.requests if request.path.endswith("/results")]
    assert reads == [None, "50", "100", None, "50", "100", "100", "100"]


def test_results_that_a_page_left_out_are_there_at_the_end(api: FakeApi, wavebreak: Terminal) -> None:
    started(api, 60)
    api.runs = [run_reading(_many(range(1, 51)), 60), run_reading(_many(range(1, 61)), 60, over=True)]
    shown, results = api.runs[0]
    api.runs[0] = (shown, [*results, {**results[0]}])  # the page that follows the first fifty holds nothing new
    api.runs[1] = (api.runs[1][0], [*api.runs[1][1][50:], *api.runs[1][1][:50]])
    out = wavebreak("command", "status", *ON_DRILL).out
    assert [line for line in lines(out) if line.startswith("✓ ")] == [f"✓ s-{number}" for number in range(1, 61)]


def test_a_lost_connection_is_retried_and_told_once(api: FakeApi, wavebreak: Terminal) -> None:
    down = Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again"))
    story(api)
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


def test_a_terminal_sees_how_many_targets_are_waited_for(api: FakeApi, wavebreak: Terminal) -> None:
    started(api)
    api.runs = [run_reading({1: GOOD}, 3, waiting=2), run_reading({1: GOOD, 2: GOOD, 3: GOOD}, 3, over=True)]
    wavebreak.live = True
    assert "1 of 3 targets · 2 waited for" in wavebreak("command", "status", *ON_DRILL).out


def test_a_terminal_sees_the_live_view_and_then_the_outcome_in_the_order_given(
    api: FakeApi, wavebreak: Terminal
) -> None:
    summary = story(api, "start")
    api.faults = [
        Fault(202, run_reading({}, 3, asked=Asked("start"))[0]),
        Fault(503, problem(503, "UNAVAILABLE", "Unavailable", "try again")),
    ]
    wavebreak.live = True
    outcome = wavebreak("command", "start", "--targets", "s-1,s-2,s-3")
    assert outcome.exit_code == 2
    assert "no answer for 0s, retrying: try again" in outcome.out
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
    started(api, 2, command)
    api.runs = [run_reading({}, 2, asked=asked), run_reading({1: bad, 2: fine}, 2, asked=asked, over=True, **rows)]
    api.lines = [[{"target": HOSTILE, "at": "2026-11-21T12:00:00.001Z", "line": HOSTILE}], []]
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
    story(api)
    wavebreak.encoding = "ascii"
    out = wavebreak("command", "status", *ON_DRILL).out
    assert "x s-2\n  partly\n" in out
    assert "  * s-2\n" in out
