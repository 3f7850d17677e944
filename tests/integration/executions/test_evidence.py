"""Reports of runs that really ran: what they say is compared with what the simulator did (contract 8)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
from tests.support.blueprint import REGION
from tests.support.gateway import CALLER
from tests.support.plans import plan, server, servers_of, three_tier, wave

from wavebreak.evidence import as_json, page, report, verify_text
from wavebreak.timing import known_time
from wavebreak.use_cases.evidence.make_report import make_report

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

Json = dict[str, Any]


def evidence(stack: Stack, started: str) -> Json:
    """Make the report of an execution as it stands: from the API's answers, its frozen plan and DRS's job logs."""
    stack.everything_shows()
    execution = stack.get(started)
    known = stack.app().executions.load(started).execution
    frozen = stack.api("GET", f"/plans/{execution['planId']}").json["plan"]
    drs = boto3.client("drs", region_name=REGION, endpoint_url=os.environ["AWS_ENDPOINT_URL_DRS"])
    logs = {
        job: [
            item for page in drs.get_paginator("describe_job_log_items").paginate(jobID=job) for item in page["items"]
        ]
        for each in execution["waves"]
        for job in each["jobIds"]
    }
    made = report({**execution, "plan": frozen, "planHash": known.plan_hash}, stack.events(started), logs)
    assert verify_text(as_json(made)).intact
    assert page(made).startswith("<!DOCTYPE html>")
    return made


def running(stack: Stack) -> set[tuple[str, str]]:
    """The instances that DRS shows, by server."""
    return {(one["sourceServerID"], one["recoveryInstanceID"]) for one in stack.control.state()["recoveryInstances"]}


def left(made: Json) -> set[tuple[str, str]]:
    return {(one["sourceServerId"], one["recoveryInstanceId"]) for one in made["leftovers"]}


def moment(text: str | None) -> datetime:
    at = known_time(text)
    assert at is not None
    return at


def test_8_a_drill_that_completed_says_what_happened(stack: Stack, clock: JumpingClock) -> None:
    document = three_tier()
    document["waves"][1]["requiresApproval"] = True
    stack.put_servers(servers_of(document), launchSeconds=60)
    started = stack.start(document, reason="quarterly drill")
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    clock.forward(61)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    clock.forward(300)
    stack.api("POST", f"/executions/{started}/waves/2/approve", {"reason": "data looks right"})
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    clock.forward(61)
    stack.wait(started, lambda seen: seen["waves"][2]["jobId"])
    clock.forward(61)
    execution = stack.ended(started)

    made = evidence(stack, started)

    assert (made["status"], made["mode"], made["final"], made["reason"]) == (
        "COMPLETED",
        "DRILL",
        True,
        "quarterly drill",
    )
    assert made["plan"]["planHash"]
    rto = made["objectives"]["rto"]
    assert (rto["objectiveSeconds"], rto["met"]) == (3600, True)
    assert rto["achievedSeconds"] == int(
        (moment(execution["waves"][2]["endedAt"]) - moment(execution["startedAt"])).total_seconds()
    )
    assert 300 <= rto["waitingSeconds"] <= rto["achievedSeconds"]
    (approval,) = made["waves"][1]["approvals"]
    assert (approval["decision"], approval["by"], approval["reason"]) == ("APPROVED", CALLER, "data looks right")
    assert left(made) == running(stack)
    assert made["chain"]["length"] == len(made["trail"]) > 5
    for each in made["waves"]:
        for one in each["servers"]:
            assert [phase["phase"] for phase in one["phases"]] == ["SNAPSHOT", "CONVERSION", "LAUNCH"]
            # A jump of the clock within a round makes a wave end before its job did: only beginnings are compared.
            begun = [moment(each["startedAt"]), *(moment(phase["startedAt"]) for phase in one["phases"])]
            assert begun == sorted(begun)


def test_8_a_cancelled_drill_says_what_it_launched_all_the_same(stack: Stack, clock: JumpingClock) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document), launchSeconds=60)
    stack.put_servers([server(2)], launchResult="FAILED", launchSeconds=60)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    stack.api("POST", f"/executions/{started}/cancel", {"reason": "wrong day"})
    clock.forward(61)
    stack.ended(started)

    made = evidence(stack, started)

    assert (made["status"], made["objectives"]["rto"]["met"]) == ("CANCELLED", False)
    assert [one["launchStatus"] for one in made["waves"][0]["servers"]] == ["LAUNCHED", "FAILED"]
    assert left(made) == running(stack)
    assert [one["waveNumber"] for one in made["notExecuted"]["waves"]] == [2, 3]
    assert all(one["why"].startswith(f"Cancelled by {CALLER} at ") for one in made["notExecuted"]["waves"])
    assert all(one["why"].endswith(": wrong day") for one in made["notExecuted"]["waves"])


def test_8_what_a_later_run_of_the_plan_replaced_is_no_leftover_of_the_earlier_ones(stack: Stack) -> None:
    document = plan(wave("database", 1, 2, onFailure="CONTINUE"))
    stack.put_servers(servers_of(document))
    first = stack.start(document)
    stack.ended(first)
    assert left(report_of_the_api(stack, first)) == running(stack)
    runs = [first]
    for launches in ("FAILED", "LAUNCHED"):
        stack.put_servers([server(2)], launchResult=launches)
        runs.append(stack.start(document))
        stack.ended(runs[-1])

    listed = {one["executionId"]: one["instancesLeft"] for one in stack.api("GET", "/executions").json["items"]}
    assert [listed[each] for each in runs] == [0, 0, 2]
    assert [left(report_of_the_api(stack, each)) for each in runs] == [set(), set(), running(stack)]
    assert [one["type"] for one in stack.events(first)][-1] == "EXECUTION_COMPLETED"


def test_8_a_report_is_made_of_two_queries(stack: Stack) -> None:
    document = plan(wave("only", 1))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    stack.comes_to_rest()
    stack.table_actions.clear()
    assert make_report(stack.app(), started).content["status"] == "COMPLETED"
    assert stack.table_actions == ["Query", "Query"]


def test_8_a_retried_and_terminated_run_says_both_attempts_and_leaves_nothing(stack: Stack) -> None:
    document = plan(wave("database", 1), wave("application", 2, 3), wave("web", 4))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")
    started = stack.start(document)
    stack.ended(started)
    broken = evidence(stack, started)
    assert (broken["status"], broken["final"]) == ("PARTIAL_SUCCESS", True)
    assert broken["notExecuted"]["waves"][0]["why"] == "Wave 2 (application) failed, and its onFailure is STOP"
    assert [one["sourceServerId"] for one in broken["leftovers"]] == [server(1), server(2)]
    assert broken["waves"][1]["servers"][1]["error"]

    stack.put_servers([server(3)], launchResult="LAUNCHED")
    stack.api("POST", f"/executions/{started}/waves/2/retry", {"reason": "disk replaced"})
    stack.ended(started)
    made = evidence(stack, started)
    assert (made["status"], made["counts"]["retries"]) == ("COMPLETED", 1)
    assert [(one["attempt"], one["status"]) for one in made["waves"][1]["attempts"]] == [
        (1, "FAILED"),
        (2, "COMPLETED"),
    ]
    assert len([phase for phase in made["waves"][1]["servers"][1]["phases"] if phase["phase"] == "LAUNCH"]) == 2
    assert left(made) == running(stack)

    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.cleaned_up(started)
    assert evidence(stack, started)["leftovers"] == []
    assert running(stack) == set()


def report_of_the_api(stack: Stack, started: str) -> Json:
    answer = stack.api("GET", f"/executions/{started}/report")
    assert answer.status == 200, answer
    assert verify_text(answer.body).intact
    made: Json = answer.json
    assert made["counts"]["startRecoveryCalls"] == sum(
        bool(set(one["parameters"]["tags"].values()) & {started}) for one in stack.control.calls("StartRecovery")
    )
    return made


def test_8_a_failed_run_says_what_failed_and_what_was_never_started(stack: Stack) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(1), server(2)], launchResult="FAILED", rawError="no capacity")
    started = stack.start(document)
    execution = stack.ended(started)

    made = report_of_the_api(stack, started)

    assert (made["status"], made["final"], made["endedAt"]) == ("FAILED", True, execution["endedAt"])
    assert {name: made["objectives"]["rto"][name] for name in ("achievedSeconds", "met")} == {
        "achievedSeconds": None,
        "met": False,
    }
    assert made["objectives"]["rpo"] == {
        "objectiveSeconds": 900,
        "achievedSeconds": None,
        "met": None,
        "worstServer": None,
        "unknown": 0,
    }
    (failed, *rest) = made["waves"]
    assert [(one["launchStatus"], one["recoveryInstanceId"]) for one in failed["servers"]] == [("FAILED", None)] * 2
    assert all("no capacity" in one["error"] for one in failed["servers"])
    assert [(one["status"], one["startedAt"]) for one in rest] == [("NOT_STARTED", None)] * 2
    assert [one["waveNumber"] for one in made["notExecuted"]["waves"]] == [2, 3]
    assert left(made) == running(stack) == set()
    assert made["factors"]["launch"] == {
        "servers": 4,
        "launched": 0,
        "failed": 2,
        "successRate": 0.0,
        "waves": [
            {"servers": 2, "launched": 0, "failed": 2, "successRate": 0.0, "waveNumber": 1},
            {"servers": 1, "launched": 0, "failed": 0, "successRate": 0.0, "waveNumber": 2},
            {"servers": 1, "launched": 0, "failed": 0, "successRate": 0.0, "waveNumber": 3},
        ],
    }


def test_8_a_server_that_drs_does_not_know_or_refuses_alone_was_not_executed(stack: Stack) -> None:
    document = plan(wave("database", 1, 2, 3))
    stack.put_servers([server(1), server(2)])
    stack.control.fault("StartRecovery", error="ValidationException", subject=server(2), count=9)
    started = stack.start(document)
    servers = {one["sourceServerId"]: one for one in stack.ended(started)["waves"][0]["servers"]}
    assert [servers[server(number)]["launchStatus"] for number in (1, 2, 3)] == ["LAUNCHED", "FAILED", "FAILED"]

    made = report_of_the_api(stack, started)

    launched = {one for job in stack.control.state()["jobs"] for one in named_in(job)}
    assert launched == {server(1)}
    assert made["notExecuted"] == {
        "waves": [],
        "servers": [
            {"waveNumber": 1, "sourceServerId": server(number), "why": servers[server(number)]["error"]}
            for number in (2, 3)
        ],
    }


def named_in(job: Json) -> list[str]:
    """The servers that take part in a job."""
    return [one["sourceServerID"] for one in job["participatingServers"]]


def test_8_a_preempted_drill_says_by_whom_and_what_it_left(stack: Stack, clock: JumpingClock) -> None:
    drilled = plan(wave("db", 1), wave("web", 2), plan_id="rehearsed")
    stack.put_servers([server(1), server(2)], launchSeconds=0.1)
    stack.put_servers([server(2)], launchSeconds=100)
    drill = stack.start(drilled)
    stack.wait(drill, lambda seen: seen["waves"][1]["jobId"])
    recovery = stack.start(plan(wave("all", 1), plan_id="needed"), "recoveries")
    clock.forward(101)
    stack.ended(recovery)
    ended = stack.ended(drill)

    made = report_of_the_api(stack, drill)

    assert (made["status"], made["mode"]) == (ended["status"], "DRILL")
    assert [one["status"] for one in made["waves"]] == [one["status"] for one in ended["waves"]]
    (asked,) = [event for event in made["trail"] if event["type"] == "EXECUTION_CANCELLING"]
    assert asked["data"]["reason"] == f"Preempted by {recovery}"
    drills = {
        (one["sourceServerID"], one["recoveryInstanceID"])
        for one in stack.control.state()["recoveryInstances"]
        if one["isDrill"]
    }
    assert left(made) == drills, "what DRS shows of it is named, and nothing that the recovery replaced"
    assert {name for name, _ in drills} == {server(2)}
    replaced, kept = (each["servers"][0] for each in ended["waves"])
    assert (replaced["ending"], kept["ending"]) == ("REPLACED", None)
    assert ended["instancesLeft"] == 1
    other = report_of_the_api(stack, recovery)
    assert (other["status"], other["mode"]) == ("COMPLETED", "RECOVERY")
    assert left(other) == {pair for pair in running(stack) if pair not in drills}
