"""A drill never stands in the way of a recovery (contract 2): over the API, with machines and a DRS that works."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.plans import plan, server, servers_of, wave
from tests.support.stack import ended_while_time_passes

from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.use_cases import start_execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

REHEARSED: Final = plan(wave("db", 1, 2), wave("web", 3), plan_id="rehearsed")
NEEDED: Final = plan(wave("all", 2, 3, 4), plan_id="needed")


def holder_of(stack: Stack, number: int) -> str | None:
    partition = keys.server(Site(), server(number))
    return stack.app().locks.server_holders([partition], stack.clock.now()).get(partition)


def servers(shown: dict[str, Any], wave_number: int) -> dict[str, dict[str, Any]]:
    return {each["sourceServerId"]: each for each in shown["waves"][wave_number - 1]["servers"]}


def in_small_steps(clock: JumpingClock, seconds: float, each: Callable[[], Any] = lambda: None) -> None:
    """Have time pass as it does for the machines, which look in between."""
    for _ in range(int(seconds / 1.5)):
        clock.forward(1.5)
        time.sleep(0.4)
        each()


def launching_drill(stack: Stack, seconds: float = 100) -> str:
    """Start the drill, and wait until its first wave is being launched."""
    stack.put_servers([*servers_of(REHEARSED), server(4)])
    stack.put_servers([server(1), server(2)], launchSeconds=seconds)
    drill = stack.start(REHEARSED)
    stack.wait(drill, lambda seen: seen["waves"][0]["jobId"])
    return drill


def test_a_recovery_takes_a_running_drills_servers_and_waits_only_for_those_that_drs_is_launching(
    stack: Stack, clock: JumpingClock
) -> None:
    drill = launching_drill(stack, seconds=40)
    job = stack.get(drill)["waves"][0]["jobId"]
    stack.put_servers([server(3), server(4)], launchSeconds=0.1)

    recovery = stack.start({**NEEDED, "waves": [{**NEEDED["waves"][0], "timeoutMinutes": 2}]}, "recoveries")

    gave_way = stack.get(drill)
    assert (gave_way["status"], gave_way["cancel"]["then"]) == ("CANCELLING", "KEEP")
    assert gave_way["cancel"]["reason"] == f"Preempted by {recovery}"
    assert [each["status"] for each in gave_way["waves"]] == ["IN_PROGRESS", "CANCELLED"]
    assert [holder_of(stack, number) for number in (1, 2, 3, 4)] == [drill, recovery, recovery, recovery]
    others = (server(3), server(4))
    seen = stack.wait(recovery, lambda now: all(servers(now, 1)[name]["launchStatus"] == "LAUNCHED" for name in others))
    (warning,) = seen["warnings"]
    assert (warning["code"], drill in warning["message"]) == ("PREEMPTED_DRILL", True)
    waits = stack.wait(recovery, lambda now: servers(now, 1)[server(2)]["error"])
    assert servers(waits, 1)[server(2)]["error"] == f"Waits for the end of {job}, a DRS job of a drill"

    stack.put_servers([server(2)], launchSeconds=0.1)
    in_small_steps(clock, 12)
    assert stack.get(recovery)["waves"][0]["status"] == "IN_PROGRESS", "the wait is no time of its own: six seconds"
    in_small_steps(clock, 36)

    after = stack.ended(recovery)
    assert after["status"] == "COMPLETED", after["waves"]
    ended = stack.ended(drill)
    assert (ended["status"], ended["waves"][0]["status"]) == ("CANCELLED", "CANCELLED")
    alive = {each["sourceServerID"]: each["isDrill"] for each in stack.control.state()["recoveryInstances"]}
    assert alive == {server(1): True, server(2): False, server(3): False, server(4): False}
    stack.wait(recovery, lambda _: not stack.items_of(keys.LOCK))


def test_a_drill_that_the_start_could_not_cancel_is_cancelled_and_woken_by_the_next_look(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: JumpingClock
) -> None:
    """The call took the servers over and died: from what is stored the recovery goes on with it."""
    drill = launching_drill(stack, seconds=20)
    monkeypatch.setattr(start_execution, "cancel_drills", lambda _app, born: born)

    recovery = stack.start(NEEDED, "recoveries")

    gave_way = stack.wait(drill, lambda seen: seen["status"] == "CANCELLING")
    assert gave_way["cancel"]["reason"] == f"Preempted by {recovery}"
    stack.put_servers([server(2)], launchSeconds=0.1)
    in_small_steps(clock, 24)
    assert stack.ended(drill)["status"] == "CANCELLED"
    assert stack.ended(recovery)["status"] == "COMPLETED"


def test_what_a_recovery_preempted_is_told_in_both_trails_and_messages(stack: Stack) -> None:
    drill = launching_drill(stack)
    recovery = stack.start(REHEARSED, "recoveries", reason="fire")

    started = stack.events(recovery)[0]
    assert started["data"]["preempted"] == [drill]
    cancelled = stack.events(drill)[-1]
    assert cancelled["type"] == "EXECUTION_CANCELLING"
    assert cancelled["data"]["preemptedBy"] == recovery
    assert (cancelled["actor"], cancelled["data"]["reason"]) == (started["actor"], f"Preempted by {recovery}")


def test_a_recovery_that_is_not_to_preempt_is_refused_naming_the_drill_and_leaves_all_as_it_is(stack: Stack) -> None:
    drill = launching_drill(stack)
    stack.put_plan(NEEDED)
    for plan_id, code in (("needed", "SERVER_BUSY"), ("rehearsed", "PLAN_BUSY")):
        refused = stack.api("POST", "/recoveries", {"planId": plan_id, "preempt": False})
        assert (refused.status, refused.code, refused.json["executionId"]) == (409, code, drill)
        assert stack.api("POST", "/drills", {"planId": plan_id}).code == code
    assert stack.get(drill)["status"] == "IN_PROGRESS"
    for body in ({"preempt": "no"}, {"preempt": None}):
        assert stack.api("POST", "/recoveries", {"planId": "needed", **body}).code == "VALIDATION_FAILED"
    assert stack.api("POST", "/drills", {"planId": "needed", "preempt": True}).code == "VALIDATION_FAILED"


def test_another_recovery_is_never_preempted(stack: Stack) -> None:
    stack.put_servers([*servers_of(REHEARSED), server(4)], launchSeconds=100)
    first = stack.start(REHEARSED, "recoveries")
    stack.put_plan(NEEDED)
    before = [item["pk"] for item in stack.items_of(keys.LOCK)]
    for plan_id, code in (("needed", "SERVER_BUSY"), ("rehearsed", "PLAN_BUSY")):
        refused = stack.api("POST", "/recoveries", {"planId": plan_id})
        assert (refused.status, refused.code, refused.json["executionId"]) == (409, code, first)
    assert [item["pk"] for item in stack.items_of(keys.LOCK)] == before


def test_a12_a_recovery_is_not_held_up_by_a_drills_termination_that_gets_nowhere(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers(servers_of(REHEARSED))
    drill = stack.start(REHEARSED)
    stack.ended(drill)
    stack.control.fault("TerminateRecoveryInstances", error="ThrottlingException", count=1000)
    assert stack.api("POST", f"/executions/{drill}/terminate", {}).status == 202
    in_small_steps(clock, 3)

    recovery = stack.start(REHEARSED, "recoveries")

    assert stack.get(drill)["cancel"] is None, "it has ended: nothing is left to cancel"
    assert stack.ended(recovery)["status"] == "COMPLETED"
    alive = stack.control.state()["recoveryInstances"]
    assert [each["isDrill"] for each in alive] == [False] * 3
    stack.control.clear_faults()
    termination = stack.cleaned_up(drill)["termination"]
    if termination["status"] == "INCOMPLETE":
        # It may have ended before the recovery had replaced them: then it names these as the recovery's.
        assert {entry["reason"] for entry in termination["remaining"]} == {f"held by {recovery}"}
        assert stack.api("POST", f"/executions/{drill}/terminate", {}).status == 202
    assert stack.cleaned_up(drill)["termination"]["status"] == "COMPLETED"
    assert len(stack.control.state()["recoveryInstances"]) == 3


def test_a_drill_is_terminated_but_for_the_one_server_that_a_recovery_holds(stack: Stack, clock: JumpingClock) -> None:
    """It costs money until then: what others hold is named, and holds up no other (contract 2)."""
    document = plan(wave("db", 1, 2), wave("web", 3, 4), plan_id="rehearsed")
    stack.put_servers(servers_of(document))
    drill = stack.start(document)
    ended = stack.ended(drill)
    drilled = {name: each["recoveryInstanceId"] for number in (1, 2) for name, each in servers(ended, number).items()}
    recovery = stack.start(plan(wave("one", 2, waitBeforeSeconds=1200), plan_id="needed"), "recoveries")

    assert stack.api("POST", f"/executions/{drill}/terminate", {}).status == 202

    assert [holder_of(stack, number) for number in (1, 2, 3, 4)] == [drill, recovery, drill, drill]
    after = ended_while_time_passes(stack, clock, drill)
    assert after["termination"]["status"] == "INCOMPLETE"
    assert after["termination"]["terminated"] == 3
    [left] = after["termination"]["remaining"]
    assert (left["sourceServerId"], left["reason"]) == (server(2), f"held by {recovery}")
    assert left["recoveryInstanceId"] == drilled[server(2)]
    assert {each["sourceServerID"] for each in stack.control.state()["recoveryInstances"]} == {server(2)}
    assert holder_of(stack, 1) is None

    clock.forward(61)
    assert stack.ended(recovery)["status"] == "COMPLETED"
    assert [each["isDrill"] for each in stack.control.state()["recoveryInstances"]] == [False]
    assert stack.api("POST", f"/executions/{drill}/terminate", {}).status == 202
    assert ended_while_time_passes(stack, clock, drill)["termination"]["status"] == "COMPLETED"
    assert [each["isDrill"] for each in stack.control.state()["recoveryInstances"]] == [False]


def test_a_drill_of_which_a_recovery_holds_every_server_cannot_be_terminated_meanwhile(stack: Stack) -> None:
    stack.put_servers(servers_of(REHEARSED))
    drill = stack.start(REHEARSED)
    stack.ended(drill)
    needed = plan(wave("all", 1, 2, 3, waitBeforeSeconds=1200), plan_id="needed")
    recovery = stack.start(needed, "recoveries")

    refused = stack.api("POST", f"/executions/{drill}/terminate", {})

    assert (refused.status, refused.code, refused.json["executionId"]) == (409, "SERVER_BUSY", recovery)
    assert stack.get(drill)["termination"]["status"] == "NOT_REQUESTED"


def test_a_drill_starts_no_job_where_a_recovery_has_servers_to_be_started(stack: Stack, clock: JumpingClock) -> None:
    rehearsed = plan(wave("asks", 1, requiresApproval=True), wave("away", 5, region="us-west-2", dependsOn=[]))
    stack.put_servers([server(1), server(2)])
    stack.put_servers([server(5)], region="us-west-2")
    drill = stack.start(rehearsed)
    stack.wait(drill, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")
    stack.wait(drill, lambda seen: seen["waves"][1]["status"] == "COMPLETED")
    recovery = stack.start(plan(wave("all", 2, waitBeforeSeconds=1200), plan_id="needed"), "recoveries")
    stack.wait(recovery, lambda seen: seen["waves"][0]["status"] == "IN_PROGRESS")

    assert stack.api("POST", f"/executions/{drill}/waves/1/approve", {}).status == 202
    waits = stack.wait(drill, lambda seen: servers(seen, 1)[server(1)]["error"])
    assert "recovery" in servers(waits, 1)[server(1)]["error"]
    assert stack.launched_servers().count(server(1)) == 0

    clock.forward(61)
    assert stack.ended(recovery)["status"] == "COMPLETED"
    clock.forward(31)
    assert stack.ended(drill)["status"] == "COMPLETED", "it was not in the recovery's way, and goes on after it"
    assert stack.launched_servers() == [server(5), server(2), server(1)]


@pytest.mark.parametrize("verb", ["retry", "skip"])
def test_a_recovery_that_is_taken_up_again_preempts_a_drill(stack: Stack, verb: str) -> None:
    document = plan(wave("one", 1), wave("two", 2, dependsOn=[]), plan_id="mine")
    stack.put_servers([server(1), server(2), server(3)])
    stack.put_servers([server(1)], launchResult="FAILED")
    recovery = stack.start(document, "recoveries")
    assert stack.ended(recovery)["status"] == "PARTIAL_SUCCESS"
    stack.put_servers([server(1)], launchResult="LAUNCHED")
    stack.put_servers([server(1), server(3)], launchSeconds=100)
    drill = stack.start(plan(wave("rehearsed", 1, 3), plan_id="rehearsed"))
    stack.wait(drill, lambda seen: seen["waves"][0]["jobId"])

    answer = stack.api("POST", f"/executions/{recovery}/waves/1/{verb}", {})

    assert answer.status == 202
    assert [warning["code"] for warning in answer.json["warnings"]] == ["PREEMPTED_DRILL"]
    assert stack.get(drill)["status"] == "CANCELLING"
    assert holder_of(stack, 3) == drill
    if verb == "retry":
        assert holder_of(stack, 1) == recovery
