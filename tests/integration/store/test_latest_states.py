"""An execution as the rounds of its machine read it: one call while nothing changes, whole after each change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.support.stored_executions import ACT, AT, execution, execution_id

from wavebreak.aws.state_client import StateClient
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.problems import NotFound
from wavebreak.resilience.breaker_states import SharedStates
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.wake_tokens import WakeStore
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.stack import Stack

    from wavebreak.domain.executions.model.executions import Execution

ELSEWHERE = "drs/eu-west-1"
NOW = int(AT.timestamp())


class Circuits:
    """Circuits that a round would ask for, kept as the functions keep them."""

    def __init__(self, stack: Stack) -> None:
        client = stack.app().executions.table.client
        self.states = SharedStates(StateClient(client, client), "wavebreak-BreakerTable")
        self.kept: list[dict[str, Any]] = []

    def wanted(self, current: Execution) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
        return {ELSEWHERE: self.states.key_of(ELSEWHERE)} if current.jobs else {}

    def keep(self, found: Mapping[str, Any]) -> None:
        for name, item in found.items():
            self.kept.append({name: item})
            self.states.keep(name, item)


@pytest.fixture
def circuits(stack: Stack) -> Circuits:
    return Circuits(stack)


@pytest.fixture
def store(stack: Stack, circuits: Circuits) -> ExecutionStore:
    return ExecutionStore(stack.app().executions.table, pause=lambda _attempt: None, beside=circuits)


def _born(store: ExecutionStore, number: int = 1) -> Execution:
    return store.create(execution(number, plan_id=f"p-{number}"), "{}", ACT, {})


def _job(born: Execution) -> Job:
    name = born.waves[0].servers[0].source_server_id
    return Job(1, 1, 1, (name,), JobState.STARTED, AT, AT, site=Site(None, "eu-west-1"), job_id="drsjob-1")


def _launching(store: ExecutionStore, born: Execution) -> Execution:
    return store.save(born, replace(born, status=ExecutionStatus.IN_PROGRESS, jobs=(_job(born),)), ACT)


def test_what_does_not_change_is_read_by_one_call_however_often(stack: Stack, store: ExecutionStore) -> None:
    born = _born(store)
    first = store.latest.load(born.execution_id)
    stack.table_actions.clear()
    assert [store.latest.load(born.execution_id) for _ in range(3)] == [first] * 3
    assert stack.table_actions == ["TransactGetItems"] * 3


def test_a_change_by_anybody_is_read_whole(stack: Stack, store: ExecutionStore) -> None:
    born = _born(store)
    store.latest.load(born.execution_id)
    other = ExecutionStore(stack.app().executions.table)
    changed = _launching(other, born)
    stack.table_actions.clear()
    assert store.latest.load(born.execution_id).execution == changed == other.load(born.execution_id).execution
    assert stack.table_actions == ["TransactGetItems", "Query", "Query"]
    assert store.latest.load(born.execution_id).execution == changed
    assert stack.table_actions[3:] == ["TransactGetItems"]


def test_a_change_of_its_own_is_known_as_a_read_would_give_it(stack: Stack, store: ExecutionStore) -> None:
    """Times have more digits than are kept, and of what was never read nothing is kept."""
    born = _born(store)
    store.save(born, replace(born, status=ExecutionStatus.IN_PROGRESS), ACT)
    stack.table_actions.clear()
    before = store.latest.load(born.execution_id).execution
    odd = AT + timedelta(microseconds=123_456)
    job = replace(_job(before), intended_at=odd, check_after=odd)
    store.save(before, replace(before, jobs=(job,)), ACT)
    stack.table_actions.clear()
    after = store.latest.load(born.execution_id)
    assert stack.table_actions == ["TransactGetItems"]
    assert after == store.load(born.execution_id)
    assert after.execution.jobs[0].intended_at == AT + timedelta(milliseconds=123)


def test_a_wake_is_seen_though_the_execution_stays_as_it_was(stack: Stack, store: ExecutionStore) -> None:
    """The mark and the version are of one moment: no wake that tells of a change is taken for an older one."""
    born = _born(store)
    before = store.latest.load(born.execution_id)
    wakes = WakeStore(stack.app().executions.table)
    wakes.claim(born.execution_id, keys.TOKEN)
    assert wakes.next_run(born.execution_id, keys.TERMINATION_TOKEN, 0, AT)
    after = store.latest.load(born.execution_id)
    assert after.execution == before.execution
    assert (after.token.mark, after.termination_token.mark) == (before.token.mark + 1, 1)
    assert after == store.load(born.execution_id)


def test_what_is_being_written_is_read_whole(
    stack: Stack, store: ExecutionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    born = _born(store)
    first = store.latest.load(born.execution_id)
    error = ClientError({"Error": {"Code": "TransactionCanceledException", "Message": "conflict"}}, "TransactGetItems")

    def contended(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(store.table, "get_together", contended)
    stack.table_actions.clear()
    assert store.latest.load(born.execution_id) == first
    assert stack.table_actions == ["Query"]


def test_an_execution_that_is_gone_is_not_found(store: ExecutionStore) -> None:
    born = _born(store)
    store.latest.load(born.execution_id)
    store.table.delete_many([(keys.execution(born.execution_id), keys.META)])
    with pytest.raises(NotFound):
        store.latest.load(born.execution_id)
    with pytest.raises(NotFound):
        store.latest.load(execution_id(7))


def test_only_the_last_few_are_kept(stack: Stack, store: ExecutionStore) -> None:
    names = [_born(store, number).execution_id for number in range(1, 11)]
    for name in names:
        store.latest.load(name)
    stack.table_actions.clear()
    store.latest.load(names[-1])
    store.latest.load(names[0])
    assert stack.table_actions == ["TransactGetItems", "Query"]


def test_s3_7_the_circuits_that_a_round_calls_through_are_read_in_the_same_call(
    stack: Stack, store: ExecutionStore, circuits: Circuits
) -> None:
    born = _born(store)
    _launching(store, born)
    store.latest.load(born.execution_id)
    stack.table_actions.clear()
    store.latest.load(born.execution_id)
    assert (stack.table_actions, circuits.kept) == (["TransactGetItems"], [{ELSEWHERE: None}])
    assert str(circuits.states.get_state(ELSEWHERE).state) == "CLOSED"
    assert stack.table_actions == ["TransactGetItems"], "what was read beside is not read again"


def test_s3_7_circuits_that_are_about_to_be_called_are_read_by_one_call(stack: Stack, circuits: Circuits) -> None:
    states, names = circuits.states, ["sns/us-east-1", "sesv2/us-east-1", "events/us-east-1"]
    Circuits(stack).states.save_open(names[1], 5, NOW)
    stack.table_actions.clear()
    states.read_together(names)
    assert stack.table_actions == ["TransactGetItems"]
    assert [str(states.get_state(name).state) for name in names] == ["CLOSED", "OPEN", "CLOSED"]
    states.read_together(names)
    states.read_together(["sqs/us-east-1"])
    assert stack.table_actions == ["TransactGetItems"], "neither what is fresh nor a single one is read ahead"


def test_s3_7_a_circuit_that_another_function_opened_is_open_for_the_round(
    stack: Stack, store: ExecutionStore, circuits: Circuits
) -> None:
    born = _born(store)
    _launching(store, born)
    store.latest.load(born.execution_id)
    Circuits(stack).states.save_open(ELSEWHERE, 5, NOW)
    store.latest.load(born.execution_id)
    stack.table_actions.clear()
    seen = circuits.states.get_state(ELSEWHERE)
    assert (str(seen.state), seen.opened_at, stack.table_actions) == ("OPEN", NOW, [])


def test_s3_7_a_circuit_that_this_environment_just_opened_stays_open_for_it(
    store: ExecutionStore, circuits: Circuits
) -> None:
    """Its record may not have been written: the table was away."""
    born = _born(store)
    _launching(store, born)
    store.latest.load(born.execution_id)
    circuits.states.save_open(ELSEWHERE, 5, NOW)
    circuits.keep({ELSEWHERE: None})
    assert str(circuits.states.get_state(ELSEWHERE).state) == "OPEN"
