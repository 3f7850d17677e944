"""Leases that are over: people reminded, and terminations begun, by the sweep.

What is due is found through an index; what cannot be done now is found again by the next sweep.
"""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.leasing.due import EXPIRED, LeaseStep, reminded, step_due
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.problems import NotFound, PlanBusy, ServerBusy
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.store.locks import BeingTakenUpError
from wavebreak.use_cases.operate_execution import carry_out_termination

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.use_cases.operate_execution import Ports as OperateExecutionPorts

    class Ports(OperateExecutionPorts, Protocol):
        """What ending leases needs."""


logger = logging.getLogger(__name__)

_WORK: Final = timedelta(seconds=20)
"""How long a sweep begins new ones: its function has a minute, for other things too."""


def sweep(app: Ports) -> int:
    """Do what is due for leases; return how many leases advanced.

    A lease that fails does not stop the others; the last fault of a service is raised in the end. They come
    in a random order, so that blocked leases hold up none for long.
    """
    until = app.now() + _WORK
    due = list(app.executions.due_leases(app.now()))
    random.shuffle(due)

    def is_over() -> bool:
        over = app.now() > until
        if over:
            logger.warning("leases are left to the next sweep", extra={"due": len(due)})
        return over

    return each_despite_faults(
        due,
        lambda execution_id: carry_on(app, execution_id),
        lambda error, execution_id: app.errors.record_error(error, execution_id=execution_id),
        is_over,
    )


def carry_on(app: Ports, execution_id: str) -> bool:
    """Do what a lease has due, if it is; return whether it did. What others hold a lock of waits for them."""
    try:
        return _carried_on(app, app.executions.load(execution_id).execution)
    except NotFound:
        return False
    except (PlanBusy, ServerBusy, BeingTakenUpError, NotAllowedError) as busy:
        logger.info("the lease of %s waits: %s", execution_id, busy)
        return False


def _carried_on(app: Ports, execution: Execution) -> bool:
    now = app.now()
    step = step_due(execution, now)
    if step is LeaseStep.REMIND:
        app.executions.change(
            execution.execution_id, lambda known: reminded(known, now), Attribution(ENGINE_ACTOR, now)
        )
    elif step is LeaseStep.TERMINATE:
        _terminate(app, execution)
    return step is not None


def _terminate(app: Ports, execution: Execution) -> None:
    """Begin the termination that a lease has due; raise NotAllowedError when it was extended meanwhile."""
    act = Attribution(ENGINE_ACTOR, app.now(), EXPIRED)

    def step(known: Execution) -> Execution:
        if step_due(known, act.at) is not LeaseStep.TERMINATE:
            raise NotAllowedError("Its lease is not over")
        return termination.request(known, act)

    carry_out_termination(app, execution, step, act)
