"""Recorded errors, from the command to what is printed."""

import json

import pytest
from tests.cli.conftest import Terminal, lines
from tests.cli.fake_api import DRILL, FakeApi, Json


def error(number: int = 1, **more: object) -> Json:
    return {
        "errorId": f"err-{number:026}",
        "at": "2026-11-21T12:00:00.000Z",
        "severity": "ERROR",
        "category": "DATABASE",
        "service": "StartWave",
        "errorType": "ClientError",
        "message": "no table",
        "stackTrace": None,
        "context": {},
        "executionId": DRILL,
        **more,
    }


SUMMARY: Json = {
    "hours": 24,
    "total": 3,
    "bySeverity": {"DEBUG": 0, "INFO": 0, "WARNING": 2, "ERROR": 0, "CRITICAL": 1},
    "byCategory": {"DRS": 2, "CONFIGURATION": 1},
    "byService": {"Observe": 3},
    "byType": {"ThrottlingException": 2, "MissingSettingError": 1},
    "hourly": [],
    "lastHour": {"WARNING": 1, "CRITICAL": 1},
    "critical": [error(severity="CRITICAL", category="CONFIGURATION", message="TABLE_NAME is not set")],
}


def test_s3_13_errors_are_filtered_by_the_api_and_read_page_by_page(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/errors"] = [error(number) for number in range(5)]
    api.page = 2
    output = wavebreak(
        "errors", "--severity", "error", "--category", "database", "--hours", "48", "--limit", "3", "--json"
    )
    assert [item["errorId"] for item in json.loads(output.out)["items"]] == [f"err-{number:026}" for number in range(3)]
    asked = {"severity": "ERROR", "category": "DATABASE", "hours": "48", "limit": "3"}
    assert api.requests[0].query == asked
    assert len(api.requests) == 2


def test_errors_have_one_line_where_there_is_room_and_three_where_not(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/errors"] = [error()]
    assert lines(wavebreak("errors").out) == [
        "ERROR  ClientError: no table",
        f"  2026-11-21 12:00:00Z  DATABASE  StartWave  {DRILL}",
        "  err-00000000000000000000000001",
    ]
    wavebreak.width = 200
    assert lines(wavebreak("errors").out)[-1].split() == [
        *("2026-11-21", "12:00:00Z", "ERROR", "DATABASE", "StartWave", "ClientError:", "no", "table", DRILL)
    ]


def test_no_errors_are_told(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed["/errors"] = []
    assert wavebreak("errors").out == "no errors\n"


def test_s3_12_the_summary_counts_and_names_what_is_critical(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["GET", "/errors/summary"] = (200, SUMMARY)
    output = lines(wavebreak("errors", "--summary").out)
    assert output[0] == "3 errors in 24 h"
    rows = [line.split() for line in output]
    assert ["CRITICAL", "1", "1"] in rows
    assert ["WARNING", "2", "1"] in rows
    assert ["DRS", "2"] in rows
    assert "CRITICAL  ClientError: TABLE_NAME is not set" in output
    assert api.requests[0].query == {"hours": "24"}
    assert json.loads(wavebreak("errors", "--summary", "--json").out) == SUMMARY


@pytest.mark.parametrize(
    "arguments", [("--severity", "bad"), ("--hours", "0"), ("--limit", "0"), ("--summary", "--severity", "error")]
)
def test_wrong_usage_of_errors_is_refused_before_any_call(
    api: FakeApi, wavebreak: Terminal, arguments: tuple[str, ...]
) -> None:
    assert wavebreak("errors", *arguments).exit_code == 3
    assert not api.requests


def test_hostile_text_in_an_error_is_shown_and_never_obeyed(api: FakeApi, wavebreak: Terminal) -> None:
    hostile = "\x1b[2J[red]x[/red]\u202e"
    api.listed["/errors"] = [error(message=hostile, service=hostile, errorType=hostile)]
    for width in (80, 200):
        wavebreak.width = width
        assert not {"\x1b", "\u202e"} & set(wavebreak("errors").out)


def test_f21_errors_that_say_the_same_are_one_and_those_of_an_execution_are_found(
    api: FakeApi, wavebreak: Terminal
) -> None:
    same = {"errorType": "Throttled", "message": "too many"}
    others = [error(16, executionId="drill-other", **same), error(17, **{**same, "message": "other"})]
    api.listed["/errors"] = [*(error(n, **same) for n in range(16)), *others]
    wavebreak.width = 200
    output = wavebreak("errors", "-n", "50").out
    assert "x16  Throttled: too many" in output
    assert len(output.splitlines()) == 5
    mine = json.loads(wavebreak("errors", "--execution", DRILL, "--json").out)["items"]
    assert [item["errorId"] for item in mine] == [error(n)["errorId"] for n in (*range(16), 17)]
