"""What operators do to an execution, carried out: decide, write, wake, and settle what an end brings with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions import steering, termination
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model import Cancel, CancelThen, Mode
from wavebreak.domain.executions.steering import Refused
from wavebreak.execution_utils import TerminationStatus
from wavebreak.problems import ConfirmationRequired, NotFound, PlanBusy, Problem
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.use_cases.run_command import cancel_all
from wavebreak.use_cases.settle_execution import begin_termination, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.app import App
    from wavebreak.domain.executions.audit_trail import Act
    from wavebreak.domain.executions.model import Execution


logger = logging.getLogger(__name__)

_DIGITS: Final = 3
"""A plan has at most 80 waves; what is longer names none."""

Step = Callable[["Execution"], "Execution"]
"""A change of an execution: pure, and made again on what is stored by then when somebody else wrote first."""

WaveStep = Callable[["Execution", int, "Act"], "Execution"]
"""A change of one wave, by its number, told by an act."""


def cancel(app: App, execution_id: str, act: Act, then: CancelThen) -> Execution:
    """Cancel an execution; what is in flight is seen to its end, and only then is it over."""
    asked = Cancel(act.at, act.actor, act.reason, then)
    after = app.executions.change(execution_id, lambda execution: steering.cancel(execution, asked), act)
    with follow_up("settling", execution_id):
        if after.is_terminal:
            settle(app, after)
    with follow_up("cancelling the commands", execution_id):
        cancel_all(app, execution_id, act)
    _wake(app, execution_id)
    return after


@contextmanager
def follow_up(what: str, execution_id: str) -> Iterator[None]:
    """Do what follows a change that is written; a fault of a service is told in the log, not to the caller.

    The change was accepted: polls, the machines and the sweep see it without this, only later.
    """
    try:
        yield
    except FAULTS as error:
        logger.warning("%s of %s is left to the machines: %s", what, execution_id, error)


def _wake(app: App, execution_id: str) -> None:
    with follow_up("waking", execution_id):
        app.workflow.wake(Machine.RECOVERY, execution_id)


def steer(app: App, execution_id: str, step: Step, act: Act) -> Execution:
    """Carry out a step that leaves a running execution running."""
    after = app.executions.change(execution_id, step, act)
    _wake(app, execution_id)
    return after


def reopen(app: App, execution_id: str, step: Step, act: Act) -> Execution:
    """Carry out a retry or skip, which may take a finished execution up again: locks first, then a new run.

    Raises PlanBusy or ServerBusy when somebody else holds the plan or a server by now, or when a drill would end what
    a recovery launched meanwhile.
    """
    before = app.executions.load(execution_id)
    step(before.execution)
    if not before.execution.is_terminal:
        return steer(app, execution_id, step, act)

    def take_up() -> Execution:
        from wavebreak.use_cases.drill_guard import spare_recoveries  # noqa: PLC0415  no other call pays for this import

        spare_recoveries(app, before.execution)
        return app.executions.change(execution_id, step, act)

    after = _holding_locks(app, before.execution, take_up)
    with follow_up("starting", execution_id):
        if not app.workflow.start_next(Machine.RECOVERY, execution_id, before.token.run, app.now()):
            _wake(app, execution_id)
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
    after = _holding_locks(app, before, lambda: app.executions.change(execution_id, step, act))
    with follow_up("cancelling the commands", execution_id):
        cancel_all(app, execution_id, act)
    if after.termination.status is TerminationStatus.IN_PROGRESS and after.termination.run > before.termination.run:
        with follow_up("terminating", execution_id):
            begin_termination(app, execution_id)
    return after


def _holding_locks(app: App, execution: Execution, work: Callable[[], Execution]) -> Execution:
    """Take plan and servers again for an execution that had given them back, and do what they are needed for.

    Raises PlanBusy or ServerBusy when somebody else holds them. When they cannot all be taken, or the work is refused,
    they are given back; after a fault of the work, which may have been done, they are free in a minute if it was not.
    """
    now = app.now()
    holder = app.locks.free_stale_plan_lock(execution.plan_id, now)
    if holder not in {None, execution.execution_id}:
        raise PlanBusy(f"The plan is held by {holder}", executionId=holder)
    try:
        app.locks.take_servers(execution, now)
    except (Problem, *FAULTS):
        _give_back(app, execution.execution_id)
        raise
    try:
        return work()
    except (Refused, Problem):
        _give_back(app, execution.execution_id)
        raise


def _give_back(app: App, execution_id: str) -> None:
    """Give locks back unless another call won and needs them now: they name the execution, not the call."""
    fresh = app.executions.load(execution_id).execution
    if not fresh.holds_locks:
        app.locks.give_back(fresh)


def on_wave(text: str, step: WaveStep, act: Act) -> Step:
    """Make the step of a wave that a path names; it raises NotFound when the execution has no such wave."""

    def change(execution: Execution) -> Execution:
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
        if not 1 <= number <= len(execution.waves):
            raise NotFound(f"Execution {execution.execution_id} has no wave {text[:20]!r}")
        return step(execution, number, act)

    return change


WAVE_CALLS: Final[dict[str, tuple[Callable[[App, str, Step, Act], Execution], WaveStep]]] = {
    "approve": (steer, steering.approve),
    "reject": (steer, lambda execution, number, act: steering.reject(execution, number, act.at, act.reason)),
    "retry": (reopen, lambda execution, number, act: steering.retry(execution, number, act.at)),
    "skip": (reopen, lambda execution, number, act: steering.skip(execution, number, act.at)),
}
"""What may be asked for a wave, and how it is carried out: retry and skip may take a finished execution up again."""

EXECUTION_CALLS: Final[dict[str, Step]] = {"pause": steering.pause, "resume": steering.resume}
"""What may be asked for a running execution as a whole."""

SENTENCES: Final = {
    "approve": "Let a wave that waits for an approval start.",
    "reject": "Fail a wave that waits for an approval.",
    "retry": "Recover the servers of a failed wave that failed, once more.",
    "skip": "Go on past a wave that has not started or has failed.",
    "pause": "Start no new wave; running ones go on.",
    "resume": "Let waves start again.",
}
"""What an operator may do to an execution or a wave, in a sentence each."""
