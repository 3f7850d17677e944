"""An automation or function of a wave: its run begun with its placeholders filled, or stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.stepping.wave_steps import input_of, is_cut_short, is_late, run_id, targets
from wavebreak.domain.steps.limits import DEFAULT_TIMEOUT_SECONDS
from wavebreak.domain.steps.placeholders import Filling, PlaceholderError, fill_parameters, fill_payload
from wavebreak.domain.steps.runs import (
    StepOutcome,
    StepRun,
    StepServer,
    StopReason,
    ended,
    without_input,
)
from wavebreak.use_cases.steps.run_step import begin_step, stop_step
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import StepInput, WaveStep
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasExecutions
    from wavebreak.use_cases.steps.run_step import Ports as RunStepPorts

    class Ports(RunStepPorts, HasExecutions, Protocol):
        """What a step of a wave needs."""


def go_on(app: Ports, execution: Execution, wave: Wave, step: WaveStep) -> None:
    """Do what is due of a step whose start is written down: begin its run, stop it, or end it when it had its time."""
    asked = input_of(app.executions.document(execution.execution_id), wave.number, step)
    run = _unfilled(app, execution, wave, step, asked)
    known = _stop(app, execution, wave, step, run) if is_cut_short(execution, wave, step) else _begin(app, run, asked)
    if not known.status.is_terminal and app.now() >= known.deadline:
        stop_step(app, known.step_id, Attribution(ENGINE_ACTOR, app.now()), StopReason.STEP_TIMEOUT)


def _begin(app: Ports, run: StepRun, asked: StepInput) -> StepRun:
    """Begin a run with its placeholders filled; one whose placeholders cannot be filled has failed before it begins."""
    filling = Filling(
        run.execution_id,
        run.mode,
        run.wave_name,
        run.site.region or os.environ["AWS_REGION"],
        tuple(server.recovery_instance_id for server in run.servers if server.recovery_instance_id),
        tuple(server.source_server_id for server in run.servers),
    )
    try:
        parameters = fill_parameters(asked.parameters, filling)
        payload = fill_payload(asked.payload, filling)
    except PlaceholderError as error:
        failed = StepOutcome(succeeded=False, error=f"its placeholders could not be filled: {error}")
        return app.steps.create(ended(without_input(run), failed, app.now()))
    return begin_step(app, replace(run, parameters=parameters, payload=payload))


def _stop(app: Ports, execution: Execution, wave: Wave, step: WaveStep, run: StepRun) -> StepRun:
    """Request the stop of a run; one that was never begun is stored as stopped, so that it never begins."""
    cancel = execution.cancel
    if cancel is None or is_late(wave, step):
        return stop_step(app, run.step_id, Attribution(ENGINE_ACTOR, app.now()), StopReason.WAVE_TIMEOUT, run)
    act = replace(cancel.by, at=app.now())
    return stop_step(app, run.step_id, act, StopReason.CANCEL, run)


def _unfilled(app: Ports, execution: Execution, wave: Wave, step: WaveStep, asked: StepInput) -> StepRun:
    return StepRun(
        step_id=run_id(execution.execution_id, wave.number, step),
        execution_id=execution.execution_id,
        plan_id=execution.plan_id,
        wave_number=wave.number,
        wave_name=wave.name,
        attempt=wave.attempt,
        mode=execution.mode.value,
        site=wave.site,
        kind=step.kind,
        name=step.name,
        timeout_seconds=asked.timeout_seconds or DEFAULT_TIMEOUT_SECONDS[step.kind],
        started_at=app.now(),
        servers=tuple(
            StepServer(server.source_server_id, server.recovery_instance_id)
            for _, server in targets(execution, wave, step.phase)
        ),
    )
