"""Steps of waves as the API shows them (contract 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.steps import StepStatus
from wavebreak.domain.executions.stepping.wave_steps import run_id
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.domain.steps.runs import StepKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave

    Outputs = Mapping[str, str | None]


def steps_view(
    execution: Execution, wave: Wave, outputs: Mapping[str, str | None] | None = None
) -> list[dict[str, Any]]:
    """Show the steps of a wave in their order, those `before` first.

    `outputs` is what they answered, by the ids of their runs: it is kept with those, and null without.
    """
    return [_step_view(execution, wave, step, outputs or {}) for step in wave.steps if not step.is_check]


def runs_of(execution: Execution, wave: Wave) -> tuple[list[str], list[str]]:
    """Return the ids of the runs that a wave's steps had: those of commands, and those of other steps."""
    ran = [(step.kind, run_id(execution.execution_id, wave.number, step)) for step in wave.steps if _has_run(step)]
    commands = [name for kind, name in ran if kind is StepKind.COMMAND]
    return commands, [name for kind, name in ran if kind is not StepKind.COMMAND]


def _has_run(step: WaveStep) -> bool:
    return not step.is_check and step.status not in {StepStatus.NOT_STARTED, StepStatus.SKIPPED}


def _step_view(execution: Execution, wave: Wave, step: WaveStep, outputs: Outputs) -> dict[str, Any]:
    name = run_id(execution.execution_id, wave.number, step) if _has_run(step) else None
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
        "output": outputs.get(name or ""),
    }
    if step.kind is StepKind.COMMAND:
        shown["commandId"] = name
    elif step.kind is StepKind.AUTOMATION:
        shown["automationExecutionId"] = step.automation_execution_id
    return shown
