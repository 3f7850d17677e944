"""Terminating what an execution launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import EndpointConnectionError
from tests.integration.plans import plan, server, servers_of, three_tier, wave

from wavebreak.aws.drs import Drs
from wavebreak.aws.unrepeated import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from tests.integration.clock import JumpingClock
    from tests.integration.stack import Stack

    from wavebreak.domain.drs import Instance

ONE_WAVE = plan(wave("only", 1, 2))


def test_a_termination_ends_with_no_instance_left_and_frees_plan_and_servers(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    started = stack.start(three_tier())
    stack.ended(started)
    assert len(stack.control.state()["recoveryInstances"]) == 4

    answer = stack.api("POST", f"/executions/{started}/terminate", {"reason": "drill is over"})

    assert (answer.status, answer.json["termination"]["status"]) == (202, "IN_PROGRESS")
    cleaned = stack.cleaned_up(started)
    assert cleaned["termination"] == {"status": "COMPLETED", "terminated": 4, "remaining": []}
    assert cleaned["instancesTerminated"]
    assert stack.control.state()["recoveryInstances"] == []
    kinds = [event["type"] for event in stack.events(started)]
    assert kinds[-2:] == ["TERMINATION_IN_PROGRESS", "TERMINATION_COMPLETED"]
    stack.wait(started, lambda _: not [item for item in stack.items() if item["sk"] == {"S": "LOCK"}])
    assert stack.ended(stack.start(three_tier()))["status"] == "COMPLETED"


def test_a_termination_asked_for_twice_runs_once(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=1)

    first = stack.api("POST", f"/executions/{started}/terminate", {})
    second = stack.api("POST", f"/executions/{started}/terminate", {})

    assert (first.status, second.status) == (202, 202)
    busy = stack.api("POST", "/drills", {"planId": ONE_WAVE["planId"]})
    assert (busy.code, busy.json["executionId"]) == ("PLAN_BUSY", started)
    clock.forward(10)
    stack.cleaned_up(started)
    carried_out = [call for call in stack.control.calls("TerminateRecoveryInstances") if call["error"] is None]
    assert len(carried_out) == 1
    assert len(stack.runs("termination")) == 1
    third = stack.api("POST", f"/executions/{started}/terminate", {})
    assert (third.status, third.json["detail"]) == (409, "Instances already terminated")


def test_a_termination_that_cannot_finish_is_incomplete_and_may_be_asked_for_again(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    instances = sorted(entry["recoveryInstanceId"] for entry in stack.ended(started)["waves"][0]["servers"])
    stack.control.fault("TerminateRecoveryInstances", error="AccessDeniedException", count=1000)
    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.wait(started, lambda _: stack.control.calls("TerminateRecoveryInstances"))
    clock.forward(200)

    execution = stack.cleaned_up(started)

    assert execution["termination"] == {"status": "INCOMPLETE", "terminated": 0, "remaining": instances}
    assert execution["terminationMetadata"]["canTerminate"]
    stack.control.clear_faults()
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    stack.wait(started, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert stack.control.state()["recoveryInstances"] == []
    assert [run["name"] for run in stack.runs("termination")].count(f"{started}-t2") == 1


def test_a_recovery_is_terminated_only_when_confirmed_by_its_id(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE, "recoveries")
    assert started.startswith("recovery-")
    stack.ended(started)

    missing = stack.api("POST", f"/executions/{started}/terminate", {})
    wrong = stack.api("POST", f"/executions/{started}/terminate", {"confirm": "drill-x"})

    assert (missing.status, missing.code) == (400, "CONFIRMATION_REQUIRED")
    assert (wrong.status, wrong.code) == (400, "CONFIRMATION_REQUIRED")
    assert stack.control.calls("TerminateRecoveryInstances") == []
    assert stack.api("POST", f"/executions/{started}/terminate", {"confirm": started}).status == 202
    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
    assert [job["initiatedBy"] for job in stack.control.state()["jobs"] if job["type"] == "LAUNCH"] == [
        "START_RECOVERY"
    ]


def test_other_peoples_instances_are_left_alone(stack: Stack) -> None:
    stack.put_servers([server(1), server(2), server(9)])
    drs = boto3.client("drs")
    drs.start_recovery(sourceServers=[{"sourceServerID": server(9)}], isDrill=True)
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    drs.start_recovery(sourceServers=[{"sourceServerID": server(2)}], isDrill=True)
    stack.wait(started, lambda _: all(job["status"] == "COMPLETED" for job in stack.control.state()["jobs"]))

    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"] == {"status": "COMPLETED", "terminated": 2, "remaining": []}
    left = sorted(instance["sourceServerID"] for instance in stack.control.state()["recoveryInstances"])
    assert left == [server(2), server(9)]


def test_one_instance_in_conflict_holds_up_no_other(stack: Stack, clock: JumpingClock) -> None:
    """TerminateRecoveryInstances takes all of a batch or nothing of it: somebody launches server 1 anew meanwhile."""
    document = plan(wave("only", 1, 2, 3, 4))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    entries = stack.ended(started)["waves"][0]["servers"]
    stack.put_servers([server(1)], launchSeconds=10_000)
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(1)}], isDrill=True)

    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 3)
    assert seen["termination"]["status"] == "IN_PROGRESS"
    assert seen["termination"]["remaining"] == [entries[0]["recoveryInstanceId"]]
    clock.forward(1000)
    assert stack.cleaned_up(started)["termination"] == {"status": "COMPLETED", "terminated": 4, "remaining": []}
    assert [call["error"] for call in stack.control.calls("TerminateRecoveryInstances")].count(None) <= 2


def test_s3_1_a_region_that_does_not_answer_holds_up_no_other(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2"))
    stack.put_servers([server(1)])
    stack.control.put_source_server(server(2), region="us-west-2")
    started = stack.start(document)
    there = stack.ended(started)["waves"][1]["servers"][0]["recoveryInstanceId"]
    original = Drs.instances

    def cut_off(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        if drs.client.meta.region_name == "us-west-2":
            raise EndpointConnectionError(endpoint_url="https://drs.us-west-2")
        return original(drs, source_server_ids)

    monkeypatch.setattr(Drs, "instances", cut_off)
    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    assert seen["termination"] == {"status": "IN_PROGRESS", "terminated": 1, "remaining": [there]}
    assert [one["recoveryInstanceID"] for one in stack.control.state()["recoveryInstances"]] == [there]
    monkeypatch.setattr(Drs, "instances", original)
    clock.forward(10)
    assert stack.cleaned_up(started)["termination"] == {"status": "COMPLETED", "terminated": 2, "remaining": []}


def test_a_region_that_refuses_holds_up_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    document = plan(wave("there", 1, region="us-west-2"), wave("here", 2))
    stack.control.put_source_server(server(1), region="us-west-2")
    stack.put_servers([server(2)])
    started = stack.start(document)
    stack.ended(started)
    original = Drs.terminate

    def throttled(drs: Drs, recovery_instance_ids: Sequence[str]) -> str:
        if drs.client.meta.region_name == "us-west-2":
            raise Refusal("ThrottlingException", "slower", status=429)
        return original(drs, recovery_instance_ids)

    monkeypatch.setattr(Drs, "terminate", throttled)
    stack.api("POST", f"/executions/{started}/terminate", {})

    stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    left = [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]]
    assert left == [server(1)]
