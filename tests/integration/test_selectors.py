"""Servers chosen by tags: resolved and frozen when the execution starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.plans import plan, server, wave

if TYPE_CHECKING:
    from tests.integration.stack import Stack

CHOSEN: dict[str, Any] = {"name": "application", "selector": {"tags": {"tier": "app"}}}


def test_a_selector_takes_the_servers_that_carry_all_its_tags(stack: Stack) -> None:
    document = plan(wave("database", 1), {**CHOSEN, "selector": {"tags": {"tier": "app", "stage": "prod"}}})
    stack.put_servers([server(1)])
    stack.put_servers([server(3), server(2)], tags={"tier": "app", "stage": "prod"})
    stack.put_servers([server(4)], tags={"tier": "app"})
    started = stack.start(document)
    stack.put_servers([server(5)], tags={"tier": "app", "stage": "prod"})

    execution = stack.ended(started)

    assert execution["status"] == "COMPLETED"
    assert [each["sourceServerId"] for each in execution["waves"][1]["servers"]] == [server(2), server(3)]


def test_a_selector_that_matches_nothing_or_another_waves_server_refuses_the_start(stack: Stack) -> None:
    document = plan(wave("database", 1), CHOSEN, {**CHOSEN, "name": "none", "selector": {"tags": {"tier": "none"}}})
    stack.put_servers([server(1)], tags={"tier": "app"})
    assert stack.api("PUT", f"/plans/{document['planId']}", document).status == 201

    refused = stack.api("POST", "/drills", {"planId": document["planId"]})

    assert (refused.status, refused.code) == (400, "VALIDATION_FAILED")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/waves/1/selector", "/waves/2/selector"]
    ready = stack.api("POST", f"/plans/{document['planId']}/validate").json
    assert not ready["ready"]
    assert stack.api("GET", "/executions").json["items"] == []
