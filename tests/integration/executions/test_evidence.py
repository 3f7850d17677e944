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

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

Json = dict[str, Any]


def evidence(stack: Stack, started: str) -> Json:
    """Make the report of an execution as it stands: from the API's answers, its frozen plan and DRS's job logs."""
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
