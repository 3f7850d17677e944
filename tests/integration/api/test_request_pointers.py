"""Requests with an Idempotency-Key: made once whatever becomes of the records, which nobody depends on (A8, B8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from moto.dynamodb.models import dynamodb_backends
from tests.support.blueprint import ACCOUNT, REGION
from tests.support.plans import plan, servers_of, wave

from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.gateway import Answer
    from tests.support.stack import Stack

RECORDS = "wavebreak-IdempotencyTable"
ASKS = plan(wave("asks", 1, requiresApproval=True), plan_id="asks")


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def lose_records() -> None:
    """Have every record be lost."""
    dynamodb_backends[ACCOUNT][REGION].tables[RECORDS].items.clear()


def failing(error: Exception, times: int) -> Callable[..., Any]:
    left = [times]

    def fail(*_: Any, **__: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error
        return None

    return fail


def start(stack: Stack, key: str, **body: Any) -> Answer:
    return stack.api("POST", "/drills", {"planId": "asks", **body}, **with_key(key))


def test_a8_a_start_whose_record_is_lost_is_answered_with_the_same_execution(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers(servers_of(ASKS))
    stack.put_plan(ASKS)
    first = start(stack, "k1")
    lose_records()

    again = start(stack, "k1")
    lose_records()
    other_body = start(stack, "k1", reason="another")
    other_key = start(stack, "k2")

    assert (first.status, again.status) == (202, 202)
    assert again.json["executionId"] == first.json["executionId"]
    assert (other_body.status, other_body.code) == (409, "IDEMPOTENCY_CONFLICT")
    assert (other_key.status, other_key.code) == (409, "PLAN_BUSY")
    assert len(stack.api("GET", "/executions").json["items"]) == 1
    stack.api("POST", f"/executions/{first.json['executionId']}/cancel", {})
    clock.forward(24 * 3600 + 1)
    lose_records()
    assert start(stack, "k1").json["executionId"] != first.json["executionId"], "a key counts for a day"


def test_a8_the_answer_that_cannot_be_remembered_is_given_and_the_request_done_once(
    stack: Stack, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = commands.launched(2)
    lost = ReadTimeoutError(endpoint_url="https://dynamodb.example")
    monkeypatch.setattr(DynamoDBPersistenceLayer, "_update_record", failing(lost, 1))
    asked = {"command": "uninstall", "executionId": execution}

    first = stack.api("POST", "/commands", asked, **with_key("k1"))
    at_once = stack.api("POST", "/commands", asked, **with_key("k1"))
    lose_records()
    later = stack.api("POST", "/commands", asked, **with_key("k1"))

    assert (first.status, at_once.code, later.status) == (202, "IDEMPOTENCY_CONFLICT", 202)
    assert later.json["commandId"] == first.json["commandId"]
    commands.ended(first.json["commandId"])
    assert len(stack.control.calls("SendCommand")) == 2, "once for each target"
    assert (
        stack.api("POST", "/commands", {**asked, "command": "status"}, **with_key("k1")).code == "IDEMPOTENCY_CONFLICT"
    )


def test_b8_while_the_records_are_away_every_call_of_the_command_line_works(
    stack: Stack, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = commands.launched(1)
    stack.put_servers(servers_of(ASKS))
    stack.put_plan(ASKS)
    away = EndpointConnectionError(endpoint_url="https://dynamodb.example")
    monkeypatch.setattr(DynamoDBPersistenceLayer, "_put_record", failing(away, 1000))

    started = start(stack, "k1")
    assert started.status == 202
    assert start(stack, "k1").json["executionId"] == started.json["executionId"]
    assert start(stack, "k1", reason="x").code == "IDEMPOTENCY_CONFLICT"
    asked = {"command": "status", "executionId": launched}
    sent = stack.api("POST", "/commands", asked, **with_key("k2"))
    assert sent.status == 202
    assert stack.api("POST", "/commands", asked, **with_key("k2")).json["commandId"] == sent.json["commandId"]
    commands.ended(sent.json["commandId"])
    for path in (f"/executions/{started.json['executionId']}/cancel", f"/executions/{launched}/terminate"):
        assert stack.api("POST", path, {}, **with_key("k3")).status == 202
    assert stack.cleaned_up(launched)["termination"]["status"] == "COMPLETED"
    refused = stack.api("POST", f"/executions/{launched}/cancel", {}, **with_key("k4"))
    assert (refused.status, refused.code) == (409, "INVALID_STATE"), "a refusal is told as it is"
    warnings = [item for item in stack.error_items() if "Idempotency" in str(item)]
    assert warnings, "that the table is away is recorded"


def test_a_refusal_whose_record_cannot_be_removed_is_told_as_it_is(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = EndpointConnectionError(endpoint_url="https://dynamodb.example")
    monkeypatch.setattr(DynamoDBPersistenceLayer, "_delete_record", failing(away, 1000))
    refused = stack.api("POST", "/drills", {"planId": "none"}, **with_key("k1"))
    assert (refused.status, refused.code) == (404, "NOT_FOUND")


def test_what_belongs_to_a_key_is_forgotten_by_the_table_after_a_day(stack: Stack) -> None:
    stack.put_servers(servers_of(ASKS))
    stack.put_plan(ASKS)
    assert start(stack, "k1").status == 202
    (item,) = stack.items_of(keys.KEY)
    assert int(item["forgetAfter"]["N"]) == pytest.approx(stack.clock.now().timestamp() + 24 * 3600, abs=60)
    table = stack.blueprint.template["Resources"]["Table"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "forgetAfter", "Enabled": True}
    holding = [item for item in stack.items() if "forgetAfter" in item]
    assert holding == [item for item in holding if item.get("sk") == {"S": keys.KEY}], "nothing else is ever forgotten"
