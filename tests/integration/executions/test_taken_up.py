"""B7: an execution that is taken up again is compared with DRS: others may have launched its servers meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.plans import plan, server, wave

if TYPE_CHECKING:
    from tests.support.commands import Commands
    from tests.support.stack import Stack


def half_failed(stack: Stack, mode: str = "drills") -> str:
    """Have servers 1 and 2 of a wave launched and server 3 fail, so that its command is not sent yet."""
    stack.put_servers(map(server, (1, 2, 3)))
    stack.put_servers([server(3)], launchResult="FAILED")
    document = plan(wave("all", 1, 2, 3, after=[{"command": "status"}]))
    started = stack.start(document, mode)
    assert stack.ended(started)["status"] == "FAILED"
    assert not sent_to(stack)
    stack.put_servers([server(3)], launchResult="LAUNCHED")
    return started


def sent_to(stack: Stack) -> list[str]:
    calls = stack.control.calls("SendCommand")
    return [instance for call in calls for instance in call["parameters"]["InstanceIds"]]


def test_b7_a_retry_sends_nothing_to_an_instance_that_a_later_drill_replaced(commands: Commands, stack: Stack) -> None:
    first = half_failed(stack)
    replaced = commands.instance(1)
    assert stack.ended(stack.start(plan(wave("db", 1), plan_id="other")))["status"] == "COMPLETED"
    stack.everything_shows()
    theirs = commands.instance(1)
    assert theirs != replaced

    assert stack.api("POST", f"/executions/{first}/waves/1/retry", {}).status == 202

    execution = stack.ended(first)
    assert execution["status"] == "COMPLETED"
    assert sorted(sent_to(stack)) == sorted([commands.instance(2), commands.instance(3)])
    shown = {each["sourceServerId"]: each for each in execution["waves"][0]["servers"]}
    assert [shown[server(number)]["ending"] for number in (1, 2, 3)] == ["REPLACED", None, None]
    assert shown[server(1)]["recoveryInstanceId"] == replaced, "what was launched stays told"
    assert execution["instancesLeft"] == 2
    run = execution["waves"][0]["steps"][0]["commandId"]
    results = {one["target"]: one["failureKind"] for one in commands.results(run)}
    assert results == {server(1): "unreachable", server(2): None, server(3): None}


def test_b7_a_region_that_does_not_tell_keeps_nobody_from_a_retry(commands: Commands, stack: Stack) -> None:
    first = half_failed(stack, "recoveries")
    stack.control.fault("DescribeRecoveryInstances", error="AccessDeniedException", count=1)

    assert stack.api("POST", f"/executions/{first}/waves/1/retry", {}).status == 202

    assert stack.ended(first)["status"] == "COMPLETED"
    assert sorted(sent_to(stack)) == sorted(commands.instance(number) for number in (1, 2, 3))
