"""Waves written down before they had steps: their `commands` are read as steps."""

from typing import Any

import pytest
from tests.support.execution_builders import execution, wave

from wavebreak.domain.executions.model.steps import StepPhase, StepState, StepStatus, WaveStep
from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.steps.runs import StepKind
from wavebreak.store.records.steps import read_steps
from wavebreak.store.records.waves import wave_record


def command(**more: Any) -> dict[str, Any]:
    """Build a command as the items had it; `more` says how it stood."""
    return {
        "phase": "AFTER",
        "position": 2,
        "command": "start-app",
        "required": True,
        "state": "PLANNED",
        "run": 1,
        "again": False,
        "outcome": None,
        "failure": None,
        **more,
    }


def read(*commands: dict[str, Any]) -> tuple[WaveStep, ...]:
    """Read the commands from an item that has no steps."""
    item = wave_record(execution(wave(1)).execution_id, wave(1))
    del item["steps"]
    return read_steps({**item, "commands": list(commands)})


def test_a_command_of_an_older_wave_is_a_step_that_runs_in_drills() -> None:
    assert read(command(again=True)) == (
        WaveStep(
            phase=StepPhase.AFTER,
            position=2,
            name="start-app",
            kind=StepKind.COMMAND,
            required=True,
            in_drill=InDrill.RUN,
            state=StepState.PLANNED,
            attempt=1,
            again=True,
        ),
    )


@pytest.mark.parametrize(
    ("outcome", "failure", "status"),
    [
        ("COMPLETE_SUCCESS", None, StepStatus.SUCCEEDED),
        ("PARTIAL_SUCCESS", "succeeded on 1 of 2 servers", StepStatus.PARTIAL),
        ("COMPLETE_FAILURE", "did not succeed on any server", StepStatus.FAILED),
    ],
)
def test_how_an_older_command_ended_is_told_in_the_words_of_steps(
    outcome: str, failure: str | None, status: StepStatus
) -> None:
    (step,) = read(command(state="ENDED", outcome=outcome, failure=failure))
    assert (step.status, step.failure) == (status, failure)


def test_an_older_command_that_failed_before_its_failure_was_kept_still_fails_its_wave() -> None:
    ended = command(state="ENDED", outcome="COMPLETE_FAILURE")
    del ended["failure"], ended["again"]
    (step,) = read(ended)
    assert (step.failure, step.again) == ("did not succeed on any server", False)


def test_the_command_of_an_older_check_keeps_the_status_of_its_run() -> None:
    (step,) = read(command(phase="CHECK", state="ENDED", outcome="COMPLETE_FAILURE", check="replication"))
    assert (step.check, step.outcome) == ("replication", "COMPLETE_FAILURE")


def test_an_older_wave_without_commands_has_no_steps() -> None:
    assert read() == ()
    assert read_steps({}) == ()
