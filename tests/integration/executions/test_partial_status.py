"""What an execution is called when it did not get to its end (S2-11), and what its instances become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.eventually import eventually
from tests.support.gateway import CALLER
from tests.support.plans import all_terminated, server, servers_of, three_tier

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


def _statuses(execution: dict[str, Any]) -> list[str]:
    return [wave["status"] for wave in execution["waves"]]


def _servers(execution: dict[str, Any], number: int) -> list[str]:
    return [entry["launchStatus"] for entry in execution["waves"][number - 1]["servers"]]


def test_s2_11_cancel_after_wave_1_of_3_is_partial_success(stack: Stack) -> None:
    document = three_tier()
    document["waves"][1]["requiresApproval"] = True
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: _statuses(seen) == ["COMPLETED", "AWAITING_APPROVAL", "NOT_STARTED"])

    answer = stack.api("POST", f"/executions/{started}/cancel", {"reason": "enough seen"})

    assert answer.status == 202
    execution = stack.ended(started)
    assert execution["status"] == "PARTIAL_SUCCESS"
    assert execution["display"] == {
        "label": "PARTIAL SUCCESS (1 of 3 waves completed)",
        "color": "orange",
        "icon": "⚠️",
    }
    assert _statuses(execution) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert execution["terminationMetadata"] == {"canTerminate": True, "reason": None, "hasRecoveryInstances": True}
    assert execution["cancel"]["reason"] == "enough seen"
    assert (execution["completedWaves"], execution["cancelledWaves"], execution["totalWaves"]) == (1, 2, 3)


def test_s2_11_cancel_before_any_job_is_cancelled_and_leaves_nothing_to_terminate(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["waitBeforeSeconds"] = 3600
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["status"] == "IN_PROGRESS")

    answer = stack.api("POST", f"/executions/{started}/cancel", {})

    assert answer.json["status"] == "CANCELLED"
    assert _statuses(answer.json) == ["CANCELLED", "CANCELLED", "CANCELLED"]
    assert answer.json["terminationMetadata"] == {
        "canTerminate": False,
        "reason": "No recovery instances found",
        "hasRecoveryInstances": False,
    }
    refused = stack.api("POST", f"/executions/{started}/terminate", {})
    assert (refused.status, refused.code, refused.json["detail"]) == (
        409,
        "INVALID_STATE",
        "No recovery instances found",
    )
    assert stack.control.calls("StartRecovery") == []


def test_s2_11_failure_after_wave_1_is_partial_success(stack: Stack) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "PARTIAL_SUCCESS"
    assert _statuses(execution) == ["COMPLETED", "FAILED", "NOT_STARTED"]
    assert execution["terminationMetadata"]["canTerminate"]
    failed = execution["waves"][1]
    assert failed["servers"][0]["launchStatus"] == "FAILED"
    assert "LAUNCH_FAILED" in failed["servers"][0]["error"]
    assert server(3) in failed["error"]


def test_s2_11_failure_of_the_first_wave_is_failed(stack: Stack) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(1), server(2)], launchResult="FAILED")

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "FAILED"
    assert _statuses(execution) == ["FAILED", "NOT_STARTED", "NOT_STARTED"]


def test_s2_5_cancel_with_a_wave_in_flight_waits_for_its_job_and_terminates_what_it_launched(
    stack: Stack, clock: JumpingClock
) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchSeconds=60)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])

    answer = stack.api("POST", f"/executions/{started}/cancel", {})

    assert answer.json["status"] == "CANCELLING"
    assert _statuses(answer.json) == ["COMPLETED", "IN_PROGRESS", "CANCELLED"]

    def again() -> tuple[int, int, int]:
        before = stack.get(started)["version"]
        repeated = stack.api("POST", f"/executions/{started}/cancel", {})
        return repeated.status, before, repeated.json["version"]

    # The machine may write between two calls, but comes to rest while DRS launches; a repeated cancel writes nothing.
    eventually(again, lambda seen: seen == (202, seen[1], seen[1]), "a repeated cancel is written")
    early = stack.api("POST", f"/executions/{started}/terminate", {})
    assert (early.status, early.json["detail"]) == (409, "Execution not in terminal state")

    clock.forward(61)
    execution = stack.ended(started)
    assert execution["status"] == "PARTIAL_SUCCESS"
    assert _statuses(execution) == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert _servers(execution, 2) == ["LAUNCHED"]
    assert len(stack.control.state()["recoveryInstances"]) == 3

    assert stack.api("POST", f"/executions/{started}/terminate", {}).status == 202
    cleaned = stack.cleaned_up(started)
    assert cleaned["termination"] == all_terminated(3)
    assert stack.control.state()["recoveryInstances"] == []


def test_a_cancel_that_says_terminate_cleans_up_by_itself(stack: Stack, clock: JumpingClock) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchSeconds=60)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][1]["jobId"])
    stack.api("POST", f"/executions/{started}/cancel", {"then": "KEEP"})

    answer = stack.api("POST", f"/executions/{started}/cancel", {"then": "TERMINATE", "reason": "tidy up"})

    assert answer.json["cancel"]["then"] == "TERMINATE"
    order = answer.json["cancel"]["terminationRequestedBy"]
    assert (order["actor"], order["reason"]) == (CALLER, "tidy up")
    clock.forward(61)
    execution = stack.cleaned_up(started)
    assert (execution["status"], execution["termination"]["status"]) == ("PARTIAL_SUCCESS", "COMPLETED")
    reported = [event["data"].get("terminationRequestedBy") for event in stack.events(started)]
    assert [word for word in reported if word] == [order]
    assert stack.control.state()["recoveryInstances"] == []
    assert stack.api("POST", f"/executions/{started}/cancel", {}).code == "INVALID_STATE"
