"""A drill never blocks a recovery: what a RECOVERY takes over, and what happens to the drills.

The locks change owner with the write that creates or resumes the RECOVERY (`lock_rules`). What follows, that the
drills are cancelled, is derived from what that write stored: the next round of the RECOVERY sees to it. Contract 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.engine import servers_to_launch
from wavebreak.domain.executions.locking.lock_rules import GRACE
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution, Mode
from wavebreak.domain.executions.model.waits import Preemption
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.execution_utils import REOPENABLE_STATUSES, TerminationStatus, WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.site import Site

_NAMED: Final = 3
"""Servers that a warning names; the others are counted."""


def taken_over(
    execution: Execution, servers: Mapping[str, Sequence[str]], plan_of: str | None, act: Attribution
) -> Execution:
    """Return a RECOVERY with the drills that it took servers, or its plan, over from, and a warning of each.

    `servers` are source servers by the drill that had them; `plan_of` is the drill that had the plan.
    """
    drills = tuple(sorted({*servers, *([plan_of] if plan_of else [])}))
    if not drills:
        return execution
    earlier = execution.preemption or Preemption(act.at, act.actor, ())
    known = tuple(dict.fromkeys((*earlier.drills, *drills)))
    unsettled = tuple(dict.fromkeys((*earlier.unsettled, *drills)))
    notices = [
        Notice(NoticeCode.PREEMPTED_DRILL, _message(drill, servers.get(drill, ()), with_plan=drill == plan_of))
        for drill in drills
    ]
    return replace(
        execution,
        preemption=Preemption(act.at, act.actor, known, unsettled),
        warnings=(*execution.warnings, *notices),
    )


def _message(drill: str, servers: Sequence[str], *, with_plan: bool) -> str:
    named = ", ".join(servers[:_NAMED]) + (f" and {len(servers) - _NAMED} more" if len(servers) > _NAMED else "")
    what = [*(["the plan"] if with_plan else []), *([f"{len(servers)} server(s) ({named})"] if servers else [])]
    return f"Cancelled {drill} and took over {' and '.join(what)}"


def cancel_of(recovery: Execution, at: datetime) -> Cancel:
    """Return the cancel of a drill that a RECOVERY preempted, by the RECOVERY's caller with its id as the reason."""
    preemption = recovery.preemption
    actor = preemption.actor if preemption else recovery.requested_by
    return Cancel(Attribution(actor, at, f"Preempted by {recovery.execution_id}"), CancelThen.KEEP)


def is_settled(drill: Execution | None, preempted_at: datetime, now: datetime) -> bool:
    """Return whether a preempted drill needs nothing more to end; None is a drill that does not exist.

    A drill that does not exist or has ended may still be created or resumed by a call that took its locks first.
    """
    if drill is not None and not drill.is_terminal:
        return drill.cancel is not None
    if drill is not None and not _may_be_taken_up(drill):
        return True
    return now - preempted_at > GRACE


def _may_be_taken_up(drill: Execution) -> bool:
    asked_for = drill.termination.status is not TerminationStatus.NOT_REQUESTED
    return drill.status in REOPENABLE_STATUSES and drill.cancel is None and not asked_for


def settled(execution: Execution, drills: Iterable[str]) -> Execution:
    """Return a RECOVERY whose record no longer lists these drills as unsettled."""
    preemption = execution.preemption
    if preemption is None:
        return execution
    done = frozenset(drills)
    left = tuple(drill for drill in preemption.unsettled if drill not in done)
    return replace(execution, preemption=replace(preemption, unsettled=left))


def sites_to_start(execution: Execution) -> tuple[Site, ...]:
    """Return the sites where a RECOVERY has servers to be started in running waves: no drill starts a job there."""
    if execution.mode is not Mode.RECOVERY or execution.cancel is not None or execution.is_terminal:
        return ()
    sites = {
        wave.site
        for wave in execution.waves
        if wave.status is WaveStatus.IN_PROGRESS and servers_to_launch(execution, wave)
    }
    return tuple(sorted(sites, key=lambda site: (site.account_id or "", site.region or "")))


def sites_launching(execution: Execution) -> tuple[Site, ...]:
    """Return the sites where running waves of a RECOVERY launch servers; no other call asks there."""
    if execution.mode is not Mode.RECOVERY or execution.is_terminal:
        return ()
    sites = {
        wave.site
        for wave in execution.waves
        if wave.status is WaveStatus.IN_PROGRESS and not all(server.is_settled for server in wave.servers)
    }
    return tuple(sorted(sites, key=lambda site: (site.account_id or "", site.region or "")))
