"""Servers chosen by tags: resolved and frozen when the execution starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, server, wave

if TYPE_CHECKING:
    from tests.support.stack import Stack

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


def test_a_place_is_listed_once_however_many_waves_choose_there(stack: Stack) -> None:
    away = {"region": "us-west-2", "dependsOn": []}
    document = plan(
        {**CHOSEN, "name": "app"},
        {**CHOSEN, "name": "web", "selector": {"tags": {"tier": "web"}}, "region": "us-east-1"},
        {**CHOSEN, "name": "away", **away},
        {**CHOSEN, "name": "away web", "selector": {"tags": {"tier": "web"}}, **away},
    )
    for region, first in (("us-east-1", 1), ("us-west-2", 3)):
        stack.put_servers([server(first)], tags={"tier": "app"}, region=region)
        stack.put_servers([server(first + 1)], tags={"tier": "web"}, region=region)

    execution = stack.ended(stack.start(document))

    assert execution["status"] == "COMPLETED"
    chosen = [[each["sourceServerId"] for each in one["servers"]] for one in execution["waves"]]
    assert chosen == [[server(1)], [server(2)], [server(3)], [server(4)]]
    listed = [call for call in stack.control.calls("DescribeSourceServers") if not call["parameters"]["filters"]]
    assert sorted(call["region"] for call in listed) == ["us-east-1", "us-west-2"]
