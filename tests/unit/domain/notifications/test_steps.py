"""Contract 5: the trail tells the changes of steps; EventBridge and people are told those of executions and waves."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # the package ships no types
import pytest
from tests.support.execution_builders import NOW, execution, wave

from wavebreak.domain.executions.audit_trail import append_event, type_of
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.replay import Statuses
from wavebreak.domain.executions.trail_reading import changes_in, of_execution, of_wave
from wavebreak.domain.notifications.event_bridge import bus_events
from wavebreak.domain.notifications.execution_messages import execution_message, kinds_of
from wavebreak.domain.notifications.message import Kind
from wavebreak.domain.notifications.text import document_of
from wavebreak.execution_utils import WaveStatus

SCHEMA: Final = Path(__file__).parents[4] / "docs" / "notification.schema.json"
STEP = {"phase": "AFTER", "position": 1, "kind": "function", "name": "notify"}
CURRENT = execution(wave(1, WaveStatus.IN_PROGRESS))


def of_step(came: str, number: int = 1) -> dict[str, Any]:
    return {"subject": "step", "waveNumber": number, "step": STEP, "from": "IN_PROGRESS", "to": came}


def event(*changes: dict[str, Any]) -> dict[str, Any]:
    _, made = append_event(CURRENT, list(changes), Attribution("wavebreak", NOW), {})
    return made


WAVE_FAILED = {"waveNumber": 1, "from": "IN_PROGRESS", "to": "FAILED"}


@pytest.mark.parametrize("came", ["SUCCEEDED", "FAILED", "PARTIAL", "SKIPPED", "CANCELLED"])
def test_a_change_of_a_step_alone_is_no_message_and_no_event_of_the_bus(came: str) -> None:
    sent_message = event(of_step(came))
    assert (sent_message["type"], sent_message["waveNumber"]) == (f"STEP_{came}", 1)
    assert kinds_of(sent_message) == []
    assert bus_events(CURRENT, sent_message) == []
    assert Statuses().after(sent_message) == Statuses()


def test_a_wave_that_a_step_failed_is_told_as_a_wave_that_failed() -> None:
    sent_message = event(WAVE_FAILED, of_step("FAILED"))
    assert (sent_message["type"], sent_message["waveNumber"]) == ("WAVE_FAILED", 1)
    (of_the_bus,) = bus_events(CURRENT, sent_message)
    assert (of_the_bus.detail["subject"], of_the_bus.detail["to"]) == ("wave", "FAILED")
    assert kinds_of(sent_message) == kinds_of(event(WAVE_FAILED))
    assert Kind.STARTED not in kinds_of(sent_message)
    read = changes_in([sent_message])
    assert [(change.new, change.subject) for change in read] == [("FAILED", None), ("FAILED", "step")]
    assert (len(of_wave(read, 1)), of_execution(read)) == (1, [])


def test_the_message_of_an_event_with_steps_in_it_is_as_the_published_schema_says() -> None:
    message = execution_message(Kind.WAVE_FAILED, CURRENT, event(WAVE_FAILED, of_step("FAILED")))
    document = document_of(message)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert [change["to"] for change in document["changes"]] == ["FAILED"]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ([of_step("FAILED"), of_step("FAILED", 2)], "STEP_FAILED"),
        ([of_step("FAILED"), of_step("SUCCEEDED", 2)], "STEPS_CHANGED"),
        ([of_step("FAILED"), WAVE_FAILED, {"waveNumber": 2, "from": "NOT_STARTED", "to": "SKIPPED"}], "WAVES_CHANGED"),
        ([of_step("CANCELLED"), {"from": "CANCELLING", "to": "CANCELLED"}], "EXECUTION_CANCELLED"),
        ([of_step("CANCELLED"), {"subject": "termination", "from": "A", "to": "B"}], "TERMINATION_B"),
    ],
)
def test_an_event_has_the_name_of_its_most_telling_change(changes: list[dict[str, Any]], name: str) -> None:
    assert type_of(changes) == name
