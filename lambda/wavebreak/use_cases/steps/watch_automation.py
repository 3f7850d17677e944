"""A round of an automation step: started once, polled until it ends, stopped on request.

The intent is written before StartAutomationExecution. After an unknown outcome, or a crash, the automation is looked
for by its tag; only when it had time to show and did not, it is started again, with the same client token.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.aws.automation import may_be_started_later
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.steps.lifetime import MOST_ROUNDS, poll_seconds
from wavebreak.domain.steps.runs import StepOutcome
from wavebreak.observability.error_tracker import concerns
from wavebreak.resilience.aws_errors import FAULTS, is_denied, words_of
from wavebreak.use_cases.steps.next_machine import start_next
from wavebreak.use_cases.steps.run_step import end_step, wake_execution
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.ports.capabilities import HasAllowances, HasAutomations, HasTiming
    from wavebreak.ports.ssm import Automations
    from wavebreak.use_cases.steps.run_step import Ports as RunStepPorts

    class Ports(RunStepPorts, HasAllowances, HasAutomations, HasTiming, Protocol):
        """What watching an automation needs."""


logger = logging.getLogger(__name__)

_SOON: Final = 2
_AFTER_A_FAULT: Final = 5
_NEVER_STARTED: Final = StepOutcome(succeeded=False, error="it was stopped before it was started")


class WatchRound(Value):
    """What a round came to."""

    ended: bool
    """Whether this run of the machine has nothing more to do."""
    seconds: int = 0
    """How long to wait before the next one."""

    def output(self) -> dict[str, Any]:
        """Return the state machine's view."""
        return {"ended": self.ended, "seconds": self.seconds}


_OVER: Final = WatchRound(ended=True)


def watch(app: Ports, step_id: str, machine_run: int, rounds: int) -> WatchRound:
    """Do a round for a run of the machine that has done `rounds` of them; the next run takes over when it is time."""
    run = app.steps.load(step_id)
    concerns(run.execution_id)
    if run.status.is_terminal:
        wake_execution(app, run)  # the call that ended it may have died before it could
        return _OVER
    if run.machine_run != machine_run:
        return _OVER
    if rounds >= MOST_ROUNDS:
        start_next(app, run, died=False)
        return _OVER
    automation = app.automation_at(run.site)
    try:
        if run.automation_execution_id is None:
            return _started(app, run, automation)
        return _observed(app, run, automation, run.automation_execution_id)
    except FAULTS as error:
        return _after_a_fault(app, run, error)


def _after_a_fault(app: Ports, run: StepRun, error: Exception) -> WatchRound:
    """Poll again later; an automation to be stopped that may be neither seen nor stopped is given up and reported."""
    app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id, stepId=run.step_id)
    if run.stop_requested and isinstance(error, ClientError) and is_denied(error):
        name = run.automation_execution_id or "the automation"
        end_step(app, run.step_id, StepOutcome(succeeded=False, error=f"{name} may still run: {words_of(error)}"))
        return _OVER
    return WatchRound(ended=False, seconds=_AFTER_A_FAULT)


def _started(app: Ports, run: StepRun, automation: Automations) -> WatchRound:
    """Start the automation, or find out whether an earlier call did."""
    if run.intended_at is not None:
        found = automation.find(run.step_id)
        if found is not None:
            return _adopted(app, run, found)
        if app.now() < run.intended_at + app.timing.settle:
            return WatchRound(ended=False, seconds=_SOON)
    if run.stop_requested:
        end_step(app, run.step_id, _NEVER_STARTED)
        return _OVER
    missing = app.allowances().missing_for_runbook(run.name, run.parameters, run.site)
    if missing is not None:
        end_step(app, run.step_id, StepOutcome(succeeded=False, error=missing))
        return _OVER
    now = app.now()
    intended = app.steps.change(run.step_id, lambda current: _intended(current, replace(run, intended_at=now)))
    if intended.status.is_terminal or intended.stop_requested:
        return WatchRound(ended=False, seconds=0)
    return _called(app, intended, automation)


def _intended(current: StepRun, wanted: StepRun) -> StepRun:
    """Write the intent, unless the run has ended or was asked to stop meanwhile."""
    if current.status.is_terminal or current.stop_requested:
        return current
    return replace(current, intended_at=wanted.intended_at)


def _called(app: Ports, run: StepRun, automation: Automations) -> WatchRound:
    try:
        return _adopted(app, run, automation.start(run))
    except OutcomeUnknownError as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id, stepId=run.step_id)
        return WatchRound(ended=False, seconds=_SOON)
    except CallRejectedError as refusal:
        if not may_be_started_later(refusal):
            where = f"{run.name} in {run.site}"
            end_step(app, run.step_id, StepOutcome(succeeded=False, error=f"SSM refused to start {where}: {refusal}"))
            return _OVER
        app.errors.record_error(refusal, Severity.WARNING, execution_id=run.execution_id, stepId=run.step_id)
        # It surely did nothing: there is nothing to look for.
        app.steps.change(run.step_id, lambda current: replace(current, intended_at=None))
        return WatchRound(ended=False, seconds=_AFTER_A_FAULT)


def _adopted(app: Ports, run: StepRun, identifier: str) -> WatchRound:
    """Write down which automation is the step's; one whose step ended meanwhile appears in the next round's log."""
    app.steps.change(run.step_id, lambda current: replace(current, automation_execution_id=identifier))
    logger.info("step %s runs as automation %s", run.step_id, identifier)
    return WatchRound(ended=False, seconds=0 if run.stop_requested else _SOON)


def _observed(app: Ports, run: StepRun, automation: Automations, identifier: str) -> WatchRound:
    seen = automation.status(identifier)
    outcome = seen.outcome() if seen is not None else None
    if outcome is not None:
        end_step(app, run.step_id, outcome)
        return _OVER
    if run.stop_requested:
        if seen is None or not seen.is_stopping:
            automation.stop(identifier)
        return WatchRound(ended=False, seconds=_SOON)
    return WatchRound(ended=False, seconds=poll_seconds(run, app.now()))
