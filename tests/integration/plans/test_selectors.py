"""Servers chosen by tags: resolved and frozen when the execution starts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.support.plans import plan, server, wave

from wavebreak.aws.drs import Drs
from wavebreak.store.plans import PlanStore
from wavebreak.store.table import NotWrittenError

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


APP = {"tier": "app"}
SELECTING = plan(wave("database", 1), CHOSEN, plan_id="selecting")


def known(stack: Stack) -> None:
    """Have DRS know the plan's servers, and the plan be stored."""
    stack.put_servers([server(1)])
    stack.put_servers([server(2), server(3)], tags=APP)
    stack.put_plan(SELECTING)


def resolved_by(stack: Stack, how: str) -> None:
    """Resolve the selector once, in one of the ways in which it is remembered."""
    if how == "validate":
        assert stack.api("POST", "/plans/selecting/validate").status == 200
        return
    started = stack.api("POST", f"/{how}", {"planId": "selecting"})
    assert started.status == 202
    stack.ended(started.json["executionId"])


@pytest.mark.parametrize("how", ["validate", "drills", "recoveries"])
def test_a10_a_recovery_starts_while_drs_does_not_tell_with_what_it_told_last(stack: Stack, how: str) -> None:
    known(stack)
    resolved_by(stack, how)
    stack.control.fault("DescribeSourceServers", delaySeconds=12, count=2)
    began = time.monotonic()

    answer = stack.api("POST", "/recoveries", {"planId": "selecting"})

    assert time.monotonic() - began < 8 + 3
    assert answer.status == 202
    shown = answer.json
    assert [each["sourceServerId"] for each in shown["waves"][1]["servers"]] == [server(2), server(3)]
    stale = [each for each in shown["warnings"] if each["code"] == "SELECTOR_STALE"]
    assert [each["waveNumber"] for each in stale] == [2]
    assert stale[0]["message"].startswith("Takes the 2 server(s) that its selector matched at 20")
    assert "DRS of us-east-1 does not report its source servers" in stale[0]["message"]
    stack.control.clear_faults()
    assert stack.ended(shown["executionId"])["status"] == "COMPLETED"


def test_a10_seven_hundred_servers_at_three_seconds_a_page_hold_up_no_recovery(stack: Stack) -> None:
    known(stack)
    stack.put_servers([server(number) for number in range(1000, 1700)])
    resolved_by(stack, "validate")
    stack.control.fault("DescribeSourceServers", delaySeconds=2.9, count=4)
    answer = stack.api("POST", "/recoveries", {"planId": "selecting"})
    assert (answer.status, answer.json["warnings"][0]["code"]) == (202, "SELECTOR_STALE")


def test_n19_a_recovery_of_two_regions_starts_while_one_is_silent_and_each_is_asked_beside_the_other(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {**CHOSEN, "name": "away", "region": "us-west-2", "dependsOn": []}
    document = plan({**CHOSEN, "dependsOn": []}, away, plan_id="selecting")
    stack.put_servers([server(2)], tags=APP)
    stack.put_servers([server(3)], tags=APP, region="us-west-2")
    stack.put_plan(document)
    never = {"planId": "selecting"}
    original = Drs.tags_by_server

    def silent(drs: Drs) -> Any:
        if drs.client.meta.region_name == "us-west-2":
            raise EndpointConnectionError(endpoint_url="https://drs.us-west-2.example")
        return original(drs)

    monkeypatch.setattr(Drs, "tags_by_server", silent)
    refused = stack.api("POST", "/recoveries", never)
    assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert "wave 'away'" in refused.json["detail"]
    assert "us-west-2" in refused.json["detail"], "it never resolved: the wave and its Region are named"

    monkeypatch.setattr(Drs, "tags_by_server", original)
    resolved_by(stack, "validate")
    stack.put_servers([server(4)], tags=APP)
    monkeypatch.setattr(Drs, "tags_by_server", silent)
    answer = stack.api("POST", "/recoveries", never)

    assert answer.status == 202
    assert [[each["sourceServerId"] for each in one["servers"]] for one in answer.json["waves"]] == [
        [server(2), server(4)],
        [server(3)],
    ], "what answers is taken as it is now"
    assert [(each["code"], each["waveNumber"]) for each in answer.json["warnings"]] == [("SELECTOR_STALE", 2)]


def test_a_recovery_whose_tags_were_lost_takes_the_servers_that_had_them_and_a_drill_is_refused(stack: Stack) -> None:
    known(stack)
    resolved_by(stack, "validate")
    stack.put_servers([server(2), server(3)], tags={})
    refused = stack.api("POST", "/drills", {"planId": "selecting"})
    assert (refused.status, refused.code) == (400, "VALIDATION_FAILED")
    assert refused.json["errors"] == [{"pointer": "/waves/1/selector", "message": "matches no source server"}]
    answer = stack.api("POST", "/recoveries", {"planId": "selecting"})
    assert answer.status == 202
    assert answer.json["warnings"][0]["message"].endswith("now it matches no source server")


def test_what_another_version_of_the_plan_resolved_to_is_nobodys(stack: Stack) -> None:
    known(stack)
    resolved_by(stack, "validate")
    stack.put_servers([server(2), server(3)], tags={})
    stack.put_plan({**SELECTING, "description": "changed"})
    assert stack.api("POST", "/recoveries", {"planId": "selecting"}).code == "VALIDATION_FAILED"
    stack.put_servers([server(3)], tags=APP)
    resolved_by(stack, "validate")
    kept = [item["sk"]["S"] for item in stack.items() if item["pk"] == {"S": "PLAN#selecting"}]
    assert sorted(kept) == ["PLAN", "READINESS#DUE", "RESOLVED#000002"], "that of the earlier version is forgotten"
    assert stack.api("DELETE", "/plans/selecting").status == 204
    kept = [item["sk"]["S"] for item in stack.items() if item["pk"] == {"S": "PLAN#selecting"}]
    assert kept == ["LAST_VERSION"]
    stack.put_servers([server(3)], tags={})
    stack.put_plan(SELECTING)
    stack.put_plan({**SELECTING, "description": "again"})
    assert stack.api("POST", "/recoveries", {"planId": "selecting"}).code == "VALIDATION_FAILED"


def test_a_resolution_that_cannot_be_kept_is_no_obstacle(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    known(stack)
    monkeypatch.setattr(PlanStore, "remember_resolved", _unwritten)
    assert stack.api("POST", "/plans/selecting/validate").json["ready"]
    assert stack.api("POST", "/drills", {"planId": "selecting"}).status == 202


def _unwritten(*_: object) -> None:
    raise NotWrittenError("DynamoDB is short of capacity")


def test_t9_servers_of_a_failback_carry_the_same_tags_and_are_not_chosen(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(stack)
    stack.put_servers([server(8), server(9)], tags=APP)
    original = Drs._pages

    def reversed_after_a_failback(drs: Drs, operation: str, **parameters: Any) -> Any:
        for item in original(drs, operation, **parameters):
            reversed_one = item.get("sourceServerID") in {server(8), server(9)}
            yield {**item, "replicationDirection": "FAILBACK"} if reversed_one else item

    monkeypatch.setattr(Drs, "_pages", reversed_after_a_failback)
    assert stack.api("POST", "/plans/selecting/validate").json["ready"]
    started = stack.api("POST", "/drills", {"planId": "selecting"}).json
    assert [each["sourceServerId"] for each in started["waves"][1]["servers"]] == [server(2), server(3)]
