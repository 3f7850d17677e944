"""The audit trail: what an event tells, and the chain that shows a gap or an edit."""

import hashlib
from itertools import pairwise

import pytest
from tests.support.execution_builders import EXECUTION_ID, NOW, OPERATOR, execution, later, wave

from wavebreak.domain.executions.audit_trail import (
    IllegalTransitionError,
    append_event,
    event_hash,
    status_changes,
    type_of,
)
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Termination
from wavebreak.execution_utils import (
    EXECUTION_TRANSITIONS,
    TERMINATION_TRANSITIONS,
    WAVE_TRANSITIONS,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
)
from wavebreak.values import replace

W, E = WaveStatus, ExecutionStatus


def test_the_hash_is_taken_over_the_canonical_json_of_all_other_fields() -> None:
    event = {
        "sequence": 2,
        "at": "2026-11-21T12:00:00.000Z",
        "type": "WAVE_FAILED",
        "executionId": "drill-1",
        "waveNumber": 1,
        "actor": "wavebreak",
        "data": {"reason": "Größe ⚠️", "changes": [{"waveNumber": 1, "from": W.IN_PROGRESS, "to": W.FAILED}]},
        "previousHash": None,
        "hash": "not part of it",
    }
    text = (
        '{"actor":"wavebreak","at":"2026-11-21T12:00:00.000Z",'
        '"data":{"changes":[{"from":"IN_PROGRESS","to":"FAILED","waveNumber":1}],"reason":"Größe ⚠️"},'
        '"executionId":"drill-1","previousHash":null,"sequence":2,"type":"WAVE_FAILED","waveNumber":1}'
    )
    assert event_hash(event) == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert event_hash({**event, "hash": "another"}) == event_hash(event)
    assert event_hash({**event, "actor": "someone"}) != event_hash(event)


def test_the_first_event_tells_of_the_start_and_follows_none() -> None:
    born = execution(wave(1), wave(2), status=E.PENDING)
    act = Attribution(OPERATOR, later(0.0015), "quarterly drill")
    kept, event = append_event(born, status_changes(None, born), act, {"planId": "three-tier"})
    assert event == {
        "sequence": 1,
        "at": "2026-11-21T12:00:00.001Z",
        "type": "EXECUTION_STARTED",
        "executionId": EXECUTION_ID,
        "actor": OPERATOR,
        "data": {
            "changes": [{"from": None, "to": "PENDING"}],
            "planId": "three-tier",
            "reason": "quarterly drill",
        },
        "previousHash": None,
        "hash": event["hash"],
    }
    assert (kept.event_sequence, kept.event_hash) == (1, event_hash(event))


def chain_of_three() -> list[dict[str, object]]:
    states = [
        execution(wave(1), status=E.PENDING),
        execution(wave(1, W.IN_PROGRESS)),
        execution(wave(1, W.COMPLETED)),
    ]
    current, events, before = states[0], [], None
    for state in states:
        after = replace(state, event_sequence=current.event_sequence, event_hash=current.event_hash)
        current, event = append_event(after, status_changes(before, after), Attribution("wavebreak", NOW), {})
        events.append(event)
        before = current
    return events


def test_each_event_carries_the_hash_of_the_one_before() -> None:
    events = chain_of_three()
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert all(second["previousHash"] == first["hash"] for first, second in pairwise(events))
    assert all(event["hash"] == event_hash(event) for event in events)


def test_a_wave_number_is_set_when_one_wave_is_all_that_changed() -> None:
    _, second, third = chain_of_three()
    assert "waveNumber" not in second
    assert (third["waveNumber"], third["type"]) == (1, "WAVE_COMPLETED")


def test_what_changed_together_is_listed_together() -> None:
    before = execution(wave(1, W.IN_PROGRESS), wave(2))
    after = execution(wave(1, W.COMPLETED), wave(2, W.IN_PROGRESS))
    changes = status_changes(before, after)
    assert changes == [
        {"waveNumber": 1, "from": "IN_PROGRESS", "to": "COMPLETED"},
        {"waveNumber": 2, "from": "NOT_STARTED", "to": "IN_PROGRESS"},
    ]
    _, event = append_event(after, changes, Attribution("wavebreak", NOW), {})
    assert (event["type"], "waveNumber" in event, "reason" in event["data"]) == ("WAVES_CHANGED", False, False)


BORN = {"from": None, "to": "PENDING"}
CANCELLED = {"from": "PENDING", "to": "CANCELLED"}
PARTIAL = {"from": "CANCELLING", "to": "PARTIAL_SUCCESS"}
WAVE_CANCELLED = {"waveNumber": 1, "from": "NOT_STARTED", "to": "CANCELLED"}
CLEANING = {"subject": "termination", "from": "NOT_REQUESTED", "to": "IN_PROGRESS"}
LEFT = {"subject": "termination", "from": "IN_PROGRESS", "to": "INCOMPLETE"}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ([BORN], "EXECUTION_STARTED"),
        ([WAVE_CANCELLED, CANCELLED], "EXECUTION_CANCELLED"),
        ([PARTIAL, CLEANING], "EXECUTION_PARTIAL_SUCCESS"),
        ([LEFT], "TERMINATION_INCOMPLETE"),
        ([{**WAVE_CANCELLED, "waveNumber": number} for number in (1, 2)], "WAVE_CANCELLED"),
        ([WAVE_CANCELLED, {"waveNumber": 2, "from": "IN_PROGRESS", "to": "FAILED"}], "WAVES_CHANGED"),
    ],
)
def test_an_event_is_named_by_its_most_telling_change(changes: list[dict[str, object]], name: str) -> None:
    assert type_of(changes) == name


def test_nothing_changed_is_no_change() -> None:
    assert status_changes(execution(wave(1)), execution(wave(1, name="renamed"))) == []


@pytest.mark.parametrize(("old", "new"), [(a, b) for a in ExecutionStatus for b in ExecutionStatus if a is not b])
def test_s2_1_execution_changes_are_those_of_the_table(old: ExecutionStatus, new: ExecutionStatus) -> None:
    held_to(execution(wave(1), status=old), execution(wave(1), status=new), legal=new in EXECUTION_TRANSITIONS[old])


@pytest.mark.parametrize(("old", "new"), [(a, b) for a in WaveStatus for b in WaveStatus if a is not b])
def test_s2_6_wave_changes_are_those_of_the_table(old: WaveStatus, new: WaveStatus) -> None:
    held_to(execution(wave(1, old)), execution(wave(1, new)), legal=new in WAVE_TRANSITIONS[old])


@pytest.mark.parametrize(("old", "new"), [(a, b) for a in TerminationStatus for b in TerminationStatus if a is not b])
def test_termination_changes_are_those_of_the_table(old: TerminationStatus, new: TerminationStatus) -> None:
    before = execution(wave(1), termination=Termination(old))
    held_to(before, replace(before, termination=Termination(new)), legal=new in TERMINATION_TRANSITIONS[old])


def held_to(before: Execution, after: Execution, *, legal: bool) -> None:
    if legal:
        assert len(status_changes(before, after)) == 1
        return
    with pytest.raises(IllegalTransitionError):
        status_changes(before, after)
