"""Contract 12: ids of steps, how a run ends whatever it came to, what is kept of it, and its record."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from wavebreak.domain.commands.lifetime import with_next_machine
from wavebreak.domain.steps.lifetime import deadline_of, poll_seconds
from wavebreak.domain.steps.limits import MAX_EVENT_BYTES, function_event, refusal
from wavebreak.domain.steps.runs import (
    MAX_ERROR_CHARACTERS,
    StepKind,
    StepOutcome,
    StepRun,
    StepServer,
    StepStatus,
    StopReason,
    cut_error,
    ended,
    kept_output,
    without_input,
)
from wavebreak.domain.steps.step_ids import machine_run_name, machine_run_of, step_id, step_id_of, tag_key
from wavebreak.site import Site
from wavebreak.values import replace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = StepRun(
    step_id=step_id("drill-01", 1, "after", 1, 1),
    execution_id="drill-01",
    plan_id="three-tier",
    wave_number=1,
    wave_name="database",
    attempt=2,
    mode="DRILL",
    site=Site("123456789012", "us-west-2"),
    kind=StepKind.FUNCTION,
    name="move",
    timeout_seconds=300,
    started_at=NOW,
    parameters={"P": ("a", "b"), "Q": ()},
    payload={"n": 1.5, "list": [None, {"a": "ä"}]},
    servers=(StepServer("s-1", "i-1"), StepServer("s-2")),
)
WORKED = StepOutcome(succeeded=True, output={"n": 1})
FAILED = StepOutcome(succeeded=False, error="why", output={"n": 2})


def test_an_id_is_a_uuid_of_version_5_and_another_for_every_place_and_run() -> None:
    places = list(itertools.product(("drill-1", "drill-2"), (1, 12), ("before", "after"), (1, 10), (1, 2)))
    made = {place: step_id(*place) for place in places}
    assert len(set(made.values())) == len(places)
    assert {UUID(each).version for each in made.values()} == {5}
    assert all(step_id(*place) == known for place, known in made.items())
    # What is in flight is known by its id: another way to make them would begin everything twice.
    assert step_id("drill-1", 1, "after", 1, 1) == "c61f58ec-56c3-53b4-9429-e528d119fdc1"


def test_the_names_of_machine_runs_lead_back_to_the_step() -> None:
    for run in (1, 2, 17):
        name = machine_run_name(RUN.step_id, run)
        assert len(name) <= 80, "Step Functions takes no longer names"
        assert (step_id_of(name), machine_run_of(name)) == (RUN.step_id, run)
    assert tag_key("x") == "wavebreak-x"
    assert len(tag_key(RUN.step_id)) <= 128


@pytest.mark.parametrize(
    ("stop", "outcome", "status", "error"),
    [
        (None, WORKED, StepStatus.SUCCEEDED, None),
        (None, FAILED, StepStatus.FAILED, "why"),
        (None, StepOutcome(succeeded=False), StepStatus.FAILED, "it failed and gave no reason"),
        (StopReason.CANCEL, WORKED, StepStatus.CANCELLED, None),
        (StopReason.CANCEL, FAILED, StepStatus.CANCELLED, "why"),
        (
            StopReason.WAVE_TIMEOUT,
            WORKED,
            StepStatus.FAILED,
            "it had not ended when the time of its wave was over",
        ),
        (StopReason.WAVE_TIMEOUT, FAILED, StepStatus.FAILED, "why"),
        (StopReason.STEP_TIMEOUT, WORKED, StepStatus.FAILED, "it had not ended when its time was over"),
        (StopReason.STEP_TIMEOUT, FAILED, StepStatus.FAILED, "why"),
    ],
)
def test_how_a_run_ends(stop: StopReason | None, outcome: StepOutcome, status: StepStatus, error: str | None) -> None:
    run = RUN if stop is None else RUN.stopped(stop, "op")
    after = ended(run, outcome, NOW + timedelta(seconds=3))
    assert (after.status, after.error, after.ended_at) == (status, error, NOW + timedelta(seconds=3))
    assert after.output == (None if outcome.output is None else json.dumps(outcome.output)), "its answer is kept"
    assert ended(after, FAILED, NOW) == after, "it ends once"
    assert after.stopped(StopReason.CANCEL, "late") == after


def test_the_first_word_that_stops_it_counts() -> None:
    stopped = RUN.stopped(StopReason.STEP_TIMEOUT, "wavebreak")
    assert stopped.stop_requested
    assert not RUN.stop_requested
    assert stopped.stopped(StopReason.CANCEL, "op") == stopped


@pytest.mark.parametrize(
    "run",
    [
        RUN,
        ended(RUN.stopped(StopReason.CANCEL, "op"), WORKED, NOW),
        replace(RUN, intended_at=NOW, automation_execution_id="a", machine_run=3, machine_started_at=NOW, deaths=2),
        RUN.failed({"at": "2026-03-01T12:00:00.000Z", "error": "x", "cause": "y"}),
        without_input(RUN),
    ],
)
def test_what_is_written_down_is_read_back(run: StepRun) -> None:
    assert StepRun.read(run.record()) == run
    assert StepRun.read(json.loads(json.dumps(run.record()))) == run
    assert not _floats(run.record()), "the table has no floating point numbers"


def _floats(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_floats, value.values()))
    return any(map(_floats, value)) if isinstance(value, list) else isinstance(value, float)


def test_a_long_error_says_that_it_is_cut() -> None:
    assert cut_error("x" * MAX_ERROR_CHARACTERS) == "x" * MAX_ERROR_CHARACTERS
    cut = cut_error("x" * 5000) or ""
    assert len(cut) == MAX_ERROR_CHARACTERS
    assert cut.endswith("(cut; 5000 characters)")
    assert kept_output(None) is None
    assert kept_output("") == '""'


def test_an_event_has_what_the_contract_says_and_one_that_is_too_large_is_refused() -> None:
    assert function_event(RUN) == {
        "executionId": "drill-01",
        "planId": "three-tier",
        "mode": "DRILL",
        "wave": {"number": 1, "name": "database", "attempt": 2},
        "servers": [
            {"sourceServerId": "s-1", "recoveryInstanceId": "i-1"},
            {"sourceServerId": "s-2", "recoveryInstanceId": None},
        ],
        "stepId": RUN.step_id,
        "payload": {"n": 1.5, "list": [None, {"a": "ä"}]},
    }
    assert refusal(RUN) is None
    large = replace(RUN, payload={"t": "ä" * (MAX_EVENT_BYTES // 2)})
    assert "200,000 at most" in (refusal(large) or "")
    assert refusal(replace(large, kind=StepKind.AUTOMATION)) is None
    many = {f"p{number}": ("x" * 500,) * 50 for number in range(9)}
    automation = replace(RUN, kind=StepKind.AUTOMATION, parameters=many)
    assert "the automation's parameters have" in (refusal(automation) or "")


@pytest.mark.parametrize(("age", "seconds"), [(0, 2), (40, 2), (100, 5), (300, 15), (100_000, 15)])
def test_looks_come_less_often_with_time(age: int, seconds: int) -> None:
    assert poll_seconds(RUN, NOW + timedelta(seconds=age)) == seconds


@pytest.mark.parametrize(
    ("kind", "timeout", "minutes"),
    [(StepKind.FUNCTION, 1, 25), (StepKind.FUNCTION, 900, 25), (StepKind.AUTOMATION, 60, 11)],
)
def test_every_run_is_given_up_at_last(kind: StepKind, timeout: int, minutes: int) -> None:
    assert deadline_of(replace(RUN, kind=kind, timeout_seconds=timeout)) == NOW + timedelta(minutes=minutes)


def test_a_next_machine_counts_deaths_and_forgets_them_after_a_hand_over() -> None:
    dead = with_next_machine(replace(RUN, deaths=2), NOW + timedelta(minutes=1), died=True)
    assert (dead.machine_run, dead.deaths, dead.machine_started_at) == (2, 3, NOW + timedelta(minutes=1))
    assert with_next_machine(dead, NOW, died=False).deaths == 0
