"""What time is left: RTO, deadlines of waves, and what earlier runs took."""

from datetime import timedelta
from typing import Any

import pytest
from tests.cli.conftest import START, Terminal
from tests.cli.fake_api import DRILL, FakeApi, execution, wave

from wavebreak_cli.views.clocks import clocks

RTO = {"recovery_time": {"objectiveSeconds": 1800, "achievedSeconds": None, "met": None}}
BEGUN = "2026-11-21T12:03:04.000Z"


def running(**more: Any) -> dict[str, Any]:
    return execution("IN_PROGRESS", [wave(1, "db", "IN_PROGRESS", [])], startedAt=BEGUN, **more)


@pytest.mark.parametrize(
    ("minutes", "output"), [(0, "RTO 30m: 30m left"), (18, "RTO 30m: 12m left"), (33, "RTO 30m: passed 3m ago")]
)
def test_f5_the_rto_clock_runs(minutes: int, output: str) -> None:
    assert clocks(running(factors=RTO), START + timedelta(minutes=minutes)) == [output]


@pytest.mark.parametrize(
    ("met", "achieved", "output"),
    [
        (True, 600, "RTO 30m: met, took 10m"),
        (False, 2400, "RTO 30m: missed, took 40m"),
        (False, None, "RTO 30m: missed"),
    ],
)
def test_f5_the_rto_of_what_has_ended_was_met_or_missed(met: bool, achieved: int | None, output: str) -> None:
    factors = {"recovery_time": {"objectiveSeconds": 1800, "achievedSeconds": achieved, "met": met}}
    ended = execution("COMPLETED", [], startedAt=BEGUN, factors=factors, usualSeconds=60)
    assert clocks(ended, START) == [output]


def test_f5_the_wave_that_times_out_first_is_named() -> None:
    waves = [wave(number, "w", "IN_PROGRESS", []) for number in (1, 2)]
    waves[0]["deadlineAt"], waves[1]["deadlineAt"] = "2026-11-21T12:50:00.000Z", "2026-11-21T12:40:00.000Z"
    assert clocks(execution("IN_PROGRESS", waves), START) == ["wave 2 times out 12:40:00Z"]


def test_f5_a_watch_tells_how_long_the_last_drill_took_and_asks_once(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.live = True
    api.readings[DRILL] = [running(factors=RTO), running(factors=RTO), execution("COMPLETED", [])]
    api.listed["/executions"] = [{"executionId": "drill-0", "durationSeconds": 750}]
    shown = wavebreak("watch", DRILL).out
    assert "RTO 30m: 30m left · last drill took 12m" in shown
    (asked,) = (request for request in api.requests if request.path == "/executions")
    assert asked.query == {"planId": "three-tier", "mode": "DRILL", "status": "COMPLETED", "limit": "1"}


def test_f5_a_watch_misses_nothing_where_the_last_drill_is_not_told(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.live = True
    api.readings[DRILL] = [running(), execution("COMPLETED", [])]
    assert wavebreak("watch", DRILL).exit_code == 0


def test_f5_plain_lines_ask_for_no_earlier_run(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [execution("COMPLETED", [])]
    wavebreak("watch", DRILL)
    assert {request.path for request in api.requests} == {f"/executions/{DRILL}"}


def test_f5_a_card_has_the_clocks(api: FakeApi, wavebreak: Terminal) -> None:
    api.readings[DRILL] = [running(factors=RTO)]
    assert "Clocks: RTO 30m: 30m left" in wavebreak("show", DRILL).out
