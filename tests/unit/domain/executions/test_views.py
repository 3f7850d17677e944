"""What the API shows of executions: the contract's fields, and the rules' own words."""

from typing import Any

import pytest
from tests.support.execution_builders import (
    NOW,
    asked_to_cancel,
    execution,
    instance_id,
    job,
    job_id,
    later,
    server,
    server_id,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.model.executions import Execution, PausedBy, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome, Hold, InstanceEnding
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.domain.executions.views.executions import execution_view, plan_view, summary_view
from wavebreak.domain.plans.model import Impact, OnFailure, StoredPlan
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.site import Site
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import wave_record
from wavebreak.timing import iso
from wavebreak.values import replace

W, E = WaveStatus, ExecutionStatus
EXECUTION_FIELDS = {
    "executionId",
    "planId",
    "planName",
    "planVersion",
    "mode",
    "status",
    "display",
    "requestedBy",
    "reason",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "totalWaves",
    "completedWaves",
    "failedWaves",
    "cancelledWaves",
    "waves",
    "terminationMetadata",
    "termination",
    "instancesTerminated",
    "warnings",
    "factors",
    "version",
    "instancesLeft",
    "leftSince",
    "verdict",
    "checks",
    "lastSeenAt",
    "lease",
    "before",
}
"""Fields of the contract's example; the further ones tell who holds or cancelled it, and what failed in driving it."""
FURTHER_EXECUTION_FIELDS = {"pausedBy", "pause", "cancel", "lastFailure"}
WAVE_FIELDS = {
    "waveNumber",
    "name",
    "status",
    "display",
    "dependsOn",
    "jobId",
    "jobIds",
    "attempt",
    "startedAt",
    "endedAt",
    "durationSeconds",
    "error",
    "servers",
    "attempts",
    "approval",
}
FURTHER_WAVE_FIELDS = {"steps", "accountId", "region"}


def cancelled_after_the_first_wave() -> Execution:
    """Cancelled after wave 1 of 3."""
    first = wave(
        1,
        W.COMPLETED,
        name="database",
        servers=(
            server(1, LaunchStatus.LAUNCHED, snapshot_at=NOW),
            server(2, LaunchStatus.FAILED, impact=Impact.OPTIONAL, error="no"),
        ),
        ended_at=later(38),
        site=Site("123456789012", "us-west-2"),
    )
    rest = [wave(number, W.CANCELLED, ended_at=later(38)) for number in (2, 3)]
    return execution(
        first,
        *rest,
        status=E.PARTIAL_SUCCESS,
        ended_at=later(38.9),
        cancel=asked_to_cancel(),
        jobs=(job(1, JobState.ENDED), job(1, JobState.ENDED, batch=2, job_id=job_id(9))),
        version=12,
    )


def test_b6_warnings_are_shown_and_read_back_with_what_they_are_about_and_nothing_else() -> None:
    warnings = (
        Notice(NoticeCode.REPLACES_RUNNING, "of a wave", 2),
        Notice(NoticeCode.OLDER_SNAPSHOT, "of a server", 2, server_id(2)),
        Notice(NoticeCode.PREEMPTED_DRILL, "of the execution"),
    )
    warned = replace(cancelled_after_the_first_wave(), warnings=warnings)
    shown = execution_view(warned, later(1000))["warnings"]
    assert shown == [
        {"code": "REPLACES_RUNNING", "message": "of a wave", "waveNumber": 2},
        {"code": "OLDER_SNAPSHOT", "message": "of a server", "waveNumber": 2, "sourceServerId": server_id(2)},
        {"code": "PREEMPTED_DRILL", "message": "of the execution"},
    ]
    read = read_execution([meta_record(warned), *(wave_record("x", one) for one in warned.waves)])
    assert read is not None
    assert read.warnings == warnings


def test_s2_11_an_execution_is_shown_with_the_fields_of_the_contract() -> None:
    shown = execution_view(cancelled_after_the_first_wave(), later(1000))
    assert shown.keys() == EXECUTION_FIELDS | FURTHER_EXECUTION_FIELDS
    assert all(item.keys() == WAVE_FIELDS | FURTHER_WAVE_FIELDS for item in shown["waves"])
    reported = {field: shown[field] for field in ("status", "display", "terminationMetadata", "termination")}
    assert reported == {
        "status": "PARTIAL_SUCCESS",
        "display": {"label": "PARTIAL SUCCESS (1 of 3 waves completed)", "color": "orange", "icon": "⚠️"},
        "terminationMetadata": {"canTerminate": True, "reason": None, "hasRecoveryInstances": True},
        "termination": {"status": "NOT_REQUESTED", "terminated": 0, "remaining": [], "unknown": []},
    }
    counts = ("totalWaves", "completedWaves", "failedWaves", "cancelledWaves", "durationSeconds", "version")
    assert [shown[field] for field in counts] == [3, 1, 0, 2, 38, 12]
    assert (shown["startedAt"], shown["endedAt"]) == ("2026-11-21T12:00:00.000Z", "2026-11-21T12:00:38.900Z")
    assert (shown["factors"], shown["instancesTerminated"], shown["pausedBy"]) == ({}, False, [])


def test_a_wave_is_shown_with_its_jobs_and_servers() -> None:
    shown = execution_view(cancelled_after_the_first_wave(), later(1000))["waves"]
    assert shown[0] == {
        "waveNumber": 1,
        "name": "database",
        "status": "COMPLETED",
        "display": {"label": "Completed", "color": "green", "icon": "✓"},
        "dependsOn": [],
        "accountId": "123456789012",
        "region": "us-west-2",
        "jobId": job_id(9),
        "jobIds": [job_id(1), job_id(9)],
        "attempt": 1,
        "startedAt": iso(NOW),
        "endedAt": iso(later(38)),
        "durationSeconds": 38,
        "attempts": [
            {"attempt": 1, "startedAt": iso(NOW), "endedAt": iso(later(38)), "status": "COMPLETED", "error": None}
        ],
        "error": None,
        "steps": [],
        "approval": None,
        "servers": [
            {
                "sourceServerId": server(1).source_server_id,
                "name": None,
                "impact": "CRITICAL",
                "launchStatus": "LAUNCHED",
                "recoveryInstanceId": instance_id(1),
                "ending": None,
                "error": None,
                "snapshotAt": iso(NOW),
            },
            {
                "sourceServerId": server(2).source_server_id,
                "name": None,
                "impact": "OPTIONAL",
                "launchStatus": "FAILED",
                "recoveryInstanceId": None,
                "ending": None,
                "error": "no",
                "snapshotAt": None,
            },
        ],
    }
    assert shown[1]["dependsOn"] == ["database"]
    assert [shown[2][field] for field in ("jobId", "jobIds", "startedAt", "durationSeconds")] == [None, [], None, None]


def test_a_summary_is_the_execution_without_its_waves() -> None:
    subject = cancelled_after_the_first_wave()
    whole = execution_view(subject, later(1))
    del whole["waves"], whole["checks"], whole["lastSeenAt"]
    assert summary_view(meta_record(subject), later(1)) == whole


def test_what_runs_has_lasted_until_now() -> None:
    shown = execution_view(execution(wave(1, W.IN_PROGRESS), wave(2)), later(61.5))
    assert (shown["durationSeconds"], shown["waves"][0]["durationSeconds"]) == (61, 61)
    assert (shown["endedAt"], shown["waves"][1]["durationSeconds"]) == (None, None)


@pytest.mark.parametrize("status", ExecutionStatus)
def test_s2_7_what_is_offered_is_what_the_rule_says(status: ExecutionStatus) -> None:
    subject = execution(wave(1, W.COMPLETED), status=status).with_job(job(1, JobState.ENDED))
    offered = execution_view(subject, NOW)["terminationMetadata"]
    assert offered["canTerminate"] is subject.is_terminal
    assert offered["reason"] == (None if subject.is_terminal else "Execution not in terminal state")


def with_endings(**endings: InstanceEnding) -> Execution:
    """The same with more of its servers launched, and what is known of their ends: `s1`, `s2` ..."""
    made = tuple(
        server(int(name[1:]), LaunchStatus.LAUNCHED, ending=known if known != InstanceEnding() else None)
        for name, known in endings.items()
    )
    subject = cancelled_after_the_first_wave()
    return subject.with_waves([replace(subject.wave(1), servers=made)])


TERMINATED, UNKNOWN = InstanceEnding(EndingOutcome.TERMINATED), InstanceEnding(EndingOutcome.UNKNOWN, "EC2 runs it")


def test_a_finished_termination_is_shown_and_not_offered_again() -> None:
    done = Termination(TerminationStatus.COMPLETED, attempt=1, requested_by="someone", requested_at=NOW)
    subject = with_endings(s1=TERMINATED, s2=InstanceEnding(EndingOutcome.REPLACED))
    shown = execution_view(replace(subject, termination=done), NOW)
    assert shown["instancesTerminated"] is True
    assert shown["termination"] == {"status": "COMPLETED", "terminated": 2, "remaining": [], "unknown": []}
    assert shown["terminationMetadata"]["reason"] == "Instances already terminated"
    assert (shown["instancesLeft"], shown["leftSince"]) == (0, None)


def test_what_a_termination_left_is_listed_with_the_reason_of_each() -> None:
    refused = InstanceEnding(suspicion=Suspicion("ConflictException: " + "x" * 600, NOW))
    subject = with_endings(
        s1=TERMINATED, s2=refused, s3=UNKNOWN, s4=InstanceEnding(reason="It shuts down"), s5=InstanceEnding()
    )
    holds = (Hold(NOW, "DRS does not answer in us-west-2", subject.wave(1).site),)
    end = Termination(TerminationStatus.INCOMPLETE, attempt=1, holds=holds)
    shown = execution_view(replace(subject, termination=end), NOW)

    def entry(number: int, reason: str) -> dict[str, str]:
        source = server(number).source_server_id
        return {"recoveryInstanceId": instance_id(number), "sourceServerId": source, "reason": reason}

    assert shown["termination"] == {
        "status": "INCOMPLETE",
        "terminated": 1,
        "remaining": [
            entry(2, "ConflictException: " + "x" * 480 + "…"),
            entry(4, "It shuts down"),
            entry(5, "DRS does not answer in us-west-2"),
        ],
        "unknown": [entry(3, "EC2 runs it")],
    }
    assert (shown["instancesLeft"], shown["leftSince"]) == (4, "2026-11-21T12:00:38.900Z")


def test_what_runs_is_counted_before_anybody_asks_for_its_end() -> None:
    shown = execution_view(with_endings(s1=InstanceEnding(), s2=InstanceEnding()), NOW)
    assert (shown["termination"]["remaining"], shown["instancesLeft"]) == ([], 2)
    running = replace(with_endings(s1=InstanceEnding()), status=E.IN_PROGRESS, ended_at=None)
    assert (execution_view(running, NOW)["instancesLeft"], execution_view(running, NOW)["leftSince"]) == (1, None)


def test_a_list_shows_the_first_of_what_is_left_and_counts_all() -> None:
    subject = with_endings(**{f"s{number}": UNKNOWN if number % 2 else InstanceEnding() for number in range(1, 101)})
    meta = meta_record(replace(subject, termination=Termination(TerminationStatus.INCOMPLETE, attempt=1)))
    shown = summary_view(meta, NOW)
    assert [len(shown["termination"][name]) for name in ("remaining", "unknown")] == [20, 20]
    wordy = with_endings(s1=InstanceEnding(reason="x" * 600))
    brief = summary_view(meta_record(replace(wordy, termination=Termination(TerminationStatus.INCOMPLETE))), NOW)
    assert len(brief["termination"]["remaining"][0]["reason"]) == 200
    assert [meta["termination"][name] for name in ("launched", "terminated", "remainingCount", "unknownCount")] == [
        100,
        0,
        50,
        50,
    ]
    assert shown["instancesLeft"] == 100


def test_an_older_record_names_what_is_left_without_the_reason_and_counts_nothing() -> None:
    older = {"status": "INCOMPLETE", "terminated": 1, "remaining": ["i-1"]}
    shown = summary_view({**meta_record(cancelled_after_the_first_wave()), "termination": older}, NOW)
    assert shown["termination"]["remaining"] == [{"recoveryInstanceId": "i-1", "sourceServerId": None, "reason": None}]
    assert (shown["instancesLeft"], shown["leftSince"]) == (None, None)


def test_s2_10_an_older_record_is_shown_with_what_it_lacks_filled_in() -> None:
    newer = {"cancel", "pause", "termination", "pausedBy", "lastFailure", "reason", "endedAt"}
    record = {name: value for name, value in meta_record(cancelled_after_the_first_wave()).items() if name not in newer}
    briefs: list[dict[str, Any]] = [{"status": "launched", "jobId": "drsjob-1"}, {"status": "polling"}, {}]
    shown = summary_view({**record, "status": "partial", "waveBriefs": briefs}, later(1))
    assert (shown["status"], shown["completedWaves"], shown["totalWaves"]) == ("PARTIAL_SUCCESS", 1, 3)
    assert shown["termination"] == {"status": "NOT_REQUESTED", "terminated": 0, "remaining": [], "unknown": []}
    assert shown["terminationMetadata"] == {"canTerminate": True, "reason": None, "hasRecoveryInstances": True}


def test_a_failed_wave_keeps_its_error_in_sight() -> None:
    failed = wave(1, W.FAILED, error="1 critical server(s) failed", on_failure=OnFailure.CONTINUE)
    shown = execution_view(execution(failed, wave(2)), NOW)
    assert (shown["failedWaves"], shown["waves"][0]["error"]) == (1, "1 critical server(s) failed")


def test_a_plan_is_shown_as_it_is_stored() -> None:
    assert plan_view(StoredPlan({"planId": "p"}, 3, "then", "now")) == {
        "plan": {"planId": "p"},
        "schedule": None,
        "version": 3,
        "createdAt": "then",
        "updatedAt": "now",
        "readiness": None,
    }


def test_t16_an_older_recovery_point_is_told_by_server() -> None:
    members = (server(1, LaunchStatus.LAUNCHED, older_snapshot=True, snapshot_at=NOW), server(2, LaunchStatus.LAUNCHED))
    shown = execution_view(execution(wave(1, W.COMPLETED, servers=members)), NOW)
    assert shown["warnings"] == [
        {
            "code": "OLDER_SNAPSHOT",
            "message": (
                f"Server {server(1).source_server_id} was launched from an older recovery point than was asked for "
                f"({iso(NOW)})"
            ),
            "waveNumber": 1,
            "sourceServerId": server(1).source_server_id,
        }
    ]


@pytest.mark.parametrize(("status", "warns"), [(W.COMPLETED, True), (W.FAILED, False), (W.SKIPPED, False)])
def test_a_wave_of_optional_servers_of_which_none_was_launched_says_so(status: WaveStatus, warns: bool) -> None:
    members = (server(1, LaunchStatus.FAILED, impact=Impact.OPTIONAL),)
    shown = execution_view(execution(wave(1, status, servers=members, name="web")), NOW)
    codes = [(notice["code"], notice["waveNumber"]) for notice in shown["warnings"]]
    assert codes == ([("NOTHING_LAUNCHED", 1)] if warns else [])


def test_b9_a_retry_and_a_skip_leave_what_failed_with_its_own_time_and_reason() -> None:
    failed = replace(wave(1, W.FAILED), started_at=NOW, ended_at=later(9), error="1 CRITICAL server did not launch")
    stopped = execution(failed, wave(2, depends_on=(1,)), status=E.PAUSED, paused_by=frozenset({PausedBy.FAILURE}))
    first = {"attempt": 1, "startedAt": iso(NOW), "endedAt": iso(later(9)), "status": "FAILED", "error": failed.error}
    assert execution_view(stopped, later(60))["waves"][0]["attempts"] == [first]

    retried = execution_view(steering.retry(stopped, 1, later(100)), later(103))["waves"][0]
    second = {"attempt": 2, "startedAt": iso(later(100)), "endedAt": None, "status": "IN_PROGRESS", "error": None}
    assert retried["attempts"] == [first, second]

    skipped = steering.skip(stopped, 1, later(200))
    shown = execution_view(skipped, later(300))["waves"][0]
    assert (shown["status"], shown["durationSeconds"], shown["attempts"]) == ("SKIPPED", 9, [first])
    read = read_execution(
        [meta_record(skipped), *(record for each in skipped.waves for record in (wave_record("x", each),))]
    )
    assert read is not None
    assert read.waves[0].attempts == skipped.waves[0].attempts
