"""Automation and function steps as a wave asks for them: begun once, stopped, each driven by a machine of its own.

The step's id follows from its wave, so that beginning it twice begins one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.steps.limits import refusal
from wavebreak.domain.steps.runs import StepKind, StepOutcome, StopReason, ended, without_input
from wavebreak.problems import NotFound
from wavebreak.resilience.aws_errors import FAULTS

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.ports.capabilities import HasClock, HasErrors, HasSteps, HasWorkflow

    class Ports(HasClock, HasErrors, HasSteps, HasWorkflow, Protocol):
        """What running a step needs."""


def begin_step(app: Ports, run: StepRun) -> StepRun:
    """Store a run whose placeholders are filled, start its machine, and return the run as it stands.

    A run that exists already is only started, under the same name, and one that has ended not even that. What no
    service could carry is stored as FAILED.
    """
    refused = refusal(run)
    if refused is not None:
        failed = StepOutcome(succeeded=False, error=refused)
        return app.steps.create(ended(without_input(run), failed, app.now()))
    known = app.steps.create(run)
    if not known.status.is_terminal:
        _start_machine(app, known)
    return known


def _start_machine(app: Ports, run: StepRun) -> None:
    """Start the machine of a run that is written; if that is lost, the sweep starts it."""
    try:
        app.workflow.start_step(run.step_id, run.machine_run)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id, stepId=run.step_id)


def stop_step(
    app: Ports,
    step_id: str,
    act: Attribution,
    reason: StopReason = StopReason.CANCEL,
    unbegun: StepRun | None = None,
) -> StepRun:
    """Request the stop of a run and return the run: its machine stops an automation within its next round.

    A function cannot be stopped: it is waited for until it answers, or STEP_TIMEOUT ends it here. One that was never
    begun is stored as it ended, from `unbegun`, so that a late call to begin it finds it there. It is
    idempotent. The execution is not woken: it makes the request. Raise NotFound for a run that does not exist, without
    `unbegun`.
    """
    try:
        run = app.steps.request_stop(step_id, reason, act.actor)
    except NotFound:
        if unbegun is None:
            raise
        return _stored_as_stopped(app, unbegun, act, reason)
    if run.status.is_terminal or reason is not StopReason.STEP_TIMEOUT or run.kind is not StepKind.FUNCTION:
        return run
    late = StepOutcome(succeeded=False, error=f"it gave no answer within {run.timeout_seconds} seconds")
    return app.steps.end(step_id, late, app.now())


def _stored_as_stopped(app: Ports, unbegun: StepRun, act: Attribution, reason: StopReason) -> StepRun:
    never = StepOutcome(succeeded=False, error="it was stopped before it was begun")
    stopped = without_input(unbegun).stopped(reason, act.actor)
    known = app.steps.create(ended(stopped, never, app.now()))
    return known if known.status.is_terminal else stop_step(app, known.step_id, act, reason)


def end_step(app: Ports, step_id: str, outcome: StepOutcome) -> StepRun:
    """Write the end of a run, once, and wake its execution; return the run as it stands."""
    run = app.steps.end(step_id, outcome, app.now())
    wake_execution(app, run)
    return run


def wake_execution(app: Ports, run: StepRun) -> None:
    """Wake the execution; where that fails, its next poll sees the end."""
    try:
        app.workflow.wake(Machine.RECOVERY, run.execution_id)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id)
