"""Executions in the table: whole or not at all, and from the version that was read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.stored_executions import ACT, AT, execution, execution_id

from wavebreak.domain.executions.audit_trail import IllegalTransitionError, event_hash
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, Execution, Mode
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.steering import cancel
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.problems import InvalidRequest, NotFound, PlanBusy, Unavailable
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.executions import ExecutionStore, LocksNeededError, VersionConflictError
from wavebreak.store.locks import LockStore
from wavebreak.store.table import ConditionFailedError, Table
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.stack import Stack

    from wavebreak.store.table import Write


@pytest.fixture
def store(stack: Stack) -> ExecutionStore:
    return ExecutionStore(stack.app().executions.table, pause=lambda _attempt: None)


def _create(store: ExecutionStore, fresh: Execution) -> Execution:
    return store.create(fresh, "{}", ACT, {})


def _begun(current: Execution) -> Execution:
    first = replace(current.waves[0], status=WaveStatus.IN_PROGRESS, started_at=AT)
    return replace(current.with_waves([first]), status=ExecutionStatus.IN_PROGRESS)


def test_what_was_created_is_read_back(store: ExecutionStore) -> None:
    born = _create(store, execution(sizes=(101, 1)))

    snapshot = store.load(born.execution_id)

    assert snapshot.execution == born
    assert (born.version, born.event_sequence, snapshot.token.run) == (1, 1, 1)


def test_what_stands_still_is_read_once_whatever_its_jobs_came_to(stack: Stack, store: ExecutionStore) -> None:
    """Times of jobs have more digits than are kept: a digest that differs for that would have each read made twice."""
    born = _create(store, execution(sizes=(3,)))
    names = [server.source_server_id for server in born.waves[0].servers]
    at = AT + timedelta(microseconds=123_456)
    intended, started, ended = (
        Job(1, 1, number, (names[number - 1],), state, at, at, site=Site(None, "eu-west-1"), job_id=job_id)
        for number, (state, job_id) in enumerate(
            ((JobState.INTENDED, None), (JobState.STARTED, "drsjob-1"), (JobState.ENDED, "drsjob-2")), 1
        )
    )
    over = replace(ended, launched_at=at, ended_at=at, asked_at=at, instance_reads=2, logged=True)
    store.save(born, replace(_begun(born), jobs=(intended, started, over)), ACT)
    stack.table_actions.clear()

    execution_read = store.load(born.execution_id).execution

    assert [job.state for job in execution_read.jobs] == [JobState.INTENDED, JobState.STARTED, JobState.ENDED]
    assert stack.table_actions == ["Query"]


def test_s3_5_a_refused_creation_leaves_no_item(stack: Stack, store: ExecutionStore) -> None:
    _create(store, execution(1))
    before = stack.items()

    with pytest.raises(ConditionFailedError) as refused:
        _create(store, execution(2, sizes=(150, 50)))

    assert set(refused.value.failed) == {"plan-lock"}
    assert stack.items() == before


def test_a_change_from_a_version_that_is_gone_is_a_conflict_and_writes_nothing(
    stack: Stack, store: ExecutionStore
) -> None:
    born = _create(store, execution())
    store.save(born, _begun(born), ACT)
    before = stack.items()

    with pytest.raises(VersionConflictError):
        store.save(born, replace(born, status=ExecutionStatus.PAUSED), ACT)

    assert stack.items() == before


def test_an_illegal_transition_is_refused_with_nothing_written(stack: Stack, store: ExecutionStore) -> None:
    born = _create(store, execution())
    before = stack.items()

    with pytest.raises(IllegalTransitionError):
        store.save(born, replace(born, status=ExecutionStatus.PARTIAL_SUCCESS), ACT)
    with pytest.raises(IllegalTransitionError):
        store.save(born, born.with_waves([replace(born.waves[0], status=WaveStatus.FAILED)]), ACT)

    assert stack.items() == before


def test_nothing_changed_is_nothing_written(stack: Stack, store: ExecutionStore) -> None:
    born = _create(store, execution())
    before = stack.items()

    assert store.save(born, replace(born), ACT) is born

    assert stack.items() == before


def test_a_change_of_status_writes_one_event_and_the_hashes_chain(store: ExecutionStore) -> None:
    born = _create(store, execution())
    begun = store.save(born, _begun(born), replace(ACT, reason="go"))
    quiet = store.save(begun, replace(begun, reason="no status changed"), ACT)
    store.save(quiet, replace(quiet, status=ExecutionStatus.PAUSED), ACT)

    events, token = store.events(born.execution_id, limit=50, token=None)

    assert token is None
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert [event["type"] for event in events] == ["EXECUTION_STARTED", "EXECUTION_IN_PROGRESS", "EXECUTION_PAUSED"]
    assert events[1]["data"] == {
        "changes": [
            {"from": "PENDING", "to": "IN_PROGRESS"},
            {"waveNumber": 1, "from": "NOT_STARTED", "to": "IN_PROGRESS"},
        ],
        "reason": "go",
    }
    assert [event["previousHash"] for event in events] == [None, events[0]["hash"], events[1]["hash"]]
    assert [event_hash(event) for event in events] == [event["hash"] for event in events]


def test_a_change_decides_again_after_a_lost_race(store: ExecutionStore) -> None:
    born = _create(store, execution())
    seen: list[int] = []

    def decide(current: Execution) -> Execution:
        seen.append(current.version)
        if len(seen) == 1:
            store.save(current, replace(current, reason="somebody else"), ACT)
        return replace(current, status=ExecutionStatus.PAUSED)

    after = store.change(born.execution_id, decide, ACT)

    assert (seen, after.version, after.reason) == ([1, 2], 3, "somebody else")


def test_a_cancel_sees_a_launch_that_was_intended_while_it_read(
    store: ExecutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between an execution's jobs and its version, a query may be overtaken by a transaction that writes both."""
    born = _create(store, execution())
    begun = store.save(born, _begun(born), ACT)
    intent = Job(1, 1, 1, (begun.waves[0].servers[0].source_server_id,), JobState.INTENDED, AT, AT)
    original = Table.query
    overtaken: list[bool] = []

    def reading(table: Table, pk: str, *, sk_from: str, **rest: Any) -> Iterator[dict[str, Any]]:
        yield from list(original(table, pk, sk_from=sk_from, sk_to="JOB~"))
        if not overtaken:
            overtaken.append(True)
            store.save(begun, begun.with_job(intent), ACT)
        yield from original(table, pk, sk_from=keys.META, **rest)

    monkeypatch.setattr(Table, "query", reading)
    after = store.change(begun.execution_id, lambda current: cancel(current, Cancel(Attribution(ACT.actor, AT))), ACT)

    assert after.status is ExecutionStatus.CANCELLING
    assert after.waves[0].status is WaveStatus.IN_PROGRESS
    assert after.jobs == (intent,)


def test_a_change_that_always_loses_gives_up(store: ExecutionStore) -> None:
    born = _create(store, execution())

    def decide(current: Execution) -> Execution:
        other = store.save(current, replace(current, reason=f"{current.version}"), ACT)
        return replace(other, status=ExecutionStatus.PAUSED, version=current.version)

    with pytest.raises(Unavailable):
        store.change(born.execution_id, decide, ACT)


def test_a_plan_of_80_waves_and_4000_servers_is_changed_in_transactions_of_at_most_100(
    store: ExecutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = Table.transact

    def counted(table: Table, writes: Sequence[Write]) -> None:
        sizes.append(len(writes))
        original(table, writes)

    monkeypatch.setattr(Table, "transact", counted)
    born = _create(store, execution(sizes=[50] * 80))
    changed = born.with_waves(
        replace(
            wave.with_servers(lambda server: replace(server, launch_status=LaunchStatus.IN_PROGRESS)),
            status=WaveStatus.IN_PROGRESS,
            started_at=AT,
        )
        for wave in born.waves
    )
    for wave in born.waves:
        subjects = tuple(server.source_server_id for server in wave.servers)
        changed = changed.with_job(Job(wave.number, 1, 1, subjects, JobState.INTENDED, AT, AT))
    after = store.save(born, replace(changed, status=ExecutionStatus.IN_PROGRESS), ACT)

    assert max(sizes) <= 100
    assert store.load(born.execution_id).execution == after
    assert after.event_sequence == 2
    cleared = replace(after, jobs=(), status=ExecutionStatus.CANCELLING)
    assert store.save(after, cleared, ACT).jobs == store.load(born.execution_id).execution.jobs == ()
    assert max(sizes) <= 100


def test_4000_servers_that_fail_at_once_with_long_errors_are_written_in_transactions_of_less_than_4_mb(
    store: ExecutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = Table.transact

    def measured(table: Table, writes: Sequence[Write]) -> None:
        sizes.append(sum(len(str(value).encode()) for write in writes for value in write.item.values()))
        original(table, writes)

    born = _create(store, execution(sizes=[500] * 8))
    monkeypatch.setattr(Table, "transact", measured)
    changed = replace(born, status=ExecutionStatus.IN_PROGRESS).with_waves(
        wave.with_servers(lambda server: replace(server, launch_status=LaunchStatus.FAILED, error='"語' * 250))
        for wave in born.waves
    )
    after = store.save(born, changed, ACT)

    assert sum(sizes) > 4_000_000
    assert max(sizes) < 4_000_000
    assert store.load(born.execution_id).execution == after


def test_the_plan_is_free_with_the_end_and_taken_again_with_a_retry(stack: Stack, store: ExecutionStore) -> None:
    born = _create(store, execution(1))
    failed = [replace(wave, status=WaveStatus.SKIPPED) for wave in born.waves]
    ended = store.save(born, replace(born.with_waves(failed), status=ExecutionStatus.COMPLETED), ACT)
    assert not stack.items_of(keys.LOCK)
    assert store.active_ids() == []

    other = _create(store, execution(2))

    assert store.active_ids() == [other.execution_id]
    partial = replace(ended, status=ExecutionStatus.IN_PROGRESS)
    with pytest.raises(IllegalTransitionError):
        store.save(ended, partial, ACT)


def test_a6_an_execution_is_taken_up_again_with_locks_or_not_at_all(store: ExecutionStore) -> None:
    born = _create(store, execution(1))
    begun = store.save(born, _begun(born), ACT)
    failed = begun.with_waves([replace(begun.waves[0], status=WaveStatus.FAILED)])
    ended = store.save(begun, replace(failed, status=ExecutionStatus.FAILED), ACT)
    again = replace(ended, status=ExecutionStatus.IN_PROGRESS)

    with pytest.raises(LocksNeededError):
        store.save(ended, again, ACT)
    locks = LockStore(store.table)
    held = locks.take(ended, "retry", AT)
    locks.give_back(held)
    with pytest.raises(Unavailable, match="lost"):
        store.save(ended, again, ACT, held=held)
    assert store.load(born.execution_id).execution == ended

    running = store.save(ended, again, ACT, held=locks.take(ended, "another", AT))
    assert (running.lock_call, store.load(born.execution_id).execution) == ("another", running)


def test_a_reopened_execution_whose_plan_is_held_is_refused(store: ExecutionStore) -> None:
    born = _create(store, execution(1))
    begun = store.save(born, _begun(born), ACT)
    failed = begun.with_waves([replace(begun.waves[0], status=WaveStatus.FAILED)])
    ended = store.save(begun, replace(failed, status=ExecutionStatus.FAILED), ACT)
    other = _create(store, execution(2))
    held = LockStore(store.table).take(ended, "retry", AT)

    with pytest.raises(PlanBusy) as refused:
        store.save(ended, replace(ended, status=ExecutionStatus.IN_PROGRESS), ACT, held=held)

    assert refused.value.members == {"executionId": other.execution_id}


def test_an_execution_that_does_not_exist_is_not_found(store: ExecutionStore) -> None:
    with pytest.raises(NotFound):
        store.load(execution_id(9))
    with pytest.raises(NotFound):
        store.events(execution_id(9), limit=1, token=None)


@pytest.fixture
def many(store: ExecutionStore) -> ExecutionStore:
    """Seven executions: the odd ones drills of plan `odd`, the even ones recoveries of plan `even` that were paused."""
    for number in range(1, 8):
        odd = number % 2 == 1
        fresh = execution(number, plan_id=f"odd-{number}", mode=Mode.DRILL) if odd else None
        fresh = fresh or execution(number, plan_id=f"even-{number}", mode=Mode.RECOVERY)
        born = _create(store, fresh)
        if not odd:
            store.save(born, replace(born, status=ExecutionStatus.PAUSED), ACT)
    return store


def _listed(store: ExecutionStore, limit: int, **filters: str) -> list[int]:
    """Walk a list page by page; gives the numbers of the executions."""
    plan_id = filters.pop("plan_id", None)
    found: list[Any] = []
    token: str | None = None
    while True:
        items, token = store.summaries(plan_id=plan_id, filters=filters, limit=limit, token=token)
        assert len(items) <= limit
        found += items
        if token is None:
            return [int(item["executionId"].partition("-")[2]) for item in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
def test_lists_are_newest_first_whole_and_filtered(many: ExecutionStore, limit: int) -> None:
    assert _listed(many, limit) == [7, 6, 5, 4, 3, 2, 1]
    assert _listed(many, limit, mode="RECOVERY") == [6, 4, 2]
    assert _listed(many, limit, status="PAUSED", mode="DRILL") == []
    assert _listed(many, limit, status="PENDING") == [7, 5, 3, 1]
    assert _listed(many, limit, plan_id="even-4") == [4]
    assert _listed(many, limit, plan_id="even-4", mode="DRILL") == []


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_events_are_paged_oldest_first(store: ExecutionStore, limit: int) -> None:
    current = _create(store, execution())
    for status in (ExecutionStatus.PAUSED, ExecutionStatus.IN_PROGRESS, ExecutionStatus.CANCELLING):
        current = store.save(current, replace(current, status=status), ACT)
    found: list[int] = []
    token: str | None = None
    while True:
        events, token = store.events(current.execution_id, limit=limit, token=token)
        found += [event["sequence"] for event in events]
        if token is None:
            break

    assert found == [1, 2, 3, 4]


@pytest.mark.parametrize("token", ["garbage", "e30", "eyJwayI6eyJOIjoiMSJ9fQ", "bnVsbA", "\udc80", "é", "A"])
def test_a_token_that_is_none_of_ours_is_an_invalid_request(many: ExecutionStore, token: str) -> None:
    with pytest.raises(InvalidRequest):
        many.summaries(plan_id=None, filters={}, limit=50, token=token)


def test_a_token_of_another_list_is_an_invalid_request(many: ExecutionStore) -> None:
    _, token = many.summaries(plan_id=None, filters={}, limit=2, token=None)
    assert token is not None

    with pytest.raises(InvalidRequest):
        many.events(execution_id(1), limit=2, token=token)
    with pytest.raises(InvalidRequest):
        many.summaries(plan_id="odd-1", filters={}, limit=2, token=token)


def test_a_launch_that_was_intended_while_it_was_read_is_not_overlooked(
    store: ExecutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs sort before META: a read that saw the jobs of one version and META of the next one is made again."""
    born = _create(store, execution())
    subjects = (born.waves[0].servers[0].source_server_id,)
    intended = born.with_job(Job(1, 1, 1, subjects, JobState.INTENDED, AT, AT))
    original = Table.query
    torn = [True]

    def query(table: Table, pk: str, **asked: Any) -> Iterator[Any]:
        items = list(original(table, pk, **asked))
        if torn and asked.get("sk_from") == "JOB#":
            torn.clear()
            store.save(born, intended, ACT)
            jobs = [item for item in items if str(item["sk"]).startswith("JOB#")]
            items = [*jobs, *(one for one in original(table, pk, **asked) if not str(one["sk"]).startswith("JOB#"))]
        return iter(items)

    monkeypatch.setattr(Table, "query", query)
    seen = store.load(born.execution_id).execution
    assert (seen.version, [one.key for one in seen.jobs]) == (born.version + 1, [(1, 1, 1)])
