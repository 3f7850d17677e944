"""Step runs whose machine ended without having finished its work, or was never started: taken up again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.errors.record import Severity
from wavebreak.domain.steps.lifetime import deadline_of
from wavebreak.domain.steps.runs import StepOutcome
from wavebreak.domain.steps.step_ids import machine_run_name, machine_run_of, step_id_of
from wavebreak.error_category import Category
from wavebreak.use_cases import driven_runs, record_machine_failures
from wavebreak.use_cases.driven_runs import RunKind
from wavebreak.use_cases.steps.next_machine import start_next

if TYPE_CHECKING:
    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.ports.capabilities import HasWorkflow
    from wavebreak.use_cases.driven_runs import Ports as DrivenRunsPorts

    class Ports(DrivenRunsPorts, HasWorkflow, Protocol):
        """What reconciling steps needs."""


def machine_ended(app: Ports, name: str) -> bool:
    """Start the next run of a step machine that ended without having finished its work."""
    return driven_runs.machine_ended(app, _kind(app), name)


def sweep(app: Ports) -> int:
    """Start a machine for every run that has none any more, as `driven_runs.sweep` does; return how many."""
    return driven_runs.sweep(app, _kind(app))


def _kind(app: Ports) -> RunKind[StepRun]:
    return RunKind(
        what="step",
        load=app.steps.load,
        run_id_of=step_id_of,
        machine_run_of=machine_run_of,
        active_ids=app.steps.active_ids,
        record_error=lambda error, step_id: app.errors.record_error(error, stepId=step_id),
        deadline_of=deadline_of,
        begun_at=lambda run: run.machine_started_at or run.started_at,
        is_machine_running=lambda run: app.workflow.is_step_running(run.step_id, run.machine_run),
        # A function that was invoked is waited for, and an automation is stopped by its machine.
        ends_in_place=lambda _run: False,
        give_up=partial(_give_up, app),
        start_next=partial(start_next, app, died=True),
    )


def _give_up(app: Ports, run: StepRun, why: str) -> None:
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
