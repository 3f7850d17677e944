"""What the lease of an ended drill brings about, and when (contract 13).

A lease is of a drill only, and never ends anything while something of its execution is in flight: it is counted from
the end, in which nothing is. What it begins is the termination that people can ask for too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending.instances_left import may_be_ended
from wavebreak.domain.executions.ending.termination_rule import refusal
from wavebreak.execution_utils import TerminationStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution

EXPIRED: Final = "The lease of the drill has expired"


class LeaseStep(StrEnum):
    """The next step of a lease."""

    REMIND = "REMIND"
    TERMINATE = "TERMINATE"


def due_at(execution: Execution) -> datetime | None:
    """Return the moment at which a lease next has something due; None while it has nothing to wait for.

    That is the reminder, then the termination. One that ended INCOMPLETE is begun again an hour after its end while an
    instance is left that may be ended; one that people asked for before the expiry, not before that.
    """
    lease = execution.lease
    if lease is None or lease.expires_at is None or execution.holds_locks:
        return None
    if refusal(execution) is not None:
        return None
    ended = execution.termination.ended_at
    if execution.termination.status is TerminationStatus.NOT_REQUESTED or ended is None:
        return lease.expires_at if lease.reminded else lease.reminds_at
    if not may_be_ended(execution):
        return None
    again = ended + lease.hour
    own = execution.termination.requested_by == ENGINE_ACTOR
    return again if own else max(again, lease.expires_at)


def step_due(execution: Execution, now: datetime) -> LeaseStep | None:
    """Return what a lease has due at a moment. A reminder that comes too late is left out."""
    due, lease = due_at(execution), execution.lease
    if due is None or lease is None or lease.expires_at is None or now < due:
        return None
    # Before the expiry it is the reminder, or again a termination that `wavebreak` began early.
    untouched = execution.termination.status is TerminationStatus.NOT_REQUESTED
    return LeaseStep.REMIND if untouched and now < lease.expires_at else LeaseStep.TERMINATE


def reminded(execution: Execution, now: datetime) -> Execution:
    """Record the reminder of an expiry that is near; unchanged when none is due."""
    lease = execution.lease
    if lease is None or step_due(execution, now) is not LeaseStep.REMIND:
        return execution
    return replace(execution, lease=replace(lease, reminded=True))
