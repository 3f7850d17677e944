"""Two executions that want the same: the second is told who holds it, and a lock never outlives its execution."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.support.plans import plan, server, servers_of, wave

from wavebreak.problems import Unavailable
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.locks import LockStore
from wavebreak.store.table import to_attributes
from wavebreak.timing import iso
from wavebreak.use_cases import drill_guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack

FIRST = plan(wave("only", 1, 2), plan_id="first")
SECOND = plan(wave("only", 3, 2), plan_id="second")
GHOST = "drill-00000000000000000000000000"


def _put(stack: Stack, item: dict[str, Any]) -> None:
    table = stack.app().executions.table
    table.client.put_item(TableName=table.name, Item=to_attributes(item))


def _server_lock(holder: str, taken_at: str) -> dict[str, Any]:
    return {
        "pk": keys.server(Site(), server(2)),
        "sk": keys.LOCK,
        "executionId": holder,
        "callId": "somebody",
        "takenAt": taken_at,
    }


def test_a_server_that_another_execution_holds_refuses_the_start_and_leaves_nothing(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers([server(1), server(2), server(3)], launchSeconds=60)
    first = stack.start(FIRST)
    stack.wait(first, lambda seen: seen["waves"][0]["jobId"])
    stack.put_plan(SECOND)
    before = [item["pk"]["S"] for item in stack.items()]

    refused = stack.api("POST", "/drills", {"planId": "second"})

    assert (refused.status, refused.code) == (409, "SERVER_BUSY")
    assert (refused.json["sourceServerId"], refused.json["executionId"]) == (server(2), first)
    assert [item["pk"]["S"] for item in stack.items()] == before
    clock.forward(61)
    stack.ended(first)
    stack.put_servers([server(1), server(2), server(3)], launchSeconds=0.1)
    assert stack.ended(stack.start(SECOND))["status"] == "COMPLETED"


def test_a_plan_runs_once_at_a_time(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1), server(2)], launchSeconds=60)
    first = stack.start(FIRST)
    stack.wait(first, lambda seen: seen["waves"][0]["jobId"])
    before = [item["pk"]["S"] for item in stack.items()]

    refused = stack.api("POST", "/drills", {"planId": "first"})
    kept = stack.api("DELETE", "/plans/first")

    assert (refused.status, refused.code, refused.json["executionId"]) == (409, "PLAN_BUSY", first)
    assert (kept.status, kept.code, kept.json["executionId"]) == (409, "PLAN_BUSY", first)
    assert [item["pk"]["S"] for item in stack.items()] == before
    clock.forward(61)
    stack.ended(first)
    stack.wait(first, lambda _: stack.api("DELETE", "/plans/first").status == 204)
    assert stack.api("GET", "/plans/first").code == "NOT_FOUND"
    assert stack.get(first)["planName"] == "Plan first"


def test_a_lock_of_an_ended_execution_is_taken_over(stack: Stack, clock: JumpingClock) -> None:
    stack.put_servers([server(1), server(2), server(3)])
    first = stack.start(FIRST)
    stack.ended(first)
    stack.wait(first, lambda _: not [item for item in stack.items() if item["sk"] == {"S": keys.LOCK}])
    (meta,) = stack.items_of(keys.META)
    call = meta["lockCall"]["S"]
    _put(stack, {**_server_lock(first, iso(clock.now())), "callId": call})
    _put(stack, {"pk": keys.plan("second"), "sk": keys.LOCK, "executionId": first, "callId": call})

    assert stack.ended(stack.start(SECOND))["status"] == "COMPLETED"


@pytest.mark.parametrize(("age", "status"), [(30, 409), (61, 202)])
def test_a_lock_of_an_execution_that_was_never_written_is_free_after_a_minute(
    stack: Stack, clock: JumpingClock, age: int, status: int
) -> None:
    stack.put_servers(servers_of(SECOND))
    stack.put_plan(SECOND)
    _put(stack, _server_lock(GHOST, iso(clock.now() - timedelta(seconds=age))))

    answer = stack.api("POST", "/drills", {"planId": "second"})

    assert answer.status == status
    if status == 202:
        assert stack.ended(answer.json["executionId"])["status"] == "COMPLETED"
    else:
        assert (answer.code, answer.json["executionId"]) == ("SERVER_BUSY", GHOST)


def test_a_retry_takes_the_locks_again_and_is_refused_when_somebody_else_has_them(
    stack: Stack, clock: JumpingClock
) -> None:
    stack.put_servers([server(1), server(2), server(3)])
    stack.put_servers([server(1)], launchResult="FAILED")
    first = stack.start(FIRST)
    assert stack.ended(first)["status"] == "FAILED"
    stack.put_servers([server(2)], launchSeconds=60)
    second = stack.start(SECOND)
    stack.wait(second, lambda seen: seen["waves"][0]["jobId"])
    before = stack.get(first)

    refused = stack.api("POST", f"/executions/{first}/waves/1/retry", {})

    assert (refused.code, refused.json["executionId"]) == ("SERVER_BUSY", second)
    assert stack.get(first) == before
    assert not [item for item in stack.items() if item.get("executionId") == {"S": first} and item["sk"]["S"] == "LOCK"]
    clock.forward(61)
    stack.ended(second)


@pytest.mark.parametrize("fault", [Unavailable("many at once"), EndpointConnectionError(endpoint_url="x")], ids=repr)
def test_locks_that_were_taken_before_a_fault_are_given_back_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    big = plan(wave("only", *range(1, 151)), plan_id="big")
    stack.put_servers(servers_of(big))
    stack.put_plan(big)
    original = LockStore._take_batch

    def failing(locks: LockStore, batch: Sequence[str], *rest: Any) -> None:
        if len(batch) < 100:
            raise fault
        original(locks, batch, *rest)

    monkeypatch.setattr(LockStore, "_take_batch", failing)
    assert stack.api("POST", "/drills", {"planId": "big"}).status == 503
    assert not stack.items_of(keys.LOCK), "whoever tries again must not find the servers held by an id nobody knows"


def test_locks_that_a_retry_took_before_a_fault_are_given_back_at_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.put_servers([server(1), server(2)])
    stack.put_servers([server(1)], launchResult="FAILED")
    first = stack.start(FIRST)
    assert stack.ended(first)["status"] == "FAILED"
    stack.wait(first, lambda _: not stack.items_of(keys.LOCK))
    original = LockStore._take_batch

    def failing(locks: LockStore, batch: Sequence[str], *rest: Any) -> None:
        original(locks, batch, *rest)
        raise Unavailable("the answer was lost")

    monkeypatch.setattr(LockStore, "_take_batch", failing)
    assert stack.api("POST", f"/executions/{first}/waves/1/retry", {}).status == 503
    assert not stack.items_of(keys.LOCK)


def test_a6_two_retries_at_once_while_drs_is_flaky_launch_nothing_twice(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan(wave("one", 1), wave("two", 2, 3), plan_id="a")
    stack.put_servers(servers_of(document))
    stack.put_servers([server(3)], launchResult="FAILED")
    execution = stack.start(document)
    stack.ended(execution)
    stack.wait(execution, lambda _: not stack.items_of(keys.LOCK))
    stack.put_servers([server(3)], launchResult="LAUNCHED", launchSeconds=60)
    original = drill_guard.spare_recoveries
    answers: list[Any] = []

    def retry() -> Any:
        return stack.api("POST", f"/executions/{execution}/waves/2/retry", {})

    def flaky(app: Any, asked: Any) -> None:
        if not answers:
            answers.append(retry())
        original(app, asked)

    monkeypatch.setattr(drill_guard, "spare_recoveries", flaky)
    first = retry()
    (second,) = answers
    stack.put_plan(plan(wave("other", 2), plan_id="b"))
    busy = stack.api("POST", "/drills", {"planId": "b"})

    assert (first.status, second.status, second.headers["Retry-After"]) == (202, 503, "1")
    assert {item["pk"]["S"] for item in stack.items_of(keys.LOCK)} >= {keys.server(Site(), server(2))}
    assert (busy.code, busy.json["executionId"]) == ("SERVER_BUSY", execution)
    again = retry()
    assert (again.status, again.code) == (409, "INVALID_STATE"), "it is decided by now"
    stack.wait(execution, lambda seen: len(seen["waves"][1]["jobIds"]) == 2)
    clock.forward(61)
    assert stack.ended(execution)["status"] == "COMPLETED"
    assert stack.launched_servers().count(server(2)) == 1
