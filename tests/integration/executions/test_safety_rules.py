"""The rules of safety that only the store, the machines and DRS together can show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from tests.support.clock import QuickTiming
from tests.support.plans import all_terminated, plan, server, servers_of, three_tier, wave
from tests.support.stored_executions import ACT, AT, execution

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import decide
from wavebreak.domain.executions.launching.launch_tags import TAG_ATTEMPT, TAG_BATCH, TAG_EXECUTION, TAG_WAVE
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, Execution
from wavebreak.domain.executions.observing.launches import Observation
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.store.executions import VersionConflictError
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE = plan(wave("only", 1))


def test_rule_1_one_writer_the_loser_of_a_race_writes_nothing_and_decides_again(stack: Stack) -> None:
    app = stack.app()
    read = app.executions.create(execution(), "{}", ACT, {})
    polled = decide(read, Observation(), AT, app.timing).execution
    assert polled.status is ExecutionStatus.IN_PROGRESS
    asked = Cancel(Attribution("arn:aws:iam::123456789012:user/operator", AT))

    cancelled = app.executions.change(read.execution_id, lambda current: steering.cancel(current, asked), ACT)
    with pytest.raises(VersionConflictError):
        app.executions.save(read, polled, Attribution(ENGINE_ACTOR, AT))
    again = app.executions.change(
        read.execution_id,
        lambda current: decide(current, Observation(), AT, app.timing).execution,
        Attribution(ENGINE_ACTOR, AT),
    )

    assert again == cancelled == app.executions.load(read.execution_id).execution
    assert again.cancel == asked


def test_rule_1_one_writer_a_change_without_an_event_needs_its_version_too(stack: Stack) -> None:
    app = stack.app()
    born = app.executions.create(execution(), "{}", ACT, {})

    def blocked(current: Execution, minutes: int) -> Execution:
        return current.with_waves([replace(current.waves[0], blocked_until=AT + timedelta(minutes=minutes))])

    first = app.executions.save(born, blocked(born, 1), ACT)
    with pytest.raises(VersionConflictError):
        app.executions.save(born, blocked(born, 2), ACT)

    assert app.executions.load(born.execution_id).execution == first
    assert (first.version, first.event_sequence) == (born.version + 1, born.event_sequence)


def test_rule_2_start_once_the_intent_is_written_before_the_call_and_the_job_carries_it(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE))
    stack.control.fault("StartRecovery", delaySeconds=1, count=1)
    started = stack.start(ONE)
    stack.wait(started, lambda _: stack.control.calls("StartRecovery"))

    (intent,) = stack.items_of("JOB#001#1#001")

    assert (intent["state"], "jobId" in intent) == ({"S": "INTENDED"}, False)
    assert stack.ended(started)["status"] == "COMPLETED"
    (job,) = stack.control.state()["jobs"]
    assert job["tags"] == {TAG_EXECUTION: started, TAG_WAVE: "1", TAG_ATTEMPT: "1", TAG_BATCH: "1"}


def test_rule_2_start_once_after_an_unknown_outcome_the_job_is_looked_for_not_started_again(stack: Stack) -> None:
    stack.put_servers(servers_of(ONE))
    stack.control.fault("StartRecovery", httpStatus=500, when="after", count=1)

    execution = stack.ended(stack.start(ONE))

    (call,) = stack.control.calls("StartRecovery")
    (job,) = stack.control.state()["jobs"]
    assert (call["error"], execution["status"], execution["waves"][0]["jobIds"]) == (
        "Http500",
        "COMPLETED",
        [job["jobID"]],
    )


def test_rule_2_start_once_holds_for_terminations_too(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuickTiming, "termination", lambda _timing: timedelta(seconds=2))
    stack.put_servers(servers_of(ONE))
    started = stack.start(ONE)
    stack.ended(started)
    stack.control.fault("TerminateRecoveryInstances", dropConnection=True, when="after", count=1)

    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"] == all_terminated(1)
    assert len(stack.control.calls("TerminateRecoveryInstances")) == 1


def test_rule_3_terminate_only_your_own_failed_waves_included(stack: Stack) -> None:
    document = plan(wave("whole", 1), wave("half", 2, 3))
    stack.put_servers([*servers_of(document), server(9)])
    stack.put_servers([server(3)], launchResult="FAILED")
    drs = boto3.client("drs")
    started = stack.start(document)
    assert [each["status"] for each in stack.ended(started)["waves"]] == ["COMPLETED", "FAILED"]
    for other in (server(9), server(1)):  # somebody else's server, and one of ours launched anew by somebody else
        drs.start_recovery(sourceServers=[{"sourceServerID": other}], isDrill=True)
    stack.wait(started, lambda _: all(job["status"] == "COMPLETED" for job in stack.control.state()["jobs"]))

    stack.api("POST", f"/executions/{started}/terminate", {})

    assert stack.cleaned_up(started)["termination"] == all_terminated(2)
    left = sorted(instance["sourceServerID"] for instance in stack.control.state()["recoveryInstances"])
    assert left == [server(1), server(9)]


def test_rule_4_a_poll_error_is_not_a_failure_of_the_wave(stack: Stack) -> None:
    stack.put_servers(servers_of(three_tier()))
    started = stack.start(three_tier())
    for fault in ({"error": "ThrottlingException"}, {"httpStatus": 503}, {"dropConnection": True}):
        stack.control.fault("DescribeJobs", **fault, count=2)

    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert {call["error"] for call in stack.control.calls("DescribeJobs")} > {None}
    assert sorted(stack.launched_servers()) == servers_of(three_tier())


def test_rule_5_always_an_end_a_dead_machine_is_seen_and_reconciled(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ONE), launchSeconds=60)
    started = stack.start(ONE)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    (run,) = stack.runs("recovery")
    stack.sfn.stop_execution(executionArn=run["executionArn"])
    stack.wait(started, lambda _: stack.runs("recovery")[0]["status"] != "RUNNING")
    clock.forward(600)

    assert stack.invoke("SweepFunction", {})["restarted"] == 1

    assert stack.ended(started)["status"] == "COMPLETED"
    assert len(stack.control.calls("StartRecovery")) == 1
    assert not stack.items_of("LOCK"), "a lock outlived its execution"


def test_rule_6_quotas_hold_a_wave_back_while_other_people_use_them_up(stack: Stack, clock: JumpingClock) -> None:
    # A job that a look does not show yet uses up the quota all the same, and DRS refuses: here each look shows all.
    stack.control.put_manners(delaySeconds=0)
    stack.applied_quotas.update(jobs=20, servers_a_job=100, servers_in_jobs=3)
    stack.control.quotas(serversInAllJobs=3)
    document = plan(wave("only", 1, 2, 3))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(8), server(9)], launchSeconds=60)
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(name)} for name in (8, 9)])

    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobIds"])
    clock.forward(61)

    assert stack.ended(started)["status"] == "COMPLETED"
    first, *rest = stack.control.calls("StartRecovery")[1:]
    assert len(first["parameters"]["sourceServers"]) == 1
    assert [call["error"] for call in (first, *rest)] == [None] * (1 + len(rest))
    assert sorted(stack.launched_servers()) == sorted([*servers_of(document), server(8), server(9)])


def test_rule_10_drill_and_recovery_only_a_recovery_is_terminated_with_a_confirmation(stack: Stack) -> None:
    for mode in ("drills", "recoveries"):
        document = plan(wave("only", 1), plan_id=f"plan-{mode}")
        stack.put_servers(servers_of(document))
        started = stack.start(document, mode)
        stack.ended(started)
        path = f"/executions/{started}/terminate"
        if mode == "recoveries":
            for confirm in ({}, {"confirm": "drill-" + "0" * 26}):
                refused = stack.api("POST", path, confirm)
                assert (refused.status, refused.code) == (400, "CONFIRMATION_REQUIRED")
            assert stack.get(started)["termination"]["status"] == "NOT_REQUESTED"
        assert stack.api("POST", path, {"confirm": started} if mode == "recoveries" else {}).status == 202
        assert stack.cleaned_up(started)["termination"]["terminated"] == 1


def test_a5_rule_10_a_cancel_ends_the_instances_of_a_recovery_only_with_a_confirmation(
    stack: Stack, clock: JumpingClock
) -> None:
    for mode in ("drills", "recoveries"):
        document = plan(wave("one", 1), wave("two", 2), plan_id=f"plan-{mode}")
        stack.put_servers(servers_of(document))
        stack.put_servers([server(2)], launchSeconds=60)
        started = stack.start(document, mode)
        stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
        path = f"/executions/{started}/cancel"
        ended = {"then": "TERMINATE"}
        if mode == "recoveries":
            for confirm in ({}, {"confirm": None}, {"confirm": "drill-" + "0" * 26}, {"confirm": ""}):
                refused = stack.api("POST", path, ended | confirm)
                assert (refused.status, refused.code) == (400, "CONFIRMATION_REQUIRED")
            assert stack.get(started)["status"] == "IN_PROGRESS", "nothing was cancelled"
            assert stack.api("POST", path, {}).json["cancel"]["then"] == "KEEP", "a cancel alone needs none"
            assert stack.api("POST", path, ended).code == "CONFIRMATION_REQUIRED", "nor does KEEP become TERMINATE"
            assert stack.get(started)["cancel"]["then"] == "KEEP"
            ended |= {"confirm": started}
        assert stack.api("POST", path, {"confirm": "x" * 300}).code == "CONFIRMATION_REQUIRED"
        assert stack.api("POST", path, ended).json["cancel"]["then"] == "TERMINATE"
        clock.forward(61)
        assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"
        assert stack.control.state()["recoveryInstances"] == []
