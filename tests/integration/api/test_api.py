"""What the API takes, and how its lists are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.plans import servers_of, three_tier

if TYPE_CHECKING:
    from tests.support.stack import Stack


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_is_taken_however_its_type_is_written(stack: Stack, content_type: str) -> None:
    answer = stack.api("PUT", "/plans/three-tier", three_tier(), headers={"Content-Type": content_type})

    assert answer.status == 201


def test_a_wave_that_does_not_exist_is_not_found(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["requiresApproval"] = True
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")

    for number in ("0", "4", "-1", "1.0", "x", "\u0661", "9" * 5000):
        answer = stack.api("POST", f"/executions/{started}/waves/{number}/approve", {})
        assert (answer.status, answer.code) == (404, "NOT_FOUND"), number


def test_a_lost_update_of_a_plan_is_refused(stack: Stack) -> None:
    first = stack.api("PUT", "/plans/three-tier", three_tier())
    assert (first.status, first.headers["ETag"], first.json["version"]) == (201, '"1"', 1)
    assert stack.api("PUT", "/plans/three-tier", three_tier(), headers={"If-Match": '"1"'}).status == 200
    before = stack.items()

    answer = stack.api("PUT", "/plans/three-tier", three_tier(), headers={"If-Match": "1"})

    assert (answer.status, answer.code) == (412, "PRECONDITION_FAILED")
    assert stack.items() == before


def test_lists_are_paged_and_filtered_through_the_api(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["requiresApproval"] = True
    stack.put_servers(servers_of(document))
    started = []
    for _ in range(3):
        started.append(stack.start(document))
        stack.api("POST", f"/executions/{started[-1]}/cancel", {})
    query = {"planId": "three-tier", "status": "CANCELLED", "mode": "DRILL", "limit": "2"}

    first = stack.api("GET", "/executions", query=query).json
    rest = stack.api("GET", "/executions", query=query | {"nextToken": first["nextToken"]}).json

    assert [item["executionId"] for item in first["items"] + rest["items"]] == started[::-1]
    assert (rest["nextToken"], "waves" in first["items"][0]) == (None, False)
    assert stack.api("GET", "/executions", query={"mode": "RECOVERY"}).json == {"items": [], "nextToken": None}


def test_a_reader_who_knows_an_execution_is_sent_no_body(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["requiresApproval"] = True
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")
    first = stack.api("GET", f"/executions/{started}")
    known = {"If-None-Match": first.headers["ETag"]}
    stack.clock.forward(5)

    unchanged = stack.api("GET", f"/executions/{started}", headers=known)
    stack.api("POST", f"/executions/{started}/waves/1/approve", {})
    changed = stack.api("GET", f"/executions/{started}", headers=known)

    assert (unchanged.status, unchanged.body, unchanged.headers["ETag"]) == (304, "", first.headers["ETag"])
    assert stack.api("GET", f"/executions/{started}").json["durationSeconds"] >= first.json["durationSeconds"] + 5
    assert changed.status == 200
    assert changed.json["version"] > first.json["version"]
    assert changed.headers["ETag"] != first.headers["ETag"]
