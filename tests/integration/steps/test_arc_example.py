"""examples/arc: however often Region switch invokes it, and whatever answer is lost, one recovery is started."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, wave
from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

EVENT = {"regionSwitchExecutionId": "us-west-2/0123456789abcdef"}


def context(seconds: float = 900) -> Any:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * seconds)


class Door:
    """The API as the example's requests reach it; answers may get lost."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.lost: set[int] = set()
        self.calls: list[tuple[str, str]] = []
        self.error: Callable[[str], Exception] = ConnectionError

    def sent(self, signed: Any) -> Any:
        """Stand in for the example's `sent`."""
        path = signed.url.removeprefix("https://api/v1")
        self.calls.append((signed.method, path))
        assert signed.headers["Authorization"].startswith("AWS4-HMAC-SHA256")
        body = json.loads(signed.data) if signed.data else None
        key = signed.headers.get("Idempotency-Key")
        answer = self.stack.api(signed.method, path, body, headers={"Idempotency-Key": key} if key else None)
        if len(self.calls) in self.lost:
            raise self.error("the answer was lost")
        if answer.status >= 400:
            raise self.error(f"{answer.status}: {answer.json['detail']}")
        return answer.json


@pytest.fixture
def example(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Door]:
    spec = importlib.util.spec_from_file_location("start_recovery", ROOT / "examples" / "arc" / "start_recovery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    door = Door(stack)
    door.error = module.NotDoneError
    monkeypatch.setattr(module, "sent", door.sent)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setenv("WAVEBREAK_API_URL", "https://api/v1")
    monkeypatch.setenv("PLAN_ID", "three-tier")
    stack.put_servers(map(server, (1, 2)))
    stack.put_plan(plan(wave("database", 1), wave("web", 2, requiresApproval=True)))
    return module, door


def started(stack: Stack) -> list[str]:
    answer = stack.api("GET", "/executions")
    return [item["executionId"] for item in answer.json["items"]]


def test_a_recovery_is_driven_to_its_end_with_lost_answers_between_and_started_once(
    stack: Stack, example: tuple[ModuleType, Door]
) -> None:
    module, door = example
    door.lost = {1, 3}  # of the start, and of a look
    for _ in range(2):
        with pytest.raises(module.NotDoneError, match="lost"):
            module.handler(EVENT, context())
    (execution_id,) = started(stack)
    stack.wait(execution_id, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    with pytest.raises(module.NotDoneError, match=f"{execution_id} is IN PROGRESS: it goes on"):
        module.handler(EVENT, context(60))
    assert stack.api("POST", f"/executions/{execution_id}/waves/2/approve", {}).status == 202

    ended = module.handler(EVENT, context())

    assert (ended["executionId"], ended["status"]) == (execution_id, "COMPLETED")
    assert module.handler(EVENT, context())["executionId"] == execution_id, "a late repeat starts nothing either"
    assert started(stack) == [execution_id]
    assert execution_id.startswith("recovery-")
    assert "ARC Region switch" in stack.get(execution_id)["reason"]


def test_a_failed_recovery_keeps_the_step_failing_until_its_waves_are_retried(
    stack: Stack, example: tuple[ModuleType, Door]
) -> None:
    module, _ = example
    stack.put_servers([server(1)], launchResult="FAILED", rawError="no capacity")
    for _ in range(2):
        with pytest.raises(module.NotDoneError, match="ended as FAILED"):
            module.handler(EVENT, context())
    (execution_id,) = started(stack)
    stack.put_servers([server(1)], launchResult="LAUNCHED")
    assert stack.api("POST", f"/executions/{execution_id}/waves/1/retry", {}).status == 202
    stack.wait(execution_id, lambda seen: seen["waves"][1]["status"] == "AWAITING_APPROVAL")
    assert stack.api("POST", f"/executions/{execution_id}/waves/2/approve", {}).status == 202
    assert module.handler(EVENT, context())["executionId"] == execution_id
    assert started(stack) == [execution_id]


def test_another_run_of_region_switch_is_another_recovery_and_a_refusal_is_told(
    stack: Stack, example: tuple[ModuleType, Door]
) -> None:
    module, _ = example
    with pytest.raises(module.NotDoneError, match="goes on"):
        module.handler(EVENT, context(60))
    with pytest.raises(module.NotDoneError, match="409"):
        module.handler({"regionSwitchExecutionId": "us-west-2/other"}, context(60))
    assert len(started(stack)) == 1


def test_the_run_under_way_is_asked_for_in_its_own_words(
    example: tuple[ModuleType, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _ = example
    items = [
        {"executionId": "old", "executionState": "completed", "startTime": 3},
        {"executionId": "first", "executionState": "inProgress", "startTime": 1},
        {"executionId": "second", "executionState": "pausedByFailedStep", "startTime": 2},
    ]
    paginator = SimpleNamespace(paginate=lambda planArn: [{"items": items}] if planArn == "arn" else [])  # noqa: N803  boto3's name
    monkeypatch.setenv("ARC_PLAN_ARN", "arn")
    monkeypatch.setattr(module.boto3, "client", lambda _name: SimpleNamespace(get_paginator=lambda _call: paginator))
    assert module.switch_under_way() == "second"
    items.clear()
    with pytest.raises(module.NotDoneError, match="no execution"):
        module.switch_under_way()
