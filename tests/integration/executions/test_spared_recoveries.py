"""A2: a drill never ends a recovered server, however late that was recovered and whoever did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from tests.support.eventually import eventually
from tests.support.plans import plan, server, servers_of, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def recovered(stack: Stack, number: int) -> str:
    """Have somebody recover a server from the DRS console, and give its instance once its job is over."""
    boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(number)}], isDrill=False)
    eventually(
        lambda: stack.control.state()["jobs"],
        lambda jobs: all(job["status"] == "COMPLETED" for job in jobs),
        "it was not recovered",
        seconds=30,
    )
    (instance,) = (
        instance["recoveryInstanceID"]
        for instance in stack.control.state()["recoveryInstances"]
        if instance["sourceServerID"] == server(number) and not instance["isDrill"]
    )
    return str(instance)


def left(stack: Stack) -> dict[str, bool]:
    """Give the instances that run, and whether a drill launched each."""
    return {item["recoveryInstanceID"]: item["isDrill"] for item in stack.control.state()["recoveryInstances"]}


def spared(execution: dict[str, Any], number: int, instance: str) -> None:
    """Hold that a server has failed for the sake of its instance."""
    servers = {each["sourceServerId"]: each for wave in execution["waves"] for each in wave["servers"]}
    error = servers[server(number)]["error"]
    assert error.startswith("SERVER_BUSY")
    assert instance in error


def test_a2_not_after_an_approval(stack: Stack) -> None:
    document = plan(wave("db", 1), wave("web", 2, 3, requiresApproval=True))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    instance = recovered(stack, 2)
    stack.everything_shows()

    stack.api("POST", f"/executions/{started}/waves/2/approve", {})

    execution = stack.ended(started)
    spared(execution, 2, instance)
    assert left(stack)[instance] is False
    assert [each["launchStatus"] for each in execution["waves"][1]["servers"]] == ["FAILED", "LAUNCHED"]


def test_a2_not_after_a_retry_in_a_running_drill(stack: Stack) -> None:
    document = plan(wave("db", 1, 2, onFailure="ASK"), wave("web", 3))
    stack.put_servers(servers_of(document))
    stack.put_servers([server(1)], launchResult="FAILED")
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["status"] == "PAUSED")
    stack.wait(started, lambda _: all(job["status"] == "COMPLETED" for job in stack.control.state()["jobs"]))
    stack.put_servers([server(1)], launchResult="LAUNCHED")
    instance = recovered(stack, 1)
    stack.everything_shows()

    assert stack.api("POST", f"/executions/{started}/waves/1/retry", {}).status == 202

    seen = stack.wait(started, lambda seen: seen["status"] == "PAUSED" and seen["waves"][0]["attempt"] == 2)
    spared(seen, 1, instance)
    assert left(stack)[instance] is False


def test_a2_not_before_what_a_recovery_has_just_launched_shows(stack: Stack) -> None:
    document = plan(wave("db", 1), wave("web", 2, 3, requiresApproval=True))
    stack.control.put_manners(staleReads=1)
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    # A launch lasts longer than DRS takes to show that it has begun.
    stack.put_servers([server(2)], launchSeconds=20)
    instance = recovered(stack, 2)

    stack.api("POST", f"/executions/{started}/waves/2/approve", {})

    execution = stack.ended(started)
    assert execution["waves"][1]["servers"][0]["error"].startswith("SERVER_BUSY")
    assert left(stack)[instance] is False


def test_a2_not_behind_somebodys_recovery_job(stack: Stack, clock: JumpingClock) -> None:
    document = plan(wave("db", 1, 2))
    stack.put_servers([server(1)], launchSeconds=60)
    stack.put_servers([server(2)])
    started_by_hand = boto3.client("drs").start_recovery(sourceServers=[{"sourceServerID": server(1)}], isDrill=False)[
        "job"
    ]

    execution = stack.ended(stack.start(document))

    spared(execution, 1, started_by_hand["jobID"])
    assert execution["waves"][0]["servers"][1]["launchStatus"] == "LAUNCHED"
    clock.forward(61)
    stack.wait(execution["executionId"], lambda _: len(left(stack)) == 2)
    assert sorted(left(stack).values()) == [False, True]


def test_a2_no_question_more_is_asked_when_nothing_is_there(stack: Stack) -> None:
    document = plan(wave("db", 1, 2))
    stack.put_servers(servers_of(document))
    before = len(stack.control.calls("DescribeRecoveryInstances"))

    stack.ended(stack.start(document))

    asked = stack.control.calls("DescribeRecoveryInstances")[before:]
    assert len(asked) == 2, "at the start of the drill, and for what its job launched"
