"""Steps of waves as the API shows them (contract 12). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.overview import time_of
from wavebreak.domain.executions.stepping.model import StepState, StepStatus
from wavebreak.domain.executions.stepping.wave_steps import run_id
from wavebreak.domain.steps.runs import StepKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model import Execution, Wave
    from wavebreak.domain.executions.stepping.model import WaveStep


def steps_view(execution: Execution, wave: Wave) -> list[dict[str, Any]]:
    """Show the steps of a wave, first those `before`; what they answered is kept with their runs (`with_outputs`)."""
    return [_step_view(execution, wave, step) for step in wave.steps if not step.is_check]


def _step_view(execution: Execution, wave: Wave, step: WaveStep) -> dict[str, Any]:
    shown = {
        "kind": step.kind.lower(),
        "name": step.name,
        "required": step.required,
        "inDrill": step.in_drill.value,
        "phase": step.phase.value,
        "status": step.status.value,
        "startedAt": time_of(step.started_at),
        "endedAt": time_of(step.ended_at),
        "error": step.error or step.failure,
        "output": None,
    }
    if step.kind is StepKind.COMMAND:
        ran = step.state is not StepState.PLANNED and step.status is not StepStatus.SKIPPED
        shown["commandId"] = run_id(execution.execution_id, wave.number, step) if ran else None
    elif step.kind is StepKind.AUTOMATION:
        shown["automationExecutionId"] = step.automation_execution_id
    return shown


def with_output(shown: Mapping[str, Any], output: str | None) -> dict[str, Any]:
    """Show a step with what it answered."""
    return {**shown, "output": output}
