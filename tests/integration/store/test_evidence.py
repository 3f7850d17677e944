"""What is kept of an execution for its evidence: a whole log stays whole, and a newer debt stays owed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.support.plans import plan, server, wave
from tests.support.stored_executions import ACT, execution

from wavebreak.execution_utils import ExecutionStatus
from wavebreak.store.evidence import EvidenceStore, Kept, owed, whole_log
from wavebreak.store.executions import ExecutionStore, VersionConflictError
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from tests.support.stack import Stack

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.table import Write

EXECUTION = "drill-01k00000000000000000000000"
AT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def store(stack: Stack) -> EvidenceStore:
    return stack.app().evidence


def _owe(store: EvidenceStore, sequence: int, execution_id: str = EXECUTION, at: datetime = AT) -> None:
    store.table.transact([owed(execution_id, sequence, iso(at))])


def test_8_a_log_that_is_whole_is_replaced_only_by_one_that_is(store: EvidenceStore) -> None:
    def kept(text: str, *, whole: bool) -> list[tuple[str, str]]:
        if whole:
            store.table.transact([whole_log(EXECUTION, "drsjob-1", text)])
        else:
            store.keep_partial_log(EXECUTION, "drsjob-1", text)
        return store.logs(EXECUTION)

    assert kept("begun", whole=False) == [("drsjob-1", "begun")]
    assert kept("further", whole=False) == [("drsjob-1", "further")]
    assert kept("all", whole=True) == [("drsjob-1", "all")]
    assert kept("a reader who asked before the end", whole=False) == [("drsjob-1", "all")]
    assert kept("all again", whole=True) == [("drsjob-1", "all again")]


def test_8_what_a_report_takes_from_beside_the_state_is_read_by_one_query(stack: Stack, store: EvidenceStore) -> None:
    stack.put_servers([server(1)])
    started = stack.start(plan(wave("only", 1), plan_id="one"))
    stack.ended(started)
    stack.comes_to_rest()
    stack.table_actions.clear()
    kept = store.kept(started, 2)
    assert stack.table_actions == ["Query"]
    assert [event["sequence"] for event in kept.trail] == [1, 2]
    assert not any({"pk", "sk", "outboxPk"} & event.keys() for event in kept.trail)
    assert kept.document == stack.app().executions.document(started)
    assert kept.logs == store.logs(started) != []


def test_8_of_what_does_not_exist_nothing_is_kept(store: EvidenceStore) -> None:
    assert store.kept(EXECUTION, 3) == Kept(document=None, trail=[], logs=[])


def test_8_what_is_paid_leaves_a_newer_debt_owed(store: EvidenceStore) -> None:
    _owe(store, 4)
    _owe(store, 6)

    store.paid(EXECUTION, 5)
    assert (store.owes(EXECUTION), store.owing(AT + timedelta(seconds=1))) == (6, [EXECUTION])

    store.paid(EXECUTION, 6)
    assert (store.owes(EXECUTION), store.owing(AT + timedelta(seconds=1))) == (None, [])
    _owe(store, 9)
    store.paid(EXECUTION, 11)
    assert store.owes(EXECUTION) is None


def test_8_what_was_never_owed_is_not_paid(store: EvidenceStore) -> None:
    store.paid(EXECUTION, 1)
    assert store.table.get(f"EXEC#{EXECUTION}", "EVIDENCE") is None


def test_8_who_owes_longest_is_listed_first_and_who_owes_only_since_then_is_not(store: EvidenceStore) -> None:
    others = [f"drill-01k0000000000000000000000{number}" for number in range(3)]
    for execution_id, seconds in zip(others, (20, 10, 30), strict=True):
        _owe(store, 4, execution_id, AT + timedelta(seconds=seconds))

    assert store.owing(AT + timedelta(seconds=30)) == [others[1], others[0]]


@pytest.fixture
def executions(stack: Stack) -> ExecutionStore:
    return stack.app().executions


def _log(number: int, born: Execution, text: str = "{}") -> Write:
    return whole_log(born.execution_id, f"drsjob-{number}", text)


def test_8_a_log_is_kept_with_the_change_that_notes_it_as_read_or_not_at_all(
    stack: Stack, store: EvidenceStore, executions: ExecutionStore
) -> None:
    born = executions.create(execution(), "{}", ACT, {})
    begun = executions.save(born, replace(born, status=ExecutionStatus.IN_PROGRESS), ACT)
    with pytest.raises(VersionConflictError):
        executions.save(born, replace(born, status=ExecutionStatus.PAUSED), ACT, beside=[_log(1, born)])
    assert store.logs(born.execution_id) == []

    stack.table_actions.clear()
    executions.save(begun, replace(begun, status=ExecutionStatus.PAUSED), ACT, beside=[_log(1, born)])
    assert stack.table_actions == ["TransactWriteItems"]
    assert store.logs(born.execution_id) == [("drsjob-1", "{}")]


def test_8_twenty_long_logs_fit_beside_the_change_of_a_large_plan(
    store: EvidenceStore, executions: ExecutionStore
) -> None:
    born = executions.create(execution(sizes=[1] * 80), "{}", ACT, {})
    changed = replace(born, status=ExecutionStatus.IN_PROGRESS)
    text = "x" * 300_000
    after = executions.save(born, changed, ACT, beside=[_log(number, born, text) for number in range(20)])
    assert [kept for _, kept in store.logs(born.execution_id)] == [text] * 20
    assert executions.load(born.execution_id).execution == after
