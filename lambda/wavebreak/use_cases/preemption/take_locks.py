"""The locks that a start, a retry or a termination needs: taken for its call, and over from drills where it may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasLocks
    from wavebreak.store.locks import Held

    class Ports(HasLocks, Protocol):
        """What taking locks needs."""


def take_locks(app: Ports, execution: Execution, call: str, now: datetime, *, preempt: bool = False) -> Held:
    """Take the locks of the plan and all servers of an execution for a call; with `preempt` also those of drills.

    Everything is checked first: what another RECOVERY holds is refused, and nothing has changed then. Raise PlanBusy
    or ServerBusy naming the holder, and BeingTakenUpError when another call of this execution does.
    """
    plan_of = app.locks.claim_plan(execution, now, preempt=preempt)
    return replace(app.locks.take(execution, call, now, preempt=preempt), plan_of=plan_of)
