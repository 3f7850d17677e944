"""An error forced in any handler of the template is found through the API, with its category and its execution."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.blueprint import Blueprint
from tests.support.stored_executions import execution_id

if TYPE_CHECKING:
    from tests.support.blueprint import Route
    from tests.support.stack import Stack

EXECUTION = execution_id(1)
COMMAND = "cmd-00000000000000000000000001"
EVENT = {
    "executionId": EXECUTION,
    "name": EXECUTION,
    "rounds": 0,
    "wave": 1,
    "commandId": COMMAND,
    "number": 1,
    "error": "States.Timeout",
    "cause": "why",
    "detail": {
        "name": EXECUTION,
        "status": "TIMED_OUT",
        "alarmName": "wavebreak-errors",
        "state": {"value": "ALARM", "reason": "11 > 10"},
    },
    "task": "PREPARE",
    "stepId": "6f1c1c1c-0000-5000-8000-000000000001",
    "Records": [{"messageId": "1", "body": "{}", "dynamodb": {"Keys": {"pk": {"S": f"EXEC#{EXECUTION}"}}}}],
    "awslogs": {"data": ""},
}
"""What the functions behind machines and events are called with; each reads what it knows."""
KEEPS_GOING = "NotificationFunction"
"""Lets no error leave it: the stream would bring the same events for ever."""
BODIES: dict[str, Any] = {
    "/drills": {"planId": "three-tier"},
    "/commands": {"command": "status", "executionId": EXECUTION},
}
ROUTES: dict[str, Route] = {}
for _route in Blueprint({}).routes():
    ROUTES.setdefault(_route.function, _route)


def forced(*_: Any, **__: Any) -> Any:
    raise RuntimeError("forced with password=hunter2secret")


def call(stack: Stack, function: str) -> None:
    """Call a function as its trigger does, by the first of its routes if it is behind the API."""
    route = ROUTES.get(function)
    if function == KEEPS_GOING:
        stack.invoke(function, EVENT)
        return
    if route is None:
        with pytest.raises(RuntimeError, match="forced"):
            stack.invoke(function, EVENT)
        return
    path = re.sub(r"\{\w+\}", "1", re.sub(r"\{executionId\}", EXECUTION, route.path))
    body = BODIES.get(route.path, {})
    answer = stack.api(route.method, path, None if route.method == "GET" else body)
    assert (answer.status, answer.code) == (500, "INTERNAL")


@pytest.mark.parametrize("function", sorted(Blueprint({}).handlers()))
def test_s3_14_an_error_forced_in_any_handler_is_found_through_the_api(
    shared_stack: Stack, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    with monkeypatch.context() as broken:
        for name, module in list(sys.modules.items()):
            if not name.startswith("wavebreak.handlers."):
                continue
            for work in ("app", "health"):  # the health of the product hangs on no app
                if hasattr(module, work):
                    broken.setattr(module, work, forced)
        call(shared_stack, function)

    query = {"service": function.removesuffix("Function")}
    error, *others = shared_stack.api("GET", "/errors", query=query).json["items"]

    # What tells people and what writes reports fail each by itself.
    assert len(others) == (1 if function == KEEPS_GOING else 0)
    assert (error["severity"], error["category"], error["errorType"]) == ("ERROR", "INTERNAL", "RuntimeError")
    assert "in forced" in error["stackTrace"]
    assert "hunter2" not in json.dumps(error)
    route = ROUTES.get(function)
    names_an_execution = route is None or "{executionId}" in route.path
    assert error["executionId"] == (EXECUTION if names_an_execution else None)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/errors", {"severity": "BAD"}),
        ("/errors", {"category": "weather"}),
        ("/errors", {"hours": "0"}),
        ("/errors", {"hours": "2161"}),
        ("/errors", {"hours": "soon"}),
        ("/errors", {"limit": "0"}),
        ("/errors", {"limit": "1001"}),
        ("/errors", {"colour": "red"}),
        ("/errors", {"nextToken": "nonsense"}),
        ("/errors/summary", {"hours": "0"}),
        ("/errors/summary", {"hours": "2161"}),
        ("/errors/summary", {"severity": "ERROR"}),
    ],
    ids=str,
)
def test_a_query_that_makes_no_sense_is_refused(shared_stack: Stack, path: str, query: dict[str, str]) -> None:
    answer = shared_stack.api("GET", path, query=query)
    assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
    assert answer.json["errors"]


def test_the_longest_time_and_list_are_answered(shared_stack: Stack) -> None:
    assert shared_stack.api("GET", "/errors", query={"hours": "2160", "limit": "1000"}).status == 200
    assert shared_stack.api("GET", "/errors/summary", query={"hours": "2160"}).status == 200
