"""The lease of a drill that runs, and its extension at any time (contract 13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import is_over
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution, Mode
from wavebreak.domain.executions.model.leases import Lease
from wavebreak.domain.executions.steering import NotAllowedError, cancel
from wavebreak.execution_utils import TerminationStatus, WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime, timedelta


OVERSTAYED: Final = "Only a person has been waited for as long as the lease of the drill lasts"


def extended(execution: Execution, minutes: int, lasts: timedelta, act: Attribution) -> Execution:
    """Return a drill whose instances stay for so many minutes from now, or from its end while it runs.

    Raise NotAllowedError for a RECOVERY, and once a termination was asked for.
    """
    if execution.mode is Mode.RECOVERY:
        raise NotAllowedError(
            "Execution is a RECOVERY: its instances have no lease, they stay until somebody terminates them"
        )
    ordered = execution.cancel is not None and execution.cancel.then is CancelThen.TERMINATE
    if ordered or execution.termination.status is not TerminationStatus.NOT_REQUESTED:
        raise NotAllowedError("The termination of its instances was asked for; their lease can no longer be changed")
    waiting = execution.lease is not None and execution.lease.waiting_since is not None
    lease = Lease(minutes, lasts, extended_by=act.actor, extended_at=act.at, waiting_since=act.at if waiting else None)
    return replace(execution, lease=lease.counted_from(act.at) if execution.is_terminal else lease)


def watched(execution: Execution, now: datetime) -> Execution:
    """Cancel a drill that has waited for a person as long as its lease lasts; its instances are terminated then.

    The execution is that of a round that found nothing to do. Before that, the start of the wait is recorded.
    """
    lease = execution.lease
    if lease is None or execution.is_terminal or execution.cancel is not None:
        return execution
    if not _waits_for_a_person(execution):
        return replace(execution, lease=replace(lease, waiting_since=None)) if lease.waiting_since else execution
    if lease.waiting_since is None:
        return replace(execution, lease=replace(lease, waiting_since=now))
    if now < lease.waiting_since + lease.lasts:
        return execution
    return cancel(execution, Cancel(Attribution(ENGINE_ACTOR, now, OVERSTAYED), CancelThen.TERMINATE))


def _waits_for_a_person(execution: Execution) -> bool:
    """Return whether an execution waits for a person's decision: nothing of it runs, and it is not over."""
    running = execution.in_flight or execution.count(WaveStatus.IN_PROGRESS)
    return not running and not is_over(execution)
