"""Leases of drills: the instances end by themselves, whatever stands in the way, and never too early (contract 13)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.eventually import eventually
from tests.support.plans import all_terminated, plan, server, servers_of, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

SHORT: dict[str, Any] = plan(wave("only", 1, 2)) | {"drill": {"terminateAfterMinutes": 15}}
"""A quarter of an hour is 45 s here, an hour three minutes."""
QUARTER, HOUR = 45, 180


def sweep(stack: Stack) -> int:
    return int(stack.invoke("SweepFunction", {})["leases"])


def drilled(stack: Stack, document: dict[str, Any] = SHORT, mode: str = "drills", **asked: Any) -> str:
    """Run a plan to its end."""
    stack.put_servers(servers_of(document))
    started = stack.start(document, mode, **asked)
    assert stack.ended(started)["status"] == "COMPLETED"
    return started


def kinds(stack: Stack, execution_id: str) -> list[str]:
    return [event["type"] for event in stack.events(execution_id)]


def incomplete(stack: Stack, clock: JumpingClock, execution_id: str) -> dict[str, Any]:
    """Wait for the end of a termination that cannot do all, time passing with each look."""
    for _ in range(600):
        execution = stack.get(execution_id)
        if execution["termination"]["status"] == "INCOMPLETE":
            return execution
        assert execution["termination"]["status"] == "IN_PROGRESS"
        time.sleep(0.05)
        clock.forward(1)
    raise AssertionError(execution)


def test_13_a_lease_is_reminded_of_and_then_ends_in_no_instance(stack: Stack, clock: JumpingClock) -> None:
    started = drilled(stack)
    lease = stack.get(started)["lease"]
    assert (lease["minutes"], lease["extendedBy"]) == (15, None)
    assert lease["expiresAt"] > stack.get(started)["endedAt"]
    assert sweep(stack) == 0
    clock.forward(QUARTER * 0.85)
    assert (sweep(stack), sweep(stack)) == (1, 0)
    assert kinds(stack, started)[-1] == "LEASE_ENDING"
    assert stack.events(started)[-1]["data"]["lease"] == {"minutes": 15, "expiresAt": lease["expiresAt"]}
    assert stack.get(started)["termination"]["status"] == "NOT_REQUESTED"
    clock.forward(QUARTER * 0.2)
    assert sweep(stack) == 1
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)
    assert stack.control.state()["recoveryInstances"] == []
    begun = stack.events(started)[-2]
    assert (begun["type"], begun["actor"]) == ("TERMINATION_IN_PROGRESS", "wavebreak")
    assert begun["data"]["reason"] == "The lease of the drill has expired"
    clock.forward(10 * HOUR)
    assert sweep(stack) == 0
    refused = stack.api("POST", f"/executions/{started}/lease", {"minutes": 60})
    assert (refused.status, refused.code) == (409, "INVALID_STATE")


def test_13_a_recovery_has_no_lease_and_its_instances_stay(stack: Stack, clock: JumpingClock) -> None:
    started = drilled(stack, mode="recoveries")
    assert stack.get(started)["lease"] is None
    refused = stack.api("POST", f"/executions/{started}/lease", {"minutes": 60})
    assert (refused.status, refused.code) == (409, "INVALID_STATE")
    clock.forward(100 * HOUR)
    assert sweep(stack) == 0
    assert len(stack.control.state()["recoveryInstances"]) == 2
    asked = {"planId": SHORT["planId"], "terminateAfterMinutes": 60}
    assert stack.api("POST", "/recoveries", asked).code == "VALIDATION_FAILED"


def test_13_a_lease_never_ends_what_runs(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1)])
    stack.put_servers([server(2)], launchSeconds=80_000)
    started = stack.start(SHORT)
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["launchStatus"] == "LAUNCHED")
    clock.forward(10 * QUARTER)
    assert sweep(stack) == 0
    running = stack.get(started)
    assert (running["lease"]["expiresAt"], running["termination"]["status"]) == (None, "NOT_REQUESTED")
    assert stack.control.calls("TerminateRecoveryInstances") == []


@pytest.mark.parametrize("minutes", [15, 1440])
def test_13_a_lease_is_extended_from_now_on(stack: Stack, clock: JumpingClock, minutes: int) -> None:
    started = drilled(stack, terminateAfterMinutes=60)
    assert stack.get(started)["lease"]["minutes"] == 60
    answer = stack.api("POST", f"/executions/{started}/lease", {"minutes": minutes, "reason": "still looking"})
    assert answer.status == 202
    assert answer.json["lease"]["minutes"] == minutes
    assert answer.json["lease"]["extendedBy"] == stack.get(started)["requestedBy"]
    reported = stack.events(started)[-1]
    assert (reported["type"], reported["data"]["reason"]) == ("LEASE_EXTENDED", "still looking")
    clock.forward(2 * HOUR)
    assert sweep(stack) == (1 if minutes == 15 else 0)


@pytest.mark.parametrize("minutes", [14, 10_081, "60", 60.5, None])
def test_13_minutes_that_no_lease_has_are_refused(stack: Stack, minutes: object) -> None:
    started = drilled(stack)
    path = f"/executions/{started}/lease"
    before = stack.get(started)
    assert stack.api("POST", path, {"minutes": minutes}).code == "VALIDATION_FAILED"
    assert (
        stack.api("POST", "/drills", {"planId": SHORT["planId"], "terminateAfterMinutes": minutes or 0}).status == 400
    )
    assert stack.get(started)["version"] == before["version"]


def test_13_a_lease_ends_in_no_instance_though_drs_is_down_when_it_expires(stack: Stack, clock: JumpingClock) -> None:
    started = drilled(stack)
    for operation in ("DescribeJobs", "DescribeRecoveryInstances", "TerminateRecoveryInstances"):
        stack.control.fault(operation, httpStatus=503, count=100_000)
    clock.forward(QUARTER)
    assert sweep(stack) == 1
    left = incomplete(stack, clock, started)
    assert {entry["recoveryInstanceId"] for entry in left["termination"]["remaining"]}
    clock.forward(HOUR / 2)
    assert sweep(stack) == 0, "an hour has not passed"
    stack.control.clear_faults()
    clock.forward(HOUR / 2)
    stack.renew_apps()
    assert sweep(stack) == 1
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)
    assert stack.control.state()["recoveryInstances"] == []


def test_13_two_instances_that_refuse_for_an_hour_are_terminated_by_a_later_run(
    stack: Stack, clock: JumpingClock
) -> None:
    document = plan(wave("only", 1, 2, 3)) | {"drill": {"terminateAfterMinutes": 15}}
    started = drilled(stack, document)
    instances = [entry["recoveryInstanceId"] for entry in stack.get(started)["waves"][0]["servers"]]
    for instance in instances[:2]:
        stack.control.instance(instance, terminable=False)
    clock.forward(QUARTER)
    assert sweep(stack) == 1
    left = incomplete(stack, clock, started)
    assert sorted(entry["recoveryInstanceId"] for entry in left["termination"]["remaining"]) == sorted(instances[:2])
    for instance in instances[:2]:
        stack.control.instance(instance, terminable=True)
    clock.forward(HOUR)
    assert sweep(stack) == 1
    assert stack.cleaned_up(started)["termination"] == all_terminated(3)


def test_13_an_instance_that_refuses_a_second_hourly_run_too_is_terminated_by_the_third(
    stack: Stack, clock: JumpingClock
) -> None:
    started = drilled(stack)
    instances = [entry["recoveryInstanceId"] for entry in stack.get(started)["waves"][0]["servers"]]
    stack.control.instance(instances[0], terminable=False)
    clock.forward(QUARTER)
    for _ in range(2):
        assert sweep(stack) == 1
        left = incomplete(stack, clock, started)
        assert [entry["recoveryInstanceId"] for entry in left["termination"]["remaining"]] == instances[:1]
        assert sweep(stack) == 0, "an hour has not passed"
        clock.forward(HOUR)
    stack.control.instance(instances[0], terminable=True)
    assert sweep(stack) == 1
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)
    assert kinds(stack, started).count("TERMINATION_INCOMPLETE") == 2


def test_13_an_instance_that_people_must_end_is_told_once_and_left_to_them(stack: Stack, clock: JumpingClock) -> None:
    started = drilled(stack)
    instances = [entry["recoveryInstanceId"] for entry in stack.get(started)["waves"][0]["servers"]]
    # Where DRS does not say that an instance fails back, it refuses to end it, and it is tried again like any other.
    stack.control.put_manners(omit=[])
    stack.control.instance(instances[0], failbackState="FAILBACK_IN_PROGRESS")
    clock.forward(QUARTER)
    assert sweep(stack) == 1
    left = incomplete(stack, clock, started)
    assert [entry["recoveryInstanceId"] for entry in left["termination"]["remaining"]] == instances[:1]
    clock.forward(5 * HOUR)
    assert sweep(stack) == 0
    assert kinds(stack, started).count("TERMINATION_INCOMPLETE") == 1


def test_13_a_lease_ends_in_no_instance_though_its_machine_is_killed(stack: Stack, clock: JumpingClock) -> None:
    started = drilled(stack)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=2)
    clock.forward(QUARTER)
    assert sweep(stack) == 1
    [run] = stack.runs("termination")
    stack.sfn.stop_execution(executionArn=run["executionArn"])
    eventually(lambda: stack.runs("termination")[0]["status"], lambda status: status != "RUNNING", seconds=20)
    assert stack.get(started)["termination"]["status"] == "IN_PROGRESS"
    clock.forward(150)
    assert stack.invoke("SweepFunction", {})["restarted"] == 1
    for _ in range(100):
        if stack.get(started)["termination"]["status"] == "COMPLETED":
            break
        time.sleep(0.2)
        clock.forward(HOUR / 30)
        stack.invoke("SweepFunction", {})
    assert stack.cleaned_up(started)["termination"] == all_terminated(2)
    assert stack.control.state()["recoveryInstances"] == []


def test_13_a_lease_waits_for_whoever_holds_a_server_and_goes_on_once_it_is_free(
    stack: Stack, clock: JumpingClock
) -> None:
    started = drilled(stack)
    stack.put_servers([server(2)], launchSeconds=80_000)
    other = stack.start(plan(wave("other", 2), plan_id="other"))
    clock.forward(QUARTER)
    assert sweep(stack) == 0
    assert stack.get(started)["termination"]["status"] == "NOT_REQUESTED"
    stack.control.put_source_server(server(2), launchSeconds=0.1)
    clock.forward(100_000)
    stack.ended(other)
    assert sweep(stack) == 1
    assert stack.cleaned_up(started)["termination"]["status"] == "COMPLETED"


def test_13_a_drill_that_waits_for_an_approval_as_long_as_its_lease_is_cancelled_and_cleaned_up(
    stack: Stack, clock: JumpingClock, commands: Commands
) -> None:
    waves = (wave("first", 1), wave("second", 2, requiresApproval=True))
    document = plan(*waves) | {"drill": {"terminateAfterMinutes": 15}}
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    commands.half_way(started)
    commands.answers(1, "watch", seconds=600)
    running = commands.start("watch", executionId=started, timeoutSeconds=600)
    stack.wait(started, lambda _: stack.control.calls("SendCommand"))
    time.sleep(1.5)
    assert stack.get(started)["status"] == "IN_PROGRESS"
    clock.forward(QUARTER)
    over = stack.cleaned_up(started)
    assert commands.ended(running)["total"] == 1
    commands.come_to_rest()
    assert (over["status"], over["termination"]["status"]) == ("PARTIAL_SUCCESS", "COMPLETED")
    assert (over["cancel"]["actor"], over["cancel"]["then"]) == ("wavebreak", "TERMINATE")
    assert stack.control.state()["recoveryInstances"] == []


def test_13_due_leases_are_found_through_an_index_and_one_that_is_broken_keeps_no_other(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = drilled(stack)
    second = drilled(stack, plan(wave("b", 5), plan_id="second") | {"drill": {"terminateAfterMinutes": 15}})
    present = stack.app()
    assert list(present.executions.due_leases(clock.now())) == []
    clock.forward(QUARTER)
    assert sorted(present.executions.due_leases(clock.now())) == sorted([first, second])
    original = type(present.executions).load

    def load(store: Any, execution_id: str) -> Any:
        if execution_id == first:
            raise ValueError("unreadable")
        return original(store, execution_id)

    with monkeypatch.context() as broken:
        broken.setattr(type(present.executions), "load", load)
        with pytest.raises(ValueError, match="unreadable"):
            stack.invoke("SweepFunction", {})
    assert stack.cleaned_up(second)["termination"]["status"] == "COMPLETED"
    assert sweep(stack) == 1
    assert stack.cleaned_up(first)["termination"]["status"] == "COMPLETED"
