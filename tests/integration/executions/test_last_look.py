"""A7: nothing launched is forgotten; no execution ends while a site that may have launched something is silent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.aws.drs import Drs

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

ONE = plan(wave("only", 1))


def running(stack: Stack) -> list[str]:
    return [item["sourceServerID"] for item in stack.control.state()["recoveryInstances"]]


@pytest.mark.parametrize("error", ["ThrottlingException", "ConflictException"])
def test_a7_b_what_a_refused_call_launched_is_found_before_a_cancelled_execution_ends(stack: Stack, error: str) -> None:
    stack.put_servers(servers_of(ONE))
    stack.control.fault("StartRecovery", error=error, when="after", count=1)
    started = stack.start(ONE)
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["error"])

    stack.api("POST", f"/executions/{started}/cancel", {"then": "TERMINATE"})

    execution = stack.cleaned_up(started)
    assert (execution["status"], execution["waves"][0]["status"]) == ("CANCELLED", "CANCELLED")
    assert execution["waves"][0]["jobId"]
    assert running(stack) == []


def test_a7_a_an_execution_does_not_end_while_a_place_owes_an_answer_and_says_so(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers(servers_of(ONE))
    stack.control.fault("StartRecovery", dropConnection=True, when="after", count=1)
    original = Drs.find_launches
    monkeypatch.setattr(Drs, "find_launches", lambda *_: {})
    started = stack.start(ONE)
    stack.wait(started, lambda seen: seen["waves"][0]["servers"][0]["error"])
    stack.control.fault("DescribeJobs", httpStatus=503, count=10_000)
    stack.api("POST", f"/executions/{started}/cancel", {"then": "TERMINATE"})
    for _ in range(4):
        clock.forward(90)
        time.sleep(0.5)
    monkeypatch.setattr(Drs, "find_launches", original)

    seen = stack.wait(started, lambda seen: seen["waves"][0]["error"])
    assert seen["status"] == "CANCELLING"
    assert "does not answer" in seen["waves"][0]["error"]
    assert any("launches that nobody knows of" in str(each["context"]) for each in _errors(stack))

    stack.control.clear_faults()
    for _ in range(6):
        clock.forward(40)
        time.sleep(0.4)
    execution = stack.cleaned_up(started)
    assert (execution["status"], execution["waves"][0]["error"]) == ("CANCELLED", None)
    assert running(stack) == []


def _errors(stack: Stack) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stack.api("GET", "/errors", query={"limit": "1000"}).json["items"]
    return items


def test_a_region_that_is_silent_keeps_only_its_own_launches_unknown(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("here", 1), wave("there", 2, region="us-west-2", dependsOn=[]))
    stack.put_servers([server(1)])
    stack.put_servers([server(2)], region="us-west-2")
    original = Drs.launches_of
    asked: list[str] = []

    def answered(drs: Drs, *arguments: Any) -> Any:
        asked.append(drs.client.meta.region_name)
        return original(drs, *arguments)

    monkeypatch.setattr(Drs, "launches_of", answered)
    stack.control.fault("StartRecovery", error="ThrottlingException", count=1)

    execution = stack.ended(stack.start(document), seconds=90)

    assert execution["status"] == "COMPLETED"
    assert len(asked) <= 1, "one call for each place with a call that was refused or refuted"
