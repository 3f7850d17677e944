"""Faults behind the API: told as what they are, and without what nobody should see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from tests.support.plans import plan, server, servers_of, three_tier, wave
from tests.support.stored_executions import execution_id

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
    monkeypatch.setattr(Table, "get", _failing(RuntimeError("secret of the house")))

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


def test_an_error_while_locks_are_taken_leaves_none_behind_that_lasts(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_plan(three_tier())
    before = stack.items()
    monkeypatch.setattr(LockStore, "take_servers", _failing(FAULTS[1]))

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
