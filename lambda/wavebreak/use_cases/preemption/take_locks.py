"""The locks that a start, a retry or a termination needs: taken for its call, and over from drills where it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasLocks
    from wavebreak.store.locks import Held

    class Ports(HasLocks, Protocol):
        """What taking locks needs."""


def take_locks(
    app: Ports,
    execution: Execution,
    call: str,
    now: datetime,
    *,
    preempt: bool = False,
    leave_recoveries: bool = False,
) -> Held:
    """Take the locks of the plan and all servers of an execution for a call; with `preempt` also those of drills.

    With `leave_recoveries` servers that a RECOVERY holds are left to it, unless it holds all of them.

    Everything is checked first: what another RECOVERY holds is refused, and nothing has changed then. Raise PlanBusy
    or ServerBusy naming the holder, and BeingTakenUpError when another call of this execution does.
    """
    plan_of = app.locks.claim_plan(execution, now, preempt=preempt)
    held = app.locks.take(execution, call, now, preempt=preempt, leave_recoveries=leave_recoveries)
    return replace(held, plan_of=plan_of)
