"""What a report tells of approvals, waiting, and waves and servers that never started."""

from tests.support.evidence_runs import APPROVER, Trail, server_shown, shown, to, wave_shown, wave_to
from tests.support.evidence_samples import (
    failed_drill,
    retried_recovery,
)
from tests.support.execution_builders import OPERATOR, later, server_id
from tests.support.reported_runs import approvals, asked

from wavebreak.evidence import report
from wavebreak.timing import iso


def test_8_an_approval_that_is_waited_for_has_no_decision() -> None:
    (only,) = approvals(asked(), "AWAITING_APPROVAL")
    assert only == {"askedAt": iso(later(0)), "decision": None, "by": None, "at": None, "reason": None}


def test_8_a_rejected_wave_that_is_retried_is_asked_about_again() -> None:
    trail = asked()
    trail.tell(10, wave_to(1, "FAILED", "AWAITING_APPROVAL"), actor=APPROVER, reason="not today")
    trail.tell(20, wave_to(1, "AWAITING_APPROVAL", "FAILED"), actor=OPERATOR)
    trail.tell(30, wave_to(1, "SKIPPED", "AWAITING_APPROVAL"), actor=OPERATOR)
    reported = approvals(trail, "SKIPPED")
    assert [(one["decision"], one["by"], one["at"], one["reason"]) for one in reported] == [
        ("REJECTED", APPROVER, iso(later(10)), "not today"),
        ("SKIPPED", OPERATOR, iso(later(30)), None),
    ]


def test_8_a_rejection_by_the_clock_is_one_and_an_end_without_an_answer_is_none() -> None:
    rejected, ended = asked(), asked()
    rejected.tell(60, wave_to(1, "FAILED", "AWAITING_APPROVAL"))
    ended.tell(60, to("FAILED", "IN_PROGRESS"), wave_to(1, "FAILED", "AWAITING_APPROVAL"))
    assert [one["decision"] for one in approvals(rejected, "FAILED")] == ["REJECTED"]
    assert approvals(rejected, "FAILED")[0]["by"] == "wavebreak"
    assert [(one["decision"], one["by"]) for one in approvals(ended, "FAILED")] == [("NOT_GIVEN", None)]


def test_8_an_approval_given_in_a_pause_is_known_before_it_takes_effect() -> None:
    word = {"askedAt": iso(later(0)), "by": APPROVER, "at": iso(later(9)), "reason": "go"}
    (early,) = approvals(asked(), "AWAITING_APPROVAL", approval=word)
    assert (early["decision"], early["by"], early["at"]) == ("APPROVED", APPROVER, iso(later(9)))
    assert approvals(Trail(), "COMPLETED", approval=word) == [{**early, "askedAt": iso(later(0))}]
    assert approvals(Trail(), "AWAITING_APPROVAL", approval={"askedAt": iso(later(0)), "by": None}) == []


def test_8_a_rejected_wave_never_started_and_says_so() -> None:
    trail = asked()
    trail.tell(10, wave_to(1, "FAILED", "AWAITING_APPROVAL"), to("FAILED"), actor=APPROVER, reason="no")
    wave = wave_shown(1, "FAILED", None, 10, error="Rejected: no")
    made = report(shown("FAILED", [wave], 10), trail.events, {})
    assert made["notExecuted"]["waves"][0]["why"] == "Rejected: no"
    assert made["waves"][0]["attempts"] == [
        {"attempt": 1, "startedAt": None, "endedAt": iso(later(10)), "status": "FAILED", "error": "Rejected: no"}
    ]


def test_8_attempts_that_the_execution_has_itself_are_taken_as_they_are() -> None:
    execution, events, logs = retried_recovery()
    own = [{"attempt": 1, "startedAt": None, "endedAt": None, "status": "FAILED", "error": "because"}]
    execution["waves"][1]["attempts"] = own
    assert report(execution, events, logs)["waves"][1]["attempts"] == own


def test_8_a_wave_whose_dependency_did_not_complete_names_it() -> None:
    waves = [wave_shown(1, "CANCELLED", None, 5), wave_shown(2, "NOT_STARTED")]
    made = report({**shown("CANCELLED", waves, 5), "plan": None}, [], {})
    assert [wave["why"] for wave in made["notExecuted"]["waves"]] == [
        "Cancelled",
        "It depends on wave 1 (wave-1), which is CANCELLED",
    ]
    alone = report({**shown("FAILED", [{**waves[1], "dependsOn": []}], 5), "plan": None}, [], {})
    assert alone["notExecuted"]["waves"][0]["why"] == "The execution ended FAILED before its turn"


def test_8_a_wave_that_waits_for_its_approval_has_not_started() -> None:
    made = report(shown("IN_PROGRESS", [wave_shown(1, "AWAITING_APPROVAL")]), asked().events, {})
    assert made["notExecuted"]["waves"][0]["why"] == "Waits for an approval"


def test_8_a_server_that_was_never_started_says_why() -> None:
    servers = [server_shown(1), server_shown(2, "PENDING", error="no room under the quota")]
    wave = wave_shown(1, "FAILED", 1, 60, servers=servers, error="Timed out after 1 minute(s)")
    made = report(shown("FAILED", [wave], 61), [], {})
    assert made["notExecuted"]["servers"] == [
        {"waveNumber": 1, "sourceServerId": server_id(2), "why": "no room under the quota"}
    ]


def test_8_waiting_before_a_wave_is_over_when_its_first_step_or_job_began() -> None:
    execution, events, logs = failed_drill()
    execution["plan"]["waves"][0]["waitBeforeSeconds"] = 300
    assert report(execution, events, logs)["objectives"]["rto"]["waitingSeconds"] == 4
    assert report(execution, events, {})["objectives"]["rto"]["waitingSeconds"] == 300
    execution["waves"][0]["steps"] = [{"kind": "command", "startedAt": iso(later(3))}]
    assert report(execution, events, logs)["objectives"]["rto"]["waitingSeconds"] == 2


def test_8_a_server_that_failed_before_drs_was_asked_to_launch_it_was_not_executed() -> None:
    error = f"DRS does not know source server {server_id(2)}"
    servers = [server_shown(1, started=True), server_shown(2, "FAILED", error=error, started=False)]
    wave = wave_shown(1, "FAILED", 1, 60, servers=servers, error="1 critical server(s) failed")
    made = report(shown("FAILED", [wave], 61), [], {})
    assert made["notExecuted"]["servers"] == [{"waveNumber": 1, "sourceServerId": server_id(2), "why": error}]
    assert "started" not in made["waves"][0]["servers"][0]


def test_8_a_server_that_failed_in_its_launch_was_executed() -> None:
    servers = [server_shown(1, "FAILED", error="no capacity", started=True)]
    wave = wave_shown(1, "FAILED", 1, 60, servers=servers)
    assert report(shown("FAILED", [wave], 61), [], {})["notExecuted"]["servers"] == []


def test_8_a_server_that_failed_alone_is_told_while_its_wave_runs_and_one_whose_turn_may_come_is_not() -> None:
    servers = [
        server_shown(1, "FAILED", error="no recovery point", started=False),
        server_shown(2, "PENDING", started=False),
    ]
    made = report(shown("IN_PROGRESS", [wave_shown(1, "IN_PROGRESS", 1, servers=servers)]), [], {})
    assert made["notExecuted"]["servers"] == [
        {"waveNumber": 1, "sourceServerId": server_id(1), "why": "no recovery point"}
    ]
