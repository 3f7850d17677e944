"""Drills that a RECOVERY took servers or a plan over from are cancelled: by the call that did, or by the next check.

Until each of them has accepted it, the RECOVERY's record names it as unsettled.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.locking import preemption
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.problems import NotFound
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.use_cases.checks.consolidate_checks import at_its_end

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Cancel, Execution
    from wavebreak.ports.capabilities import HasChecks, HasClock, HasExecutions, HasLocks, HasMeter, HasWorkflow

    class Ports(HasChecks, HasClock, HasExecutions, HasLocks, HasMeter, HasWorkflow, Protocol):
        """What cancelling drills needs."""


logger = logging.getLogger(__name__)


def cancel_drills(app: Ports, recovery: Execution) -> Execution:
    """Cancel the drills that a RECOVERY preempted and that have not been seen to; return the RECOVERY as it is then.

    A drill that cannot be cancelled now holds up neither the others nor the RECOVERY: the next check tries again.
    """
    known = recovery.preemption
    if known is None or not known.unsettled:
        return recovery
    done = [drill for drill in known.unsettled if _is_seen_to(app, recovery, drill)]
    if not done:
        return recovery
    act = Attribution(ENGINE_ACTOR, app.now())
    return app.executions.change(recovery.execution_id, lambda current: preemption.settled(current, done), act)


def _is_seen_to(app: Ports, recovery: Execution, drill_id: str) -> bool:
    try:
        return _cancelled(app, recovery, drill_id)
    except FAULTS as error:
        logger.warning("%s is not cancelled yet for %s: %s", drill_id, recovery.execution_id, error)
        return False


def _cancelled(app: Ports, recovery: Execution, drill_id: str) -> bool:
    """Cancel a drill; return whether it needs no further look."""
    now = app.now()
    asked = preemption.cancel_of(recovery, now)
    try:
        before = app.executions.load(drill_id).execution
        if not before.is_terminal and before.cancel is None:
            details = {"preemptedBy": recovery.execution_id}
            before = app.executions.change(drill_id, partial(_given_way, app, asked), asked.by, details)
            if before.is_terminal:
                app.locks.release_servers(before)
            _wake(app, drill_id)
    except NotFound:
        return _is_settled(recovery, None, app)
    except steering.NotAllowedError:
        return False
    return _is_settled(recovery, before, app)


def _given_way(app: Ports, asked: Cancel, drill: Execution) -> Execution:
    return at_its_end(app, drill, steering.cancel(drill, asked))


def _wake(app: Ports, drill_id: str) -> None:
    """Wake the drill's machine; a machine that is not woken polls by itself."""
    try:
        app.workflow.wake(Machine.RECOVERY, drill_id)
    except FAULTS as error:
        logger.warning("%s is cancelled and was not woken: %s", drill_id, error)


def _is_settled(recovery: Execution, drill: Execution | None, app: Ports) -> bool:
    known = recovery.preemption
    return known is None or preemption.is_settled(drill, known.at, app.now())
