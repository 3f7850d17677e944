"""What operators do to an execution, carried out: decide, write, wake, and settle what an end brings with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak import steering, termination
from wavebreak.execution_utils import TerminationStatus
from wavebreak.model import Cancel, CancelThen, Mode
from wavebreak.observing import begin_termination, settle
from wavebreak.problems import ConfirmationRequired, NotFound, PlanBusy
from wavebreak.steering import Refused
from wavebreak.workflow import Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.app import App
    from wavebreak.model import Execution
    from wavebreak.trail import Act


def cancel(app: App, execution_id: str, act: Act, then: CancelThen) -> Execution:
    """Cancel an execution; what is in flight is seen to its end, and only then is it over."""
    asked = Cancel(act.at, act.actor, act.reason, then)
    after = app.executions.change(execution_id, lambda execution: steering.cancel(execution, asked), act)
    if after.is_terminal:
        settle(app, after)
    app.workflow.wake(Machine.RECOVERY, execution_id)
    return after


def steer(app: App, execution_id: str, step: Callable[[Execution], Execution], act: Act) -> Execution:
    """Carry out a step that leaves a running execution running."""
    after = app.executions.change(execution_id, step, act)
    app.workflow.wake(Machine.RECOVERY, execution_id)
    return after


def reopen(app: App, execution_id: str, step: Callable[[Execution], Execution], act: Act) -> Execution:
    """Carry out a retry or skip, which may take a finished execution up again: locks first, then a new run.

    Raises PlanBusy or ServerBusy when somebody else holds the plan or a server by now.
    """
    before = app.executions.load(execution_id)
    step(before.execution)
    if not before.execution.is_terminal:
        return steer(app, execution_id, step, act)
    _take_locks(app, before.execution)
    after = _changed_holding_locks(app, before.execution, step, act)
    app.workflow.start_next(Machine.RECOVERY, execution_id, before.token.run, app.now())
    return after


def terminate(app: App, execution_id: str, act: Act, confirm: str | None) -> Execution:
    """Have an execution's recovery instances terminated; a second call while that runs starts nothing.

    A RECOVERY is confirmed by its id, else ConfirmationRequired; Refused tells the exact rule that forbids it.
    """
    before = app.executions.load(execution_id).execution
    if before.mode is Mode.RECOVERY and confirm != execution_id:
        raise ConfirmationRequired(
            "Terminating the instances of a RECOVERY cannot be undone: send its execution id as confirm"
        )
    if confirm is not None and confirm != execution_id:
        raise ConfirmationRequired(f"confirm names {confirm[:100]!r}, not this execution")

    def step(execution: Execution) -> Execution:
        return termination.request(execution, act)

    if step(before) is before:
        return before
    _take_locks(app, before)
    after = _changed_holding_locks(app, before, step, act)
    if after.termination.status is TerminationStatus.IN_PROGRESS and after.termination.run > before.termination.run:
        begin_termination(app, execution_id)
    return after


def _take_locks(app: App, execution: Execution) -> None:
    """Take plan and servers again for an execution that had given them back; raises PlanBusy or ServerBusy."""
    now = app.now()
    holder = app.locks.free_stale_plan_lock(execution.plan_id, now)
    if holder not in {None, execution.execution_id}:
        raise PlanBusy(f"The plan is held by {holder}", executionId=holder)
    app.locks.take_servers(execution, now)


def _changed_holding_locks(
    app: App, execution: Execution, step: Callable[[Execution], Execution], act: Act
) -> Execution:
    """Make a change for which locks were just taken; give them back when it is refused after all.

    Unless another call won, which holds them now: locks name the execution, not the call.
    """
    try:
        return app.executions.change(execution.execution_id, step, act)
    except (Refused, PlanBusy, NotFound):
        fresh = app.executions.load(execution.execution_id).execution
        if not fresh.holds_locks:
            app.locks.give_back(fresh)
        raise
