"""Server locks and plans in the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.stored_executions import ACT, AT, execution

from wavebreak.problems import NotFound, PreconditionFailed, ServerBusy
from wavebreak.store import keys
from wavebreak.store.locks import LockStore, server_keys
from wavebreak.timing import iso

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


def test_250_servers_are_locked_all_or_none(stack: Stack, locks: LockStore) -> None:
    mine = execution(1, sizes=(250,))
    rival = replace(execution(2), waves=(replace(mine.waves[0], servers=mine.waves[0].servers[-1:]),))
    stack.app().executions.create(rival, "{}", ACT, {})
    locks.take_servers(rival, AT)
    held = _held(stack)

    with pytest.raises(ServerBusy) as refused:
        locks.take_servers(mine, AT)

    assert refused.value.members == {
        "sourceServerId": mine.waves[0].servers[-1].source_server_id,
        "executionId": rival.execution_id,
    }
    assert _held(stack) == held
    locks.give_back(rival)
    locks.take_servers(mine, AT)
    assert _held(stack) >= set(server_keys(mine))
    locks.take_servers(mine, AT)
    locks.give_back(mine)
    assert not _held(stack) & set(server_keys(mine))


def test_a_release_leaves_the_locks_of_a_later_version_and_of_others_alone(stack: Stack, locks: LockStore) -> None:
    mine = execution(1)
    locks.take_servers(replace(mine, version=7), AT)

    locks.release_servers(replace(mine, version=7))
    locks.release_servers(replace(mine, execution_id="drill-00000000000000000000000099", version=100))
    assert _held(stack) == set(server_keys(mine))

    locks.release_servers(replace(mine, version=8))
    assert _held(stack) == set()
    locks.release_servers(replace(mine, version=8))


def test_a_lock_of_a_running_execution_is_never_free(stack: Stack, locks: LockStore) -> None:
    born = stack.app().executions.create(execution(1), "{}", ACT, {})

    assert not locks.is_free({"executionId": born.execution_id}, AT + timedelta(days=365))
    assert locks.free_stale_plan_lock("p", AT) == born.execution_id
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
    plans.delete("b")
    with pytest.raises(NotFound):
        plans.delete("b")
    assert [plan.document["planId"] for plan in plans.page(limit=9, token=None)[0]] == ["a", "c"]


@pytest.mark.parametrize(("version", "seconds", "free"), [(7, 0, False), (6, 0, True), (7, 120, True)])
def test_an_ended_execution_about_to_be_reopened_keeps_the_locks_it_just_took(
    version: int, seconds: int, free: bool
) -> None:
    lock = {"executionId": "drill-x", "version": version, "takenAt": iso(AT)}
    assert LockStore(_Ended()).is_free(lock, AT + timedelta(seconds=seconds)) is free  # type: ignore[arg-type]  # reads META only


class _Ended:
    def get(self, _pk: str, _sk: str) -> dict[str, Any]:
        return {"status": "FAILED", "version": 7}
