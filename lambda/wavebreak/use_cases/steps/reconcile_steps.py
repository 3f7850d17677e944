"""Step runs whose machine ended without having finished its work, or was never started: taken up again.

One that is past its own deadline, or whose machines die one after another, is given up: every run ends.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.lifetime import deaths, keeps_dying
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.steps.lifetime import deadline_of
from wavebreak.domain.steps.runs import StepOutcome
from wavebreak.domain.steps.step_ids import machine_run_name, machine_run_of, step_id_of
from wavebreak.error_category import Category
from wavebreak.problems import NotFound
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.use_cases import record_machine_failures
from wavebreak.use_cases.steps.next_machine import start_next

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.steps.runs import StepRun

logger = logging.getLogger(__name__)

_YOUNG: Final = timedelta(minutes=2)
"""A run younger than this may still be on its way to its machine."""
_DEATHS_AT_ONCE: Final = 3
"""Machines in a row that died young and were each followed by the next at once; later ones are left to the sweep."""


def machine_ended(app: App, name: str) -> bool:
    """Start the next run of a step machine that ended without having finished its work."""
    try:
        run = app.steps.load(step_id_of(name))
    except NotFound:
        logger.warning("machine run %s belongs to no step", name)
        return False
    if run.status.is_terminal or run.machine_run != machine_run_of(name):
        return False
    if deaths(run, app.now()) > _DEATHS_AT_ONCE:
        record_machine_failures.gave_up(app, run.execution_id, name)
        return False
    return start_next(app, run, died=True)


def sweep(app: App) -> int:
    """Start a machine for every run that has none any more; return how many.

    One that cannot be looked after does not keep the others from it; the last such fault is raised in the end.
    """
    return each_despite_faults(
        app.steps.active_ids(),
        lambda step_id: _look_after(app, app.steps.load(step_id)),
        lambda error, step_id: app.errors.record_error(error, stepId=step_id),
    )


def _look_after(app: App, run: StepRun) -> bool:
    """Start the next run of a machine that is gone; a run that cannot come to its end so is ended here."""
    now = app.now()
    if run.status.is_terminal:
        return False
    if now >= deadline_of(run):
        _give_up(app, run, "it had not ended when it must have")
        return False
    young = now - (run.machine_started_at or run.started_at) < _YOUNG
    if young or app.workflow.is_step_running(run.step_id, run.machine_run):
        return False
    if keeps_dying(run, now):
        failure = run.last_failure or {"error": "unknown", "cause": ""}
        why = f"its machine failed again and again, at last with {failure['error']}: {failure['cause']}"
        _give_up(app, run, why[:500])
        return False
    return start_next(app, run, died=True)


def _give_up(app: App, run: StepRun, why: str) -> None:
    """End a run that does not end by itself; what it began may go on, which its error says."""
    app.errors.record_failure(
        Severity.CRITICAL,
        Category.WORKFLOW,
        ("StepGivenUp", f"{run.step_id} is given up: {why}"),
        service=record_machine_failures.machine_service(machine_run_name(run.step_id, run.machine_run)),
        execution_id=run.execution_id,
        stepId=run.step_id,
    )
    began = f"; {run.automation_execution_id} may still run" if run.automation_execution_id else ""
    # The execution sees it at its next poll.
    app.steps.end(run.step_id, StepOutcome(succeeded=False, error=f"It was given up: {why}{began}"), app.now())
