"""Terminating what an execution launched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from tests.support.plans import all_terminated, plan, server, servers_of, three_tier, wave
from tests.support.stack import ended_while_time_passes

from wavebreak.aws.drs import Drs
from wavebreak.aws.unrepeated import CallRejectedError
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

    from wavebreak.domain.drs import Instance
from tests.support.terminated_drills import ONE_WAVE, instances_of, named, reasons, waited_for


def test_a_termination_ends_with_no_instance_left_and_frees_plan_and_servers(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    started = stack.start(three_tier())
    stack.ended(started)
    assert len(stack.control.state()["recoveryInstances"]) == 4

    answer = stack.api("POST", f"/executions/{started}/terminate", {"reason": "drill is over"})

    assert (answer.status, answer.json["termination"]["status"]) == (202, "IN_PROGRESS")
    cleaned = stack.cleaned_up(started)
    assert cleaned["termination"] == all_terminated(4)
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


def test_an_instance_that_drs_answers_with_faults_eight_times_is_told_of_holds_up_no_other_and_is_ended(
    stack: Stack, clock: JumpingClock
) -> None:
    document = plan(wave("all", *range(1, 7)), plan_id="six")
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    slow, *others = instances_of(stack.ended(started))
    stack.control.fault("TerminateRecoveryInstances", httpStatus=500, subject=slow, count=8)
    stack.api("POST", f"/executions/{started}/terminate", {})

    gone_with = stack.wait(started, lambda _: alive(stack).isdisjoint(others))

    assert (gone_with["termination"]["status"], alive(stack)) == ("IN_PROGRESS", {slow})
    told = set()
    for _ in range(300):
        seen = stack.get(started)["termination"]
        told |= {entry["reason"] for entry in seen["remaining"] if entry["recoveryInstanceId"] == slow}
        if seen["status"] != "IN_PROGRESS":
            break
        clock.forward(1)
        time.sleep(0.1)
    assert seen == all_terminated(6)
    assert alive(stack) == set()
    assert any("500" in str(reason) for reason in told), told
    assert sum(call["error"] is not None for call in stack.control.calls("TerminateRecoveryInstances")) == 8


def alive(stack: Stack) -> set[str]:
    return {each["recoveryInstanceID"] for each in stack.control.state()["recoveryInstances"]}


def test_n42_a_termination_that_drs_refuses_is_incomplete_in_its_words_and_may_be_asked_for_again(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="AccessDeniedException", count=1000)
    stack.api("POST", f"/executions/{started}/terminate", {})

    execution = ended_while_time_passes(stack, clock, started)

    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 0)
    assert {entry["reason"].partition(":")[0] for entry in execution["termination"]["remaining"]} == {
        "AccessDeniedException"
    }
    assert named(execution["termination"]["remaining"]) == instances_of(execution)
    assert execution["terminationMetadata"]["canTerminate"]
    assert execution["instancesLeft"] == 2
    assert execution["leftSince"] == execution["endedAt"]
    assert len(stack.control.calls("TerminateRecoveryInstances")) <= 30, "ten a round, three rounds"
    stack.control.clear_faults()
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    cleaned = stack.wait(started, lambda seen: seen["termination"]["status"] == "COMPLETED")
    assert (cleaned["instancesLeft"], cleaned["leftSince"]) == (0, None)
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


def test_other_peoples_instances_are_left_alone(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1), server(2), server(9)])
    drs = boto3.client("drs")
    drs.start_recovery(sourceServers=[{"sourceServerID": server(9)}], isDrill=True)
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    drs.start_recovery(sourceServers=[{"sourceServerID": server(2)}], isDrill=True)
    stack.wait(started, lambda _: all(job["status"] == "COMPLETED" for job in stack.control.state()["jobs"]))

    stack.api("POST", f"/executions/{started}/terminate", {})

    # One is terminated; the other is gone when two looks a minute apart do not show it, and its server runs anew.
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)
    left = sorted(instance["sourceServerID"] for instance in stack.control.state()["recoveryInstances"])
    assert left == [server(2), server(9)]


def test_one_instance_in_conflict_holds_up_no_other(stack: Stack, clock: JumpingClock) -> None:
    """TerminateRecoveryInstances takes all of a batch or nothing of it: somebody launches server 1 anew meanwhile."""
    document = plan(wave("only", 1, 2, 3, 4))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    entries = stack.ended(started)["waves"][0]["servers"]
    stack.put_servers([server(1)], launchSeconds=1000)
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(1)}], isDrill=True)

    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 3)
    assert seen["termination"]["status"] == "IN_PROGRESS"
    assert named(seen["termination"]["remaining"]) == [entries[0]["recoveryInstanceId"]]
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(4)
    assert [call["error"] for call in stack.control.calls("TerminateRecoveryInstances")].count(None) <= 2


def test_s3_1_a_region_that_does_not_answer_holds_up_no_other(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2"))
    stack.put_servers([server(1)])
    stack.control.put_source_server(server(2), region="us-west-2")
    started = stack.start(document)
    there = stack.ended(started)["waves"][1]["servers"][0]["recoveryInstanceId"]
    original = Drs.every_instance

    def cut_off(drs: Drs, source_server_ids: Sequence[str]) -> list[Instance]:
        if drs.client.meta.region_name == "us-west-2":
            raise EndpointConnectionError(endpoint_url="https://drs.us-west-2")
        return original(drs, source_server_ids)

    monkeypatch.setattr(Drs, "every_instance", cut_off)
    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    assert seen["termination"]["status"] == "IN_PROGRESS"
    assert seen["termination"]["remaining"] == [
        {"recoveryInstanceId": there, "sourceServerId": server(2), "reason": "DRS does not answer in us-west-2"}
    ]
    assert [one["recoveryInstanceID"] for one in stack.control.state()["recoveryInstances"]] == [there]
    monkeypatch.setattr(Drs, "every_instance", original)
    clock.forward(10)
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)


def test_a_region_that_refuses_holds_up_no_other(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    document = plan(wave("there", 1, region="us-west-2"), wave("here", 2))
    stack.control.put_source_server(server(1), region="us-west-2")
    stack.put_servers([server(2)])
    started = stack.start(document)
    stack.ended(started)
    original = Drs.terminate

    def throttled(drs: Drs, recovery_instance_ids: Sequence[str]) -> str:
        if drs.client.meta.region_name == "us-west-2":
            raise CallRejectedError("ThrottlingException", "slower", status=429)
        return original(drs, recovery_instance_ids)

    monkeypatch.setattr(Drs, "terminate", throttled)
    stack.api("POST", f"/executions/{started}/terminate", {})

    stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    left = [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]]
    assert left == [server(1)]


@pytest.mark.parametrize("seed", range(5))
def test_with_the_manners_of_real_services_nothing_is_left_and_nothing_is_called_terminated_that_runs(
    stack: Stack, clock: JumpingClock, seed: int
) -> None:
    document = plan(wave("here", 1, 2, 3), wave("there", 4, 5, region="us-west-2", dependsOn=[]))
    stack.put_servers(server(number) for number in (1, 2, 3))
    for number in (4, 5):
        stack.control.put_source_server(server(number), region="us-west-2")
    started = stack.start(document)
    stack.ended(started)
    stack.control.put_manners(seed=seed)
    for _ in range(4):
        assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
        termination = ended_while_time_passes(stack, clock, started)["termination"]
        left = [one for one in stack.control.state()["recoveryInstances"] if one["ec2InstanceState"] == "RUNNING"]
        assert termination["terminated"] == 5 - len(left), termination
        if termination["status"] == "COMPLETED":
            break
    assert termination == all_terminated(5)


def test_t8_an_instance_in_failback_is_never_terminated(stack: Stack, clock: JumpingClock) -> None:
    # A failback that DRS does not report is none (contract 2); here it tells.
    stack.control.put_manners(omit=["ParticipatingServer.recoveryInstanceID"])
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.instance(server(1), failbackState="FAILBACK_COMPLETED")
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert reasons(execution) == {server(1): "Its failback is FAILBACK_COMPLETED: end or disconnect it in DRS"}
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 1)
    assert [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]] == [server(1)]
    assert len(stack.control.calls("TerminateRecoveryInstances")) == 1


def test_t7_what_was_launched_into_is_never_terminated_and_each_server_is_asked_once(
    stack: Stack, clock: JumpingClock
) -> None:
    document = plan(wave("only", 1, 2, 3))
    existing = "i-0abcdef0123456789"
    stack.control.put_existing_instance(existing, state="STOPPED")
    into = {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": existing}}
    stack.put_servers(servers_of(document))
    stack.put_servers([server(1)], launchConfiguration=into)
    started = stack.start(document)
    assert existing in instances_of(stack.ended(started))
    stack.control.fault("GetLaunchConfiguration", httpStatus=500, count=2, subject=server(2))
    stack.api("POST", f"/executions/{started}/terminate", {})
    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 1)
    assert reasons(seen)[server(2)] == "DRS does not report whether it existed before (GetLaunchConfiguration)"
    execution = ended_while_time_passes(stack, clock, started)
    assert reasons(execution) == {
        server(1): "It existed before and was launched into (launchInto): end or disconnect it in DRS"
    }
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 2)
    asked = [call["parameters"]["sourceServerID"] for call in stack.control.calls("GetLaunchConfiguration")]
    assert sorted(asked) == [server(1), *3 * [server(2)], server(3)]
    (left,) = stack.control.state()["recoveryInstances"]
    assert left["recoveryInstanceID"] == existing
    calls = stack.control.calls("TerminateRecoveryInstances")
    assert existing not in {name for call in calls for name in call["parameters"]["recoveryInstanceIDs"]}


def test_what_a_recovery_took_over_is_left_alone_and_named(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=1)
    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.wait(started, lambda _: stack.control.calls("TerminateRecoveryInstances"))
    recovery = stack.start(plan(wave("theirs", 1, requiresApproval=True), plan_id="theirs"), "recoveries")

    execution = ended_while_time_passes(stack, clock, started)

    assert reasons(execution) == {server(1): f"held by {recovery}"}
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 1)
    assert [one["sourceServerID"] for one in stack.control.state()["recoveryInstances"]] == [server(1)]
    (lock,) = [item for item in stack.items_of(keys.LOCK) if server(1) in item["pk"]["S"]]
    assert lock["executionId"]["S"] == recovery, "the end gives back its own locks and no other's"

    assert stack.api("POST", f"/executions/{recovery}/waves/1/approve", {}).status == 202
    stack.ended(recovery)
    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    assert ended_while_time_passes(stack, clock, started)["termination"] == all_terminated(2)
    (left,) = stack.control.state()["recoveryInstances"]
    assert (left["sourceServerID"], left["isDrill"]) == (server(1), False)


def test_t2_two_of_twenty_in_conflict_hold_up_no_other(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("only", *range(1, 21)))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    bad = {server(1), server(2)}
    for name in bad:
        stack.control.instance(name, terminable=False)
    stack.api("POST", f"/executions/{started}/terminate", {})

    seen = stack.wait(started, lambda now: now["termination"]["terminated"] == 18)
    assert (seen["termination"]["status"], set(reasons(seen))) == ("IN_PROGRESS", bad)
    assert {text.partition(":")[0] for text in reasons(seen).values()} == {"ConflictException"}
    execution = ended_while_time_passes(stack, clock, started, 8)
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 18)
    assert reasons(execution).keys() == bad
    assert len(stack.control.calls("TerminateRecoveryInstances")) < 60


def test_n21_a_fault_of_drs_for_one_leaves_it_alone(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("only", *range(1, 21)))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", httpStatus=500, count=1000, subject=server(7))
    stack.api("POST", f"/executions/{started}/terminate", {})
    waited_for(stack, clock, started, lambda now: now["termination"]["terminated"] == 19)
    assert len(stack.control.calls("TerminateRecoveryInstances")) <= 12
    execution = ended_while_time_passes(stack, clock, started, 8)
    assert reasons(execution).keys() == {server(7)}
    assert reasons(execution)[server(7)].startswith("500 ")
    assert len(stack.control.state()["recoveryInstances"]) == 1


def test_an_instance_that_ec2_protects_outlives_three_jobs_and_is_named(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE_WAVE))
    started = stack.start(ONE_WAVE)
    stack.ended(started)
    stack.control.instance(server(1), protected=True)
    stack.api("POST", f"/executions/{started}/terminate", {})
    execution = ended_while_time_passes(stack, clock, started)
    assert (execution["termination"]["status"], execution["termination"]["terminated"]) == ("INCOMPLETE", 1)
    assert reasons(execution) == {server(1): "3 DRS jobs ended without terminating it"}
    assert len(stack.control.calls("TerminateRecoveryInstances")) == 3
