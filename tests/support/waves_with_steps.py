"""Waves with steps, and what their runs tell."""

from datetime import datetime
from typing import Any

from tests.support.execution_builders import (
    NOW,
    TIMING,
    execution,
    job,
    seen,
    server,
    wave,
)

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE
from wavebreak.domain.executions.engine import Decision, decide
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepState, StepView
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.observing.launches import JobView
from wavebreak.domain.executions.stepping.wave_steps import planned, run_id
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

W = WaveStatus


FAILURE, PARTIAL, SUCCESS = "COMPLETE_FAILURE", "PARTIAL_SUCCESS", "COMPLETE_SUCCESS"


OF_STEP = {FAILURE: "FAILED", PARTIAL: "PARTIAL", SUCCESS: "SUCCEEDED"}
"""What the run of a command came to, in the words of steps (contract 12)."""


REQUIRED: dict[str, Any] = {"command": "fix-config", "required": True}


TOLD: dict[str, Any] = {"command": "status"}


LAUNCHED = LaunchStatus.LAUNCHED


def commanding(before: tuple[Any, ...] = (), after: tuple[Any, ...] = (), **fields: Any) -> Execution:
    """An execution whose first wave is done and whose second, in progress, has commands."""
    second = wave(2, W.IN_PROGRESS, steps=planned(before, after), **fields)
    return execution(wave(1, W.COMPLETED), second, wave(3))


def launched(current: Execution) -> Execution:
    """Have the servers of the second wave launched, and their job ended."""
    there = current.wave(2).with_servers(lambda one: server(int(one.source_server_id[2:]), LAUNCHED, impact=one.impact))
    return current.with_waves([there]).with_job(job(2, JobState.ENDED))


def started(current: Execution, number: int = 2) -> Execution:
    """Write the intent of the command that is due."""
    mine = current.wave(number)
    due = next(command for command in mine.steps if command.state is StepState.PLANNED)
    return current.with_waves([mine.with_step(replace(due, state=StepState.STARTED))])


def name(current: Execution, number: int = 2) -> str:
    running = current.wave(number).running_step
    assert running is not None
    return run_id(current.execution_id, number, running)


def decide_round(current: Execution, command: StepView | None = None, now: datetime = NOW, **jobs: JobView) -> Decision:
    """One round, in which the running command of the second wave is seen as given."""
    views = {name(current): command} if command is not None else {}
    return decide(current, replace(seen(**jobs), steps=views), now, TIMING)


def ended(current: Execution, outcome: str, now: datetime = NOW) -> Decision:
    """One round after the present command's run ended; a failure everywhere is what fails a wave."""
    return decide_round(started(current), over(outcome), now)


def over(outcome: str) -> StepView:
    return StepView(outcome=outcome, failure=FAILED_EVERYWHERE if outcome == FAILURE else None)


def second(decision: Decision) -> Wave:
    return decision.execution.wave(2)


def older(entry: dict[str, Any]) -> dict[str, Any]:
    """Write a command down as it was before there were steps: with the outcome of its run."""
    words = {word: outcome for outcome, word in OF_STEP.items()}
    known = {name: entry[name] for name in ("phase", "position", "required", "state", "run")}
    return {**known, "command": entry["name"], "outcome": words.get(entry.get("outcome", ""))}
