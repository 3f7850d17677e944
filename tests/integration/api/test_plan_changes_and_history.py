"""What would change if a plan were stored, and lists of what runs and what began lately (contract 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.plans import plan, server, wave

if TYPE_CHECKING:
    from tests.support.stack import Stack


def test_a_diff_tells_what_storing_would_change_and_stores_nothing(stack: Stack) -> None:
    document = plan(wave("db", 1), plan_id="shop")
    answer = stack.api("POST", "/plans/diff", document)
    assert answer.status == 200
    assert [change["pointer"] for change in answer.json["changes"]] == [""]
    assert stack.api("GET", "/plans/shop").status == 404
    stack.put_plan(document)
    assert stack.api("POST", "/plans/diff", document).json == {"changes": []}
    changed = {**document, "name": "Another"}
    reported = stack.api("POST", "/plans/diff", changed).json["changes"]
    assert reported == [{"pointer": "/name", "from": document["name"], "to": "Another"}]
    assert stack.api("GET", "/plans/shop").json["version"] == 1
    assert stack.api("POST", "/plans/diff", {"planId": "shop"}).code == "VALIDATION_FAILED"


def test_executions_are_listed_by_whether_they_run_and_since_when(stack: Stack) -> None:
    stack.put_servers([server(1), server(2)])
    ended = stack.start(plan(wave("db", 1), plan_id="one"))
    stack.ended(ended)
    running = stack.start(plan(wave("db", 2, requiresApproval=True), plan_id="two"))
    began = stack.get(running)["startedAt"]

    def listed(query: dict[str, str]) -> Any:
        answer = stack.api("GET", "/executions", query=query)
        return [item["executionId"] for item in answer.json["items"]] if answer.status == 200 else answer.code

    assert listed({"active": "true"}) == [running]
    assert listed({"active": "false"}) == [ended]
    assert listed({"since": began}) == [running]
    assert listed({"since": began, "planId": "one"}) == []
    assert listed({"since": "2020-01-01T00:00:00Z", "mode": "DRILL"}) == [running, ended]
    assert listed({"since": "2099-01-01T00:00:00Z"}) == []
    for wrong in ({"active": "maybe"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}):
        assert listed(wrong) == "VALIDATION_FAILED", wrong


@pytest.mark.parametrize("path", ["/plans/diff"])
def test_a_diff_takes_no_plan_called_like_it(stack: Stack, path: str) -> None:
    answer = stack.api("PUT", path, plan(wave("db", 1), plan_id="diff"))
    assert answer.status in {400, 403}
