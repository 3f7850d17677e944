"""Faults behind the API: told as what they are, and without what nobody should see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from tests.support.plans import plan, server, servers_of, three_tier, wave
from tests.support.stored_executions import execution_id

from wavebreak.store import keys
from wavebreak.store.locks import LockStore
from wavebreak.store.table import Table

if TYPE_CHECKING:
    from tests.support.stack import Stack

FAULTS = [
    ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}, "Query"),
    ClientError({"Error": {"Code": "InternalServerError", "Message": "table-name-and-account"}}, "Query"),
    ConnectTimeoutError(endpoint_url="https://dynamodb.internal"),
]


def _failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_an_infrastructure_fault_is_unavailable_and_says_when_to_come_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    for name in ("query", "get", "_query", "transact"):
        monkeypatch.setattr(Table, name, _failing(fault))
    for method, path, body in (
        ("GET", f"/executions/{execution_id(1)}", None),
        ("GET", "/executions", None),
        ("GET", "/plans", None),
        ("PUT", "/plans/three-tier", three_tier()),
        ("POST", "/drills", {"planId": "three-tier"}),
        ("POST", f"/executions/{execution_id(1)}/cancel", {}),
        ("POST", f"/executions/{execution_id(1)}/pause", {}),
        ("POST", f"/executions/{execution_id(1)}/terminate", {}),
    ):
        answer = stack.api(method, path, body)
        assert (answer.status, answer.code) == (503, "UNAVAILABLE"), path
        assert int(answer.headers["Retry-After"]) > 0
        assert "internal" not in answer.body
        assert "table-name" not in answer.body


def test_an_unexpected_error_tells_a_correlation_id_and_nothing_else(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Table, "query", _failing(RuntimeError("secret of the house")))

    answer = stack.api("GET", f"/executions/{execution_id(1)}")

    assert (answer.status, answer.code) == (500, "INTERNAL")
    identifier = answer.json["correlationId"]
    assert re.fullmatch("err-[0-9a-z]{26}", identifier)
    assert answer.json == {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "code": "INTERNAL",
        "detail": "An internal error occurred",
        "correlationId": identifier,
    }


def test_a_start_whose_transaction_is_lost_leaves_locks_that_free_themselves(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", 1))
    stack.put_servers(servers_of(document))
    stack.put_plan(document)
    original = Table.transact
    calls: list[int] = []

    def failing(table: Table, writes: Any) -> None:
        calls.append(len(writes))
        if len(calls) == 2:
            raise FAULTS[0]
        original(table, writes)

    monkeypatch.setattr(Table, "transact", failing)
    answer = stack.api("POST", "/drills", {"planId": document["planId"]})
    assert answer.code == "UNAVAILABLE"
    busy = stack.api("POST", "/drills", {"planId": document["planId"]})
    assert (busy.status, busy.code, busy.json["sourceServerId"]) == (409, "SERVER_BUSY", server(1))

    stack.clock.forward(61)

    assert stack.ended(stack.start(document))["status"] == "COMPLETED"


def _cancelling(stack: Stack, monkeypatch: pytest.MonkeyPatch, item: str, codes: tuple[str, ...], times: int) -> None:
    """Have DynamoDB cancel transactions that write an item of a sort key, with these reasons for its first writes."""
    client = stack.app().executions.table.client
    original, left = client.transact_write_items, [times]

    def cancelled(**asked: Any) -> Any:
        sorted_by = [next(iter(each.values())).get("Item", {}).get("sk") for each in asked["TransactItems"]]
        if {"S": item} not in sorted_by or not left[0]:
            return original(**asked)
        left[0] -= 1
        reasons = [{"Code": code} for code in (*codes, *["None"] * len(sorted_by))][: len(sorted_by)]
        answer: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": reasons,
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(answer, "TransactWriteItems")

    monkeypatch.setattr(client, "transact_write_items", cancelled)


MIXES = [
    ("ThrottlingError",),
    ("ProvisionedThroughputExceeded", "None", "ThrottlingError"),
    ("ThrottlingError", "TransactionConflict"),
    ("ValidationError",),
    ("ItemCollectionSizeLimitExceeded", "TransactionConflict"),
    ("TransactionConflict",),
    ("ThrottlingError", "ValidationError"),
]


@pytest.mark.parametrize("codes", MIXES, ids="+".join)
def test_t26_a_start_whose_transaction_was_cancelled_leaves_nothing_and_the_next_one_starts(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...]
) -> None:
    document = plan(wave("only", 1))
    stack.put_servers(servers_of(document))
    stack.put_plan(document)
    before = stack.items()
    _cancelling(stack, monkeypatch, keys.META, codes, times=3)

    refused = stack.api("POST", "/drills", {"planId": document["planId"]})

    permanent = {"ValidationError", "ItemCollectionSizeLimitExceeded"} & set(codes)
    assert (refused.status, refused.code) == ((500, "INTERNAL") if permanent else (503, "UNAVAILABLE"))
    assert stack.items() == before
    monkeypatch.undo()
    assert stack.api("POST", "/drills", {"planId": document["planId"]}).status == 202


@pytest.mark.parametrize("codes", MIXES[:3], ids="+".join)
def test_t26_a_passing_want_of_capacity_delays_a_start_and_a_cancel(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...]
) -> None:
    document = plan(wave("only", 1, requiresApproval=True))
    stack.put_servers(servers_of(document))
    stack.put_plan(document)
    _cancelling(stack, monkeypatch, keys.META, codes, times=2)
    started = stack.api("POST", "/drills", {"planId": document["planId"]})
    assert started.status == 202
    execution = started.json["executionId"]
    stack.wait(execution, lambda seen: seen["waves"][0]["status"] == "AWAITING_APPROVAL")
    monkeypatch.undo()
    _cancelling(stack, monkeypatch, keys.META, codes, times=2)
    assert stack.api("POST", f"/executions/{execution}/cancel", {}).status == 202


def test_t26_a_retry_whose_transaction_was_cancelled_gives_its_locks_back(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("only", 1))
    stack.put_servers(servers_of(document), launchResult="FAILED")
    execution = stack.start(document)
    stack.ended(execution)
    stack.wait(execution, lambda _: not stack.items_of(keys.LOCK))
    _cancelling(stack, monkeypatch, keys.META, ("ThrottlingError",), times=3)
    assert stack.api("POST", f"/executions/{execution}/waves/1/retry", {}).code == "UNAVAILABLE"
    assert not stack.items_of(keys.LOCK)


def test_a_start_whose_answer_was_lost_is_found_to_be_written(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    document = plan(wave("only", 1))
    stack.put_servers(servers_of(document))
    stack.put_plan(document)
    original = Table.transact

    def losing(table: Table, writes: Any) -> None:
        original(table, writes)
        if any(write.name == "event" for write in writes):
            monkeypatch.undo()
            raise FAULTS[2]

    monkeypatch.setattr(Table, "transact", losing)
    answer = stack.api("POST", "/drills", {"planId": document["planId"]})
    assert answer.status == 202
    assert stack.ended(answer.json["executionId"])["status"] == "COMPLETED"


def test_an_error_while_locks_are_taken_leaves_none_behind_that_lasts(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_plan(three_tier())
    before = stack.items()
    monkeypatch.setattr(LockStore, "take", _failing(FAULTS[1]))

    answer = stack.api("POST", "/drills", {"planId": "three-tier"})

    assert answer.code == "UNAVAILABLE"
    assert stack.items() == before


def test_an_idempotency_key_gives_the_first_answer_again(stack: Stack) -> None:
    document = three_tier()
    document["waves"][0]["requiresApproval"] = True
    stack.put_plan(document)
    headers = {"Idempotency-Key": "11111111-aaaa"}

    first = stack.api("POST", "/drills", {"planId": "three-tier"}, headers=headers)
    second = stack.api("POST", "/drills", {"planId": "three-tier"}, headers=headers)
    other = stack.api("POST", "/drills", {"planId": "three-tier", "reason": "another"}, headers=headers)

    assert (first.status, second.status) == (202, 202)
    assert second.json["executionId"] == first.json["executionId"]
    assert (other.status, other.code) == (409, "IDEMPOTENCY_CONFLICT")
