"""Approvals that end, through the API and the machines (contract 12, paragraph Approval)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.gateway import CALLER
from tests.support.plans import plan, servers_of, wave

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

SOMEBODY_ELSE = "arn:aws:sts::123456789012:assumed-role/Operators/somebody-else"
TIMEOUT = 30
"""Ten minutes are half a minute here."""


def asking(**approval: Any) -> dict[str, Any]:
    return plan(wave("first", 1), wave("second", 2, approval={"timeoutMinutes": 10, **approval}))


def waits(stack: Stack, document: dict[str, Any], mode: str = "drills") -> str:
    """Start a plan and wait until its second wave asks."""
    stack.put_servers(servers_of(document))
    started = stack.start(document, mode)
    stack.wait(started, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    return started


def messages(stack: Stack, started: str, kind: str) -> list[dict[str, Any]]:
    return [event for event in stack.events(started) if event["type"] == kind]


@pytest.mark.parametrize("mode", ["drills", "recoveries"])
def test_12_people_are_reminded_at_each_timeout(stack: Stack, clock: JumpingClock, mode: str) -> None:
    started = waits(stack, asking(then="REMIND" if mode == "drills" else "REJECT"), mode)
    before = stack.get(started)["waves"][1]["approval"]
    assert (before["by"], before["then"], before["askedAt"] < before["dueAt"]) == (None, "REMIND", True)
    for count in (1, 2):
        clock.forward(TIMEOUT)
        stack.wait(started, lambda _, count=count: len(messages(stack, started, "APPROVAL_REMINDED")) == count)  # type: ignore[misc]  # mypy infers no default
    first, second = messages(stack, started, "APPROVAL_REMINDED")
    assert (first["actor"], first["data"]["changes"][0]["to"]) == ("wavebreak", "REMINDED")
    assert [entry["waveNumber"] for entry in second["data"]["approvals"]] == [2]
    waiting = stack.get(started)["waves"][1]
    assert (waiting["status"], waiting["approval"]["askedAt"]) == ("AWAITING_APPROVAL", before["askedAt"])
    assert waiting["approval"]["dueAt"] == second["data"]["approvals"][0]["dueAt"] > before["dueAt"]


def test_12_a_drills_wave_is_rejected_by_wavebreak_even_during_a_pause(stack: Stack, clock: JumpingClock) -> None:
    started = waits(stack, asking(then="REJECT"))
    assert stack.api("POST", f"/executions/{started}/pause", {}).status == 202
    clock.forward(TIMEOUT)
    rejected = stack.wait(started, lambda seen: seen["waves"][1]["status"] == "FAILED")["waves"][1]
    assert rejected["error"] == "Rejected: not approved within 10 minute(s)"
    assert (rejected["approval"]["dueAt"], rejected["approval"]["by"]) == (None, None)
    (event,) = messages(stack, started, "WAVE_FAILED")
    assert (event["actor"], event["data"]["reason"]) == ("wavebreak", "Not approved in time: wave 2 (second)")
    over = stack.ended(started)
    assert over["status"] == "PARTIAL_SUCCESS", "onFailure STOP"
    report = stack.api("GET", f"/executions/{started}/report").json
    (asked,) = report["waves"][1]["approvals"]
    assert (asked["decision"], asked["by"]) == ("REJECTED", "wavebreak")
    again = stack.api("POST", f"/executions/{started}/waves/2/retry", {})
    assert (again.status, again.json["waves"][1]["approval"]["then"]) == (202, "REJECT")
    assert stack.api("POST", f"/executions/{started}/waves/2/approve", {}).status == 202
    assert stack.ended(started)["status"] == "COMPLETED"


def test_12_who_asked_for_the_execution_may_reject_or_skip_but_not_approve(stack: Stack) -> None:
    started = waits(stack, asking(notBy="REQUESTER"))
    path = f"/executions/{started}/waves/2"
    before = stack.get(started)
    refused = stack.api("POST", f"{path}/approve", {})
    assert (refused.status, refused.code) == (409, "INVALID_STATE")
    assert CALLER in refused.json["detail"]
    assert stack.get(started)["waves"][1] == before["waves"][1]
    assert messages(stack, started, "APPROVAL_GIVEN") == []
    assert before["waves"][1]["actions"] == ["reject", "skip"], "contract 4: notBy included"
    assert before["actions"] == ["cancel", "pause", "lease"]
    stack.gateway.caller = SOMEBODY_ELSE
    assert stack.get(started)["waves"][1]["actions"] == ["approve", "reject", "skip"]
    answer = stack.api("POST", f"{path}/approve", {"reason": "four eyes"})
    assert answer.status == 202
    shown = stack.ended(started)["waves"][1]["approval"]
    assert (shown["by"], shown["reason"], shown["dueAt"]) == (SOMEBODY_ELSE, "four eyes", None)


@pytest.mark.parametrize(("decision", "status"), [("reject", "FAILED"), ("skip", "SKIPPED")])
def test_12_reject_and_skip_are_open_to_all(stack: Stack, decision: str, status: str) -> None:
    started = waits(stack, asking(notBy="REQUESTER"))
    assert stack.api("POST", f"/executions/{started}/waves/2/{decision}", {}).status == 202
    assert stack.ended(started)["waves"][1]["status"] == status


def test_12_a_wave_with_both_is_refused_and_nothing_is_stored(stack: Stack) -> None:
    document = plan(wave("only", 1, requiresApproval=True, approval={}))
    answer = stack.api("PUT", f"/plans/{document['planId']}", document)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/waves/0/requiresApproval")
    assert stack.api("GET", f"/plans/{document['planId']}").status == 404
