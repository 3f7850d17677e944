"""Recovery points: listed, and chosen for a whole plan by a moment (contract 4 and 9)."""

import json
from typing import Any

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, execution, server, wave

PATH = "/plans/three-tier/snapshots"


def points(number: int, *hours: int, **more: Any) -> dict[str, Any]:
    found = [{"snapshotId": f"pit-{number}{hour:016}", "at": f"2026-11-21T{hour:02}:00:00.000Z"} for hour in hours]
    known = {"sourceServerId": f"s-{number:017}", "name": f"db-{number}", "waveName": "database"}
    return {**known, "snapshots": found, "more": False, "error": None, **more}


def test_9_each_server_is_listed_with_its_newest_point(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[PATH] = [points(1, 9, 8), points(2, 7, name=None, more=True)]
    outcome = wavebreak("snapshots", "three-tier")
    assert outcome.exit_code == 0
    rows = outcome.out.splitlines()
    assert any("db-1" in row and "2026-11-21 09:00:00Z" in row for row in rows)
    assert "pit-10000000000000009" in outcome.out
    assert "1 and older ones" in outcome.out
    assert "before" not in api.requests[0].query


def test_9_points_are_narrowed_by_a_moment_and_a_server_without_one_is_told(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[PATH] = [points(1, 9), points(2), points(3, error="ThrottlingException: slow down")]
    outcome = wavebreak("snapshots", "three-tier", "--before", "2h")
    assert api.requests[0].query["before"] == "2026-11-21T10:03:04.000Z"
    assert outcome.exit_code == 1
    output = " ".join(outcome.out.split())
    assert "none not later than 2026-11-21 10:03:04Z" in output
    assert "ThrottlingException: slow down" in output


@pytest.mark.parametrize("name", ["db-2", "s-00000000000000002"])
def test_9_all_points_of_one_server_are_shown_as_run_takes_them(api: FakeApi, wavebreak: Terminal, name: str) -> None:
    api.listed[PATH] = [points(1, 9), points(2, 8, 7)]
    shown = wavebreak("snapshots", "three-tier", "--server", name).out
    assert "2026-11-21 08:00:00Z  s-00000000000000002=pit-20000000000000008" in shown
    assert "s-00000000000000002=pit-20000000000000007" in shown
    assert "db-1" not in shown


def test_9_a_server_that_the_plan_does_not_have_is_refused(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[PATH] = [points(1, 9)]
    outcome = wavebreak("snapshots", "three-tier", "--server", "web-1")
    assert (outcome.exit_code, "three-tier has no server web-1" in outcome.err) == (3, True)


def test_9_json_is_the_apis_answer(api: FakeApi, wavebreak: Terminal) -> None:
    api.listed[PATH] = [points(1, 9), points(2, 8)]
    api.page = 1
    output = json.loads(wavebreak("snapshots", "three-tier", "--json").out)
    assert output == {"items": api.listed[PATH], "nextToken": None}


@pytest.mark.parametrize(
    ("given", "sent"),
    [("6h", "2026-11-21T06:03:04.000Z"), ("2026-11-20T02:00:00+02:00", "2026-11-20T00:00:00.000Z")],
)
def test_9_a_whole_plan_goes_back_to_a_moment(api: FakeApi, wavebreak: Terminal, given: str, sent: str) -> None:
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    assert wavebreak("run", "three-tier", "--mode", "drill", "--before", given).exit_code == 0
    assert api.requests[-1].body["before"] == sent


def test_9_the_card_says_from_when_the_servers_come(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [execution("COMPLETED", [], before="2026-11-20T02:00:00.000Z")]
    shown = " ".join(wavebreak("show", DRILL).out.split())
    assert "Comes from: recovery points not later than 2026-11-20 02:00:00Z" in shown


def test_9_what_is_no_moment_starts_nothing(api: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("run", "three-tier", "--mode", "drill", "--before", "yesterday")
    assert outcome.exit_code == 3
    assert "'yesterday' is no time" in outcome.err
    assert api.requests == []


def test_9_the_prompt_of_a_recovery_says_from_when_it_comes(api: FakeApi, wavebreak: Terminal) -> None:
    plan = {"planId": "three-tier", "name": "x", "waves": [{"name": "w", "servers": [{"sourceServerId": "s-1"}]}]}
    api.answers["GET", "/plans/three-tier"] = (200, {"plan": plan, "version": 1})
    api.answers["POST", "/plans/three-tier/validate"] = (200, {"ready": True, "checks": []})
    api.answers["POST", "/recoveries"] = (202, execution("PENDING", [], executionId=RECOVERY, mode="RECOVERY"))
    api.listed["/executions"] = []
    wavebreak.typed = "no"
    start = ("run", "three-tier", "--mode", "recovery")
    output = wavebreak(*start, "--before", "2026-11-20T02:00:00Z").err
    assert "each newest recovery point not later than 2026-11-20 02:00:00Z" in output
    point = f"s-{1:017}=pit-{1:017}"
    output = " ".join(wavebreak(*start, "--snapshot", point).err.split())
    assert "1 server(s): the recovery points given; the newest recovery point of the others" in output
    assert "recovery point" not in wavebreak(*start).err


def test_12_a_time_that_lies_ahead_is_refused_before_anything_is_asked(api: FakeApi, wavebreak: Terminal) -> None:
    outcome = wavebreak("run", "three-tier", "--mode", "recovery", "--before", "2027-11-20T02:00:00Z")
    assert outcome.exit_code == 3
    assert "'2027-11-20T02:00:00Z' lies ahead of the present time, 2026-11-21T12:03:04Z" in outcome.err
    assert api.requests == []


def test_12_servers_are_shown_with_the_recovery_point_that_they_come_from(api: FakeApi, wavebreak: Terminal) -> None:
    come = server(1, name="db-1", snapshotAt="2026-11-20T02:00:00.000Z")
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "db", "COMPLETED", [come, server(2)])])]
    output = wavebreak("show", DRILL, "--servers").out
    assert f"   i-{1:017}  from 2026-11-20 02:00:00Z\n" in output
    assert f"   i-{2:017}\n" in output
    wavebreak.width = 160
    row = next(row for row in wavebreak("show", DRILL, "--servers").out.splitlines() if f"i-{1:017}" in row)
    assert "2026-11-20 02:00:00Z" in row
