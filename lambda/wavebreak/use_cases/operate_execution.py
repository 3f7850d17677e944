"""The calls of operators: decide, write, wake, and settle what follows the end of an execution."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.taken_up import compared
from wavebreak.domain.executions.locking.preemption import taken_over
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Mode
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.domain.executions.views.actions import WAVE_STEPS
from wavebreak.execution_utils import TerminationStatus
from wavebreak.identifiers import new_call_id
from wavebreak.problems import ConfirmationRequired, NotFound, Problem, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store.executions import LocksNeededError
from wavebreak.store.locks import BeingTakenUpError
from wavebreak.store.table import WriteRejectedError
from wavebreak.use_cases.checks.consolidate_checks import at_its_end
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.use_cases.preemption.take_locks import take_locks
from wavebreak.use_cases.run_command import cancel_all
from wavebreak.use_cases.settle_execution import begin_termination, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.views.actions import WaveCall
    from wavebreak.ports.capabilities import (
        HasAgentPatience,
        HasBriefDrs,
        HasCallPatience,
        HasCommands,
        HasSsmAgents,
        HasSteps,
    )
    from wavebreak.store.latest_states import Snapshot
    from wavebreak.store.locks import Held
    from wavebreak.use_cases.settle_execution import Ports as SettleExecutionPorts

    class Ports(
        SettleExecutionPorts,
        HasAgentPatience,
        HasBriefDrs,
        HasCallPatience,
        HasCommands,
        HasSsmAgents,
        HasSteps,
        Protocol,
    ):
        """What operating an execution needs."""


logger = logging.getLogger(__name__)

_DIGITS: Final = 3
"""A plan has at most 80 waves; what is longer names none."""

_ATTEMPTS: Final = 5
"""Times that an execution is read again which ended, or was taken up, while a retry or skip was on its way."""

Step = Callable[["Execution"], "Execution"]
"""A change of an execution: pure, and made again on what is stored by then after a lost race."""


def cancel(app: Ports, execution_id: str, act: Attribution, then: CancelThen, confirm: str | None = None) -> Execution:
    """Cancel an execution; what is in flight is seen to its end, and only then is it over.

    That a RECOVERY's instances are terminated then is confirmed by its id, else ConfirmationRequired.
    """
    asked = Cancel(act, then)

    def step(execution: Execution) -> Execution:
        _refuse_unconfirmed(execution, confirm, ends_instances=then is CancelThen.TERMINATE)
        return at_its_end(app, execution, steering.cancel(execution, asked))

    after = app.executions.change(execution_id, step, act)
    with follow_up("settling", execution_id):
        if after.is_terminal:
            settle(app, after)
    with follow_up("cancelling the commands", execution_id):
        cancel_all(app, execution_id, act)
    with follow_up("cancelling the drills before", execution_id):
        after = cancel_drills(app, after)
    _wake(app, execution_id)
    return after


@contextmanager
def follow_up(what: str, execution_id: str) -> Iterator[None]:
    """Do what follows a change that is written; a fault of a service is logged, and not reported to the caller.

    The change was accepted: polls, the machines and the sweep see it without this, only later.
    """
    try:
        yield
    except FAULTS as error:
        logger.warning("%s of %s is left to the machines: %s", what, execution_id, error)


def _wake(app: Ports, execution_id: str) -> None:
    with follow_up("waking", execution_id):
        app.workflow.wake(Machine.RECOVERY, execution_id)


def pause(app: Ports, execution_id: str, act: Attribution) -> Execution:
    """Pause an execution: no new wave starts, running waves go on."""
    return _steer(app, execution_id, lambda execution: steering.pause(execution, act), act)


def resume(app: Ports, execution_id: str, act: Attribution) -> Execution:
    """Resume a paused execution."""
    return _steer(app, execution_id, steering.resume, act)


def approve(app: Ports, execution_id: str, wave: str, act: Attribution) -> Execution:
    """Approve a wave that waits for it."""
    return _steer(app, execution_id, _on_wave(wave, WAVE_STEPS["approve"], act), act)


def reject(app: Ports, execution_id: str, wave: str, act: Attribution) -> Execution:
    """Fail a wave that waits for an approval."""
    return _steer(app, execution_id, _on_wave(wave, WAVE_STEPS["reject"], act), act)


def retry(app: Ports, execution_id: str, wave: str, act: Attribution) -> Execution:
    """Recover the servers of a failed wave that failed, once more; this may take a finished execution up again."""
    return _reopen(app, execution_id, _on_wave(wave, WAVE_STEPS["retry"], act), act)


def skip(app: Ports, execution_id: str, wave: str, act: Attribution) -> Execution:
    """Skip a wave that has not started or has failed; this may resume a finished execution."""
    return _reopen(app, execution_id, _on_wave(wave, WAVE_STEPS["skip"], act), act)


def _steer(app: Ports, execution_id: str, step: Step, act: Attribution) -> Execution:
    """Carry out a step that leaves a running execution running."""
    after = app.executions.change(execution_id, step, act)
    _wake(app, execution_id)
    return after


def _reopen(app: Ports, execution_id: str, step: Step, act: Attribution) -> Execution:
    """Carry out a retry or skip, which may take a finished execution up again: locks first, then a new run.

    Raise PlanBusy or ServerBusy when another execution has the plan or a server by now, or when a drill would end what
    a recovery launched meanwhile, and Unavailable while another call is taking the same execution up.
    """
    for _ in range(_ATTEMPTS):
        before = app.executions.load(execution_id)
        step(before.execution)
        try:
            if not before.execution.holds_locks:
                return _take_up(app, before, step, act)
            return _steer(app, execution_id, step, act)
        except LocksNeededError:
            logger.info("execution %s ended since it was read", execution_id)
        except BeingTakenUpError:
            if not app.executions.load(execution_id).execution.holds_locks:
                raise
    raise Unavailable(f"Execution {execution_id} is being changed by many at once", retry_after_seconds=1)


def _take_up(app: Ports, before: Snapshot, step: Step, act: Attribution) -> Execution:
    """Resume a finished execution, and start its machine."""
    # No other call pays for these imports.
    from wavebreak.use_cases.compare_instances import instances_shown  # noqa: PLC0415
    from wavebreak.use_cases.drill_guard import spare_recoveries  # noqa: PLC0415

    execution_id = before.execution.execution_id
    preempts = before.execution.mode is Mode.RECOVERY
    held = take_locks(app, before.execution, new_call_id(), app.now(), preempt=preempts)
    try:
        spare_recoveries(app, before.execution)
        shown = instances_shown(app, before.execution)
    except (Problem, *FAULTS):
        app.locks.give_back(held)
        raise

    def take_over(execution: Execution) -> Execution:
        return taken_over(
            step(compared(execution, shown)), held.drills, held.plan_of.execution_id if held.plan_of else None, act
        )

    after = _written(app, execution_id, take_over, act, held)
    with follow_up("cancelling the drills before", execution_id):
        after = cancel_drills(app, after)
    with follow_up("starting", execution_id):
        if not app.workflow.start_next(Machine.RECOVERY, execution_id, before.token.run, app.now()):
            _wake(app, execution_id)
    return after


def terminate(app: Ports, execution_id: str, act: Attribution, confirm: str | None) -> Execution:
    """Start the termination of an execution's recovery instances; a second call while that runs starts nothing.

    A RECOVERY is confirmed by its id, else ConfirmationRequired; NotAllowedError names the rule that forbids it.
    """
    before = app.executions.load(execution_id).execution
    _refuse_unconfirmed(before, confirm, ends_instances=True)

    def step(execution: Execution) -> Execution:
        return termination.request(execution, act)

    return carry_out_termination(app, before, step, act)


def carry_out_termination(app: Ports, before: Execution, step: Step, act: Attribution) -> Execution:
    """Write the beginning of a termination under the locks that it needs, and start its machine.

    That of a drill leaves the servers that a RECOVERY holds to it, and goes on with the others (contract 2).

    Raise what `step` raises, and PlanBusy or ServerBusy while others hold a lock; what was taken is given back then.
    """
    execution_id = before.execution_id
    if step(before) is before:
        return before
    try:
        drill = before.mode is Mode.DRILL
        held = take_locks(app, before, new_call_id(), app.now(), leave_recoveries=drill)
        after = _written(app, execution_id, step, act, held)
    except BeingTakenUpError:
        present = app.executions.load(execution_id).execution
        if present.holds_locks and step(present) is present:
            return present
        raise
    with follow_up("cancelling the commands", execution_id):
        cancel_all(app, execution_id, act)
    if (
        after.termination.status is TerminationStatus.IN_PROGRESS
        and after.termination.attempt > before.termination.attempt
    ):
        with follow_up("terminating", execution_id):
            begin_termination(app, execution_id)
    return after


def _refuse_unconfirmed(execution: Execution, confirm: str | None, *, ends_instances: bool) -> None:
    """Raise ConfirmationRequired unless what ends a RECOVERY's instances names it, and nothing names another one."""
    if ends_instances and execution.mode is Mode.RECOVERY and confirm is None:
        raise ConfirmationRequired(
            "Terminating the instances of a RECOVERY cannot be undone: send its execution id as confirm"
        )
    if confirm is not None and confirm != execution.execution_id:
        raise ConfirmationRequired(f"confirm names {confirm[:100]!r}, not this execution")


def _written(app: Ports, execution_id: str, step: Step, act: Attribution, held: Held) -> Execution:
    """Make the change that locks were taken for; when it is refused they are given back.

    After a fault, which may have come after the change was made, they are free in a minute if it was not.
    """
    try:
        return app.executions.change(execution_id, step, act, held=held)
    except (NotAllowedError, Problem, WriteRejectedError):
        app.locks.give_back(held)
        raise


def _on_wave(text: str, step: WaveCall, act: Attribution) -> Step:
    """Make the step of a wave that a path names; it raises NotFound when the execution has no such wave."""
    return lambda execution: step(execution, wave_number(execution, text), act)


def wave_number(execution: Execution, text: str) -> int:
    """Read the number of a wave that a path names; raise NotFound when the execution has no such wave."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
    if not 1 <= number <= len(execution.waves):
        raise NotFound(f"Execution {execution.execution_id} has no wave {text[:20]!r}")
    return number
