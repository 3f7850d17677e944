"""The report: every field of contract 8, true of runs of every kind, and null where something is not known."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence_runs import APPROVER, job_log, plan_hash
from tests.support.evidence_samples import (
    cancelled_drill,
    completed_drill,
    failed_drill,
    large_drill,
    retried_recovery,
    running_drill,
)
from tests.support.execution_builders import EXECUTION_ID, OPERATOR, instance_id, job_id, later, server_id

from wavebreak.domain.evidence.inputs import CallCounts, ExecutionInput, ServerInput, WaveInput
from wavebreak.evidence import as_json, report, report_hash, verify_report
from wavebreak.timing import iso

FIELDS = [
    "executionId",
    "plan",
    "mode",
    "status",
    "verdict",
    "requestedBy",
    "reason",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "objectives",
    "waves",
    "notExecuted",
    "leftovers",
    "checks",
    "factors",
    "counts",
    "trail",
    "chain",
    "madeAt",
    "final",
    "reportHash",
]


SAMPLES = [completed_drill, cancelled_drill, retried_recovery, failed_drill, running_drill]


@pytest.mark.parametrize("sample", SAMPLES)
def test_8_a_report_has_the_fields_of_the_contract_and_fits_its_seal(sample: Any) -> None:
    made = report(*sample())
    assert list(made) == FIELDS
    assert verify_report(made).intact
    assert made["reportHash"] == report_hash(made) == report_hash(json.loads(as_json(made)))


def test_8_the_report_of_a_drill_that_completed() -> None:
    execution, events, logs = completed_drill()
    made = report(execution, events, logs)
    assert made["plan"] == {
        "planId": "three-tier",
        "name": "3TierRecoveryPlan",
        "version": 4,
        "planHash": plan_hash(execution["plan"]),
        "document": execution["plan"],
    }
    reported = ("mode", "status", "requestedBy", "reason", "durationSeconds", "final")
    assert [made[name] for name in reported] == ["DRILL", "COMPLETED", OPERATOR, "quarterly drill", 3203, True]
    assert made["verdict"]["verdict"] == "PASSED"
    assert made["objectives"] == {
        "rto": {"objectiveSeconds": 3600, "achievedSeconds": 3200, "waitingSeconds": 300, "met": True},
        "rpo": {"objectiveSeconds": 900, "achievedSeconds": 90, "met": True, "worstServer": server_id(1), "unknown": 0},
    }
    assert (made["notExecuted"], made["counts"]) == (
        {"waves": [], "servers": []},
        {"startRecoveryCalls": 3, "retries": 0, "refusals": 0},
    )
    assert made["trail"] == events
    assert made["chain"] == {"intact": True, "head": events[-1]["hash"], "length": len(events)}
    assert made["madeAt"] == iso(later(4000))


def test_8_a_wave_has_times_attempts_approvals_steps_and_servers_with_phases() -> None:
    first, second, _ = report(*completed_drill())["waves"]
    assert first["steps"][0]["status"] == "SUCCEEDED"
    assert first["servers"] == [
        {
            "sourceServerId": server_id(1),
            "name": "db-1",
            "impact": "CRITICAL",
            "launchStatus": "LAUNCHED",
            "recoveryInstanceId": instance_id(1),
            "snapshotAt": iso(later(-90)),
            "phases": [
                {"phase": "SNAPSHOT", "startedAt": iso(later(111)), "endedAt": iso(later(217))},
                {"phase": "CONVERSION", "startedAt": iso(later(217)), "endedAt": iso(later(641))},
                {"phase": "LAUNCH", "startedAt": iso(later(641)), "endedAt": iso(later(1065))},
            ],
            "error": None,
        }
    ]
    assert second["approvals"] == [
        {
            "askedAt": iso(later(1100)),
            "decision": "APPROVED",
            "by": APPROVER,
            "at": iso(later(1400)),
            "reason": "data looks right",
        }
    ]
    assert (second["durationSeconds"], second["jobIds"], second["dependsOn"]) == (900, [job_id(2)], ["database"])
    attempt = {
        "attempt": 1,
        "startedAt": iso(later(1400)),
        "endedAt": iso(later(2300)),
        "status": "COMPLETED",
        "error": None,
    }
    assert second["attempts"] == [attempt]


def test_8_factors_are_the_plans_own_and_the_built_in_ones() -> None:
    made = report(*completed_drill())
    assert made["factors"]["f_order_count"] == 1204
    assert made["factors"]["recovery_time"]["achievedSeconds"] == 3200
    assert made["factors"]["recovery_time"]["waitingSeconds"] == 300
    points = made["factors"]["recovery_point"]
    assert points == {**made["objectives"]["rpo"], "waves": points["waves"]}
    assert [(one["waveNumber"], one["achievedSeconds"], one["worstServer"]) for one in points["waves"]] == [
        (number, 90, server_id(number)) for number in (1, 2, 3)
    ]
    assert (made["factors"]["launch"]["launched"], made["checks"][0]["name"]) == (3, "orders")


def test_8_a_preempted_drill_says_by_whom_and_what_it_left_undone_and_running() -> None:
    made = report(*cancelled_drill())
    assert (made["status"], made["objectives"]["rto"]["achievedSeconds"], made["objectives"]["rto"]["met"]) == (
        "CANCELLED",
        None,
        False,
    )
    why = f"Cancelled by {OPERATOR} at {iso(later(300))}: preempted by recovery-01kahpq7800000000000000009"
    assert [(wave["waveNumber"], wave["servers"], wave["why"]) for wave in made["notExecuted"]["waves"]] == [
        (2, [server_id(2)], why),
        (3, [server_id(3)], why),
    ]
    assert made["notExecuted"]["servers"] == [
        {"waveNumber": 1, "sourceServerId": server_id(4), "why": "The wave is CANCELLED"}
    ]
    left = {"waveNumber": 1, "sourceServerId": server_id(1), "recoveryInstanceId": instance_id(1), "reason": None}
    assert made["leftovers"] == [left]
    assert made["waves"][1]["attempts"] == []


def test_8_a_retried_run_lists_both_attempts_and_both_launches() -> None:
    made = report(*retried_recovery())
    second = made["waves"][1]
    assert [(one["attempt"], one["status"], one["startedAt"]) for one in second["attempts"]] == [
        (1, "FAILED", iso(later(600))),
        (2, "COMPLETED", iso(later(1500))),
    ]
    assert [phase["phase"] for phase in second["servers"][0]["phases"]] == ["SNAPSHOT", "CONVERSION", "LAUNCH"] * 2
    assert made["counts"] == {"startRecoveryCalls": None, "retries": 1, "refusals": None}
    assert made["objectives"]["rto"]["achievedSeconds"] == 2100
    assert made["notExecuted"]["waves"][0]["why"] == f"Skipped by {OPERATOR} at {iso(later(1510))}: not needed"


def test_8_a_failed_run_says_what_held_the_rest_back() -> None:
    made = report(*failed_drill())
    assert made["notExecuted"]["waves"][0]["why"] == "Wave 1 (wave-1) failed, and its onFailure is STOP"
    assert made["waves"][0]["attempts"][0]["error"] == made["waves"][0]["error"]
    assert made["objectives"]["rpo"] == {
        "objectiveSeconds": 900,
        "achievedSeconds": None,
        "met": None,
        "worstServer": None,
        "unknown": 0,
    }
    assert made["leftovers"] == []


def test_8_before_the_end_a_report_is_not_final_and_says_what_is_not_known_yet() -> None:
    execution, events, logs = running_drill()
    made = report(execution, events, logs, made_at=later(700))
    assert (made["final"], made["endedAt"], made["durationSeconds"], made["madeAt"]) == (
        False,
        None,
        700,
        iso(later(700)),
    )
    assert made["objectives"]["rto"]["met"] is None
    assert made["notExecuted"]["waves"][0]["why"] == "Its turn has not come: the execution is IN_PROGRESS"
    assert made["waves"][0]["servers"][0]["phases"][-1]["endedAt"] is None
    assert report(execution, events, logs, made_at=later(3601))["objectives"]["rto"]["met"] is False


def test_8_nothing_known_is_all_null_and_no_crash() -> None:
    made = report({}, [], {})
    assert list(made) == FIELDS
    assert {name for name in FIELDS if made[name] is None} >= {"executionId", "status", "startedAt", "checks", "madeAt"}
    assert made["chain"] == {"intact": True, "head": None, "length": 0}
    assert (made["final"], made["waves"], made["leftovers"]) == (False, [], [])
    assert made["objectives"]["rto"]["met"] is None


def test_8_steps_verdict_and_calls_that_the_execution_does_not_have_are_null() -> None:
    execution, events, logs = failed_drill()
    assert report(execution, events, logs)["waves"][0]["steps"] is None
    del execution["verdict"], execution["checks"]
    made = report(execution, events, logs)
    assert (made["verdict"], made["checks"], made["counts"]["refusals"]) == (None, None, None)


@pytest.mark.parametrize("sample", SAMPLES)
def test_8_no_input_is_changed_and_none_is_shared(sample: Any) -> None:
    run = sample()
    before = copy.deepcopy(run)
    made = report(*run)
    made["plan"]["document"]["waves"].clear()
    made["trail"][0]["data"].clear()
    for wave in made["waves"]:
        wave["servers"].clear()
    assert run == before


def test_8_the_same_inputs_give_the_same_report() -> None:
    assert as_json(report(*completed_drill())) == as_json(report(*completed_drill()))


def test_8_an_instance_and_a_recovery_point_that_only_the_job_log_names_are_taken_from_it() -> None:
    execution, events, logs = failed_drill()
    server = execution["waves"][0]["servers"][0]
    server |= {"launchStatus": "LAUNCHED", "recoveryInstanceId": None, "snapshotAt": None}
    logs[job_id(1)] = job_log([server_id(1)], 5, 890)
    logs[job_id(1)][3]["eventData"]["conversionProperties"] = {"dataTimestamp": iso(later(-30))}
    made = report(execution, events, logs)
    shown_server = made["waves"][0]["servers"][0]
    assert (shown_server["recoveryInstanceId"], shown_server["snapshotAt"]) == ("i-00000000000000001", iso(later(-30)))
    assert made["objectives"]["rpo"]["achievedSeconds"] == 30
    assert made["leftovers"][0]["recoveryInstanceId"] == "i-00000000000000001"


def test_8_logs_of_other_jobs_tell_nothing() -> None:
    execution, events, _ = failed_drill()
    made = report(execution, events, {"drsjob-of-somebody": job_log([server_id(1)], 5, 890)})
    assert made["waves"][0]["servers"][0]["phases"] == []


class Read(dict[str, Any]):
    """An object that remembers which of its fields were asked for."""

    def __init__(self, known: dict[str, Any], asked: set[str]) -> None:
        super().__init__(known)
        self.asked = asked

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


def test_8_what_is_read_is_what_is_declared_and_the_other_way_round() -> None:
    asked: dict[type, set[str]] = {ExecutionInput: set(), WaveInput: set(), ServerInput: set(), CallCounts: set()}
    execution, events, logs = completed_drill()
    for wave in execution["waves"]:
        wave["servers"] = [Read(server, asked[ServerInput]) for server in wave["servers"]]
    execution["waves"] = [Read(wave, asked[WaveInput]) for wave in execution["waves"]]
    execution["waves"][0]["jobIds"] = []
    execution["waves"][1]["approval"] = {}
    execution["calls"] = Read(execution["calls"], asked[CallCounts])
    report(Read(execution, asked[ExecutionInput]), events, logs)
    assert {kind: sorted(names) for kind, names in asked.items()} == {
        kind: sorted(kind.__annotations__) for kind in asked
    }


def terminated(status: str, *, remaining: Any = (), unknown: Any = (), count: int = 0) -> list[dict[str, Any]]:
    execution, events, logs = completed_drill()
    execution["termination"] = {"status": status, "terminated": count, "remaining": remaining, "unknown": unknown}
    execution["instancesTerminated"] = status == "COMPLETED"
    left: list[dict[str, Any]] = report(execution, events, logs)["leftovers"]
    return left


def test_8_leftovers_are_everything_launched_until_a_termination_tells_otherwise() -> None:
    assert len(terminated("NOT_REQUESTED")) == 3
    assert len(terminated("IN_PROGRESS")) == 3
    assert terminated("COMPLETED", count=3) == []
    assert terminated("IN_PROGRESS", count=3) == []


def test_8_what_a_termination_leaves_is_named_with_its_reason() -> None:
    held = {"recoveryInstanceId": instance_id(2), "sourceServerId": server_id(2), "reason": "held by recovery-01k"}
    gone = {"recoveryInstanceId": instance_id(9), "sourceServerId": None, "reason": "gone from DRS"}
    assert terminated("INCOMPLETE", remaining=[held], unknown=[gone], count=2) == [
        {"waveNumber": 2, **{name: held[name] for name in ("sourceServerId", "recoveryInstanceId", "reason")}},
        {"waveNumber": None, "sourceServerId": None, "recoveryInstanceId": instance_id(9), "reason": "gone from DRS"},
    ]


def test_8_older_records_name_what_remains_by_ids_alone() -> None:
    left = terminated("INCOMPLETE", remaining=[instance_id(1), server_id(3)], count=1)
    assert [(one["sourceServerId"], one["reason"]) for one in left] == [(server_id(1), None), (server_id(3), None)]


def test_8_what_is_marked_as_replaced_or_terminated_is_no_leftover() -> None:
    execution, events, logs = completed_drill()
    execution["waves"][0]["servers"][0]["replaced"] = True
    execution["waves"][1]["servers"][0]["terminated"] = True
    assert [one["sourceServerId"] for one in report(execution, events, logs)["leftovers"]] == [server_id(3)]


def test_8_a_broken_trail_is_reported_as_one() -> None:
    execution, events, logs = completed_drill()
    events[2]["actor"] = "somebody else"
    made = report(execution, events, logs)
    assert made["chain"] == {"intact": False, "head": events[-1]["hash"], "length": len(events)}
    assert not verify_report(made).intact


def test_8_a_whole_region_is_reported() -> None:
    made = report(*large_drill(8, 50))
    assert (made["status"], made["factors"]["launch"]["servers"], made["executionId"]) == (
        "PARTIAL_SUCCESS",
        400,
        EXECUTION_ID,
    )
    assert [wave["waveNumber"] for wave in made["waves"] if wave["status"] == "FAILED"] == [7]
    assert len(made["leftovers"]) == made["factors"]["launch"]["launched"]


WORDS = st.none() | st.text(max_size=5) | st.integers(0, 9)


SERVERS = st.fixed_dictionaries(
    {"sourceServerId": st.just(server_id(1))},
    optional={
        "launchStatus": st.sampled_from(["PENDING", "IN_PROGRESS", "LAUNCHED", "FAILED", "TERMINATED"]),
        "recoveryInstanceId": st.none() | st.just(instance_id(1)),
        "snapshotAt": st.none() | st.just("soon") | st.just(iso(later(-5))),
        "error": st.none() | st.text(),
        "postLaunchActions": st.booleans(),
        "started": st.booleans(),
    },
)


WAVES = st.fixed_dictionaries(
    {"waveNumber": st.integers(1, 3)},
    optional={
        "name": st.text(max_size=5),
        "status": st.sampled_from(
            ["NOT_STARTED", "AWAITING_APPROVAL", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]
        ),
        "startedAt": st.none() | st.just(iso(later(1))) | st.text(max_size=3),
        "endedAt": st.none() | st.just(iso(later(9))),
        "servers": st.lists(SERVERS, max_size=3),
        "jobIds": st.lists(st.just(job_id(1)), max_size=2),
        "attempt": st.integers(1, 3),
    },
)


EXECUTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED", "partial", "odd"]),
        "startedAt": st.none() | st.just(iso(later(0))),
        "endedAt": st.none() | st.just(iso(later(9))),
        "waves": st.lists(WAVES, max_size=3),
        "plan": st.none() | st.just({"waves": []}),
        "reason": st.none() | st.text() | st.just("\ud800"),
        "factors": st.dictionaries(st.text(max_size=3), WORDS, max_size=2),
        "termination": st.fixed_dictionaries(
            {}, optional={"status": st.just("INCOMPLETE"), "remaining": st.just(["i-1"])}
        ),
    },
)


@given(EXECUTIONS, st.integers(0, 14))
def test_8_whatever_is_missing_the_report_is_made_whole_and_sealed(execution: Any, items: int) -> None:
    made = report(execution, completed_drill()[1], {job_id(1): job_log([server_id(1)], 0, 9)[:items]})
    assert list(made) == FIELDS
    text = as_json(made)
    text.encode()
    assert report_hash(json.loads(text)) == made["reportHash"]
