"""The phase of every server, live: which, since when, and how long it usually takes (contract 4)."""

from typing import Any

from tests.support.evidence_runs import job_log, server_shown, shown, wave_shown
from tests.support.evidence_samples import completed_drill, retried_recovery
from tests.support.execution_builders import job_id, later, server_id

from wavebreak.evidence import phase_seconds, phases
from wavebreak.timing import iso


def running(status: str = "IN_PROGRESS", **fields: Any) -> dict[str, Any]:
    return shown("IN_PROGRESS", [wave_shown(1, "IN_PROGRESS", 1, servers=[server_shown(1, status, **fields)])])


def at(seconds: float, status: str = "IN_PROGRESS", **fields: Any) -> dict[str, Any]:
    """What is told of a server whose launch takes 100 seconds and a job that ends 5 s later, so many seconds in."""
    items = [entry for entry in job_log([server_id(1)], 0, 100) if entry["logDateTime"] <= iso(later(seconds))]
    (reported,) = phases(running(status, **fields), {job_id(1): items}, {server_id(1): {"CONVERSION": 540}})
    return {name: reported[name] for name in ("phase", "since", "usualSeconds")}


NONE = {"phase": None, "since": None, "usualSeconds": None}


def test_4_a_server_is_in_the_phase_that_it_came_to_last() -> None:
    assert at(5) == NONE
    assert at(15) == {"phase": "SNAPSHOT", "since": iso(later(10)), "usualSeconds": None}
    assert at(30) == {"phase": "CONVERSION", "since": iso(later(20)), "usualSeconds": 540}
    assert at(70) == {"phase": "LAUNCH", "since": iso(later(60)), "usualSeconds": None}


def test_4_between_two_phases_it_is_still_in_the_earlier_one() -> None:
    items = [entry for entry in job_log([server_id(1)], 0, 100) if entry["event"] in {"SNAPSHOT_START", "SNAPSHOT_END"}]
    assert phases(running(), {job_id(1): items})[0]["phase"] == "SNAPSHOT"


def test_4_each_phase_is_told_from_when_to_when() -> None:
    (reported,) = phases(running(), {job_id(1): job_log([server_id(1)], 0, 100)})
    assert reported["phases"] == [
        {"phase": "SNAPSHOT", "startedAt": iso(later(10)), "endedAt": iso(later(20))},
        {"phase": "CONVERSION", "startedAt": iso(later(20)), "endedAt": iso(later(60))},
        {"phase": "LAUNCH", "startedAt": iso(later(60)), "endedAt": iso(later(100))},
    ]
    assert phases(running(), {})[0]["phases"] == []


def test_4_a_phase_without_an_end_has_not_ended_and_a_launch_before_is_told_too() -> None:
    execution, _, logs = retried_recovery()
    logs[job_id(12)] = logs[job_id(12)][:2]
    reported = phases(execution, logs)[1]["phases"]
    assert reported[-1] == {"phase": "SNAPSHOT", "startedAt": iso(later(1564)), "endedAt": None}
    assert [one["phase"] for one in reported].count("SNAPSHOT") == 2


def test_4_once_launched_it_is_in_none_unless_actions_run_on_it() -> None:
    assert at(101) == at(101, "LAUNCHED") == NONE
    acting = {"phase": "POST_LAUNCH", "since": iso(later(100)), "usualSeconds": None}
    assert at(101, "LAUNCHED", postLaunchActions=True) == acting
    assert at(106, "LAUNCHED", postLaunchActions=True) == NONE


def test_4_a_server_that_drs_calls_launched_is_in_no_phase_though_its_log_lags() -> None:
    assert at(70, "LAUNCHED") == at(70, "FAILED") == NONE


def test_4_every_server_is_told_of_in_the_order_of_the_plan() -> None:
    waves = [wave_shown(1, "COMPLETED", 1, 9), wave_shown(2, "NOT_STARTED")]
    reported = phases(shown("IN_PROGRESS", waves), {})
    assert [(one["waveNumber"], one["sourceServerId"], one["phase"]) for one in reported] == [
        (1, server_id(1), None),
        (2, server_id(2), None),
    ]


def test_4_a_retry_is_told_by_its_own_job() -> None:
    execution, _, logs = retried_recovery()
    execution["waves"][1]["servers"][0]["launchStatus"] = "IN_PROGRESS"
    logs[job_id(12)] = logs[job_id(12)][:2]
    assert (phases(execution, logs)[1]["phase"], phases(execution, logs)[1]["since"]) == ("SNAPSHOT", iso(later(1564)))


def test_4_usual_seconds_are_those_of_an_earlier_run() -> None:
    execution, _, logs = completed_drill()
    measured = phase_seconds(execution, logs)
    assert measured[server_id(1)] == {"SNAPSHOT": 106, "CONVERSION": 424, "LAUNCH": 424}
    retried = phase_seconds(*retried_recovery()[::2])
    assert retried[server_id(2)]["LAUNCH"] == 236
    assert server_id(3) not in retried


def test_4_what_did_not_launch_is_no_measure() -> None:
    execution = shown("FAILED", [wave_shown(1, "FAILED", 1, 99, servers=[server_shown(1, "FAILED")])], 99)
    assert phase_seconds(execution, {job_id(1): job_log([server_id(1)], 0, 100, [server_id(1)])}) == {}
