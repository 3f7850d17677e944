"""Server locks and plans in the table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.support.stored_executions import ACT, AT, execution

from wavebreak.domain.executions.locking.lock_rules import Claim
from wavebreak.problems import NotFound, PreconditionFailed, ServerBusy
from wavebreak.store import keys
from wavebreak.store.locks import LockStore, server_keys
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.stack import Stack

    from wavebreak.store.plans import PlanStore


@pytest.fixture
def locks(stack: Stack) -> LockStore:
    return stack.app().locks


@pytest.fixture
def plans(stack: Stack) -> PlanStore:
    return stack.app().plans


def _held(stack: Stack) -> set[str]:
    return {item["pk"]["S"] for item in stack.items_of(keys.LOCK)}


def test_b9_versions_of_an_id_go_on_counting_after_the_plan_is_deleted(plans: PlanStore) -> None:
    for version in (1, 2):
        assert plans.put("p", f'{{"planId":"p","name":"{version}"}}', AT, expected=None).version == version
    plans.delete("p", AT)
    with pytest.raises(PreconditionFailed):
        plans.put("p", '{"planId":"p"}', AT, expected=1)
    reset = plans.put("p", '{"planId":"p"}', AT, expected=0)
    assert (reset.version, reset.is_new) == (3, True)
    assert plans.put("p", '{"planId":"p"}', AT, expected=3).is_new is False
    plans.delete("p", AT)
    assert plans.put("p", '{"planId":"p"}', AT, expected=None).version == 5
    with pytest.raises(NotFound):
        plans.delete("never-there", AT)


def test_250_servers_are_locked_all_or_none(stack: Stack, locks: LockStore) -> None:
    mine = execution(1, sizes=(250,))
    rival = replace(execution(2), waves=(replace(mine.waves[0], servers=mine.waves[0].servers[-1:]),))
    its = locks.take(rival, "rival", AT)
    held = _held(stack)

    with pytest.raises(ServerBusy) as refused:
        locks.take(mine, "mine", AT)

    assert refused.value.members == {
        "sourceServerId": mine.waves[0].servers[-1].source_server_id,
        "executionId": rival.execution_id,
    }
    assert _held(stack) == held
    locks.give_back(its)
    taken = locks.take(mine, "mine", AT)
    assert _held(stack) >= set(server_keys(mine))
    assert locks.take(mine, "mine", AT) == taken, "its answer may have been lost"
    locks.give_back(taken)
    assert not _held(stack) & set(server_keys(mine))


def test_a8_locks_are_not_given_back_once_another_try_of_the_request_made_the_execution(
    stack: Stack, locks: LockStore
) -> None:
    its = locks.take(execution(1, sizes=(120,)), "call", AT)
    stack.app().executions.create(execution(1, sizes=(120,)), "{}", ACT, {}, its)
    held = _held(stack)
    locks.give_back(its)
    assert _held(stack) == held


def test_a6_a_release_leaves_the_locks_of_another_call_and_of_others_alone(stack: Stack, locks: LockStore) -> None:
    mine = replace(execution(1), lock_call="first")
    locks.take(mine, "second", AT)

    locks.release_servers(mine)
    locks.release_servers(replace(mine, lock_call=None))
    locks.release_servers(replace(mine, execution_id="drill-00000000000000000000000099", lock_call="second"))
    assert _held(stack) == set(server_keys(mine))

    locks.release_servers(replace(mine, lock_call="second"))
    assert _held(stack) == set()
    locks.release_servers(replace(mine, lock_call="second"))


def test_a_lock_of_a_running_execution_is_never_free(stack: Stack, locks: LockStore) -> None:
    held = locks.take(execution(1), "call", AT)
    born = stack.app().executions.create(execution(1), "{}", ACT, {}, held)

    holders = locks.server_holders(server_keys(born), AT + timedelta(days=365))
    assert holders == dict.fromkeys(server_keys(born), born.execution_id)
    assert locks.free_stale_plan_lock("p", AT) == Claim(born.execution_id, "call")
    assert locks.free_stale_plan_lock("another", AT) is None


def test_a_plan_is_versioned_and_a_lost_update_refused(plans: PlanStore) -> None:
    with pytest.raises(PreconditionFailed):
        plans.put("p", '{"planId":"p"}', AT, expected=1)
    first = plans.put("p", '{"planId":"p"}', AT, expected=None)
    later = plans.put("p", '{"planId":"p","name":"new"}', AT + timedelta(hours=1), expected=1)

    assert (first.version, later.version, later.document["name"]) == (1, 2, "new")
    assert (later.created_at, later.updated_at) == ("2026-03-01T12:00:00.000Z", "2026-03-01T13:00:00.000Z")
    with pytest.raises(PreconditionFailed) as refused:
        plans.put("p", '{"planId":"p"}', AT, expected=1)
    assert refused.value.members == {"version": 2}
    assert plans.get("p") == later


def test_plans_are_listed_by_id_in_pages_and_deleted(plans: PlanStore) -> None:
    for name in ("b", "a", "c"):
        plans.put(name, f'{{"planId":"{name}"}}', AT, expected=None)
    first, token = plans.page(limit=2, token=None)
    second, rest = plans.page(limit=2, token=token)

    assert [plan.document["planId"] for plan in [*first, *second]] == ["a", "b", "c"]
    assert rest is None
    plans.delete("b", AT)
    with pytest.raises(NotFound):
        plans.delete("b", AT)
    assert [plan.document["planId"] for plan in plans.page(limit=9, token=None)[0]] == ["a", "c"]
