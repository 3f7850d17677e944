"""What operators may do to a running execution: each call is a pure step that returns the changed execution.

A call that the state of the execution or wave does not allow raises `NotAllowedError` with the reason (409
INVALID_STATE); a call that is allowed and changes nothing returns the execution as it is. Source of the rules:
contract, status model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.approving.rules import await_approval, fail_unapproved, refusal_of
from wavebreak.domain.executions.checking.turns import NO_WAVE, superseded
from wavebreak.domain.executions.engine import (
    dependencies_have_ended,
    finalise,
    is_over,
    may_start,
    waves_awaiting_decision,
)
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution, PausedBy
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.execution_utils import (
    REOPENABLE_STATUSES,
    TERMINAL_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
)
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.waves import Wave

_RUNNING = frozenset({ExecutionStatus.IN_PROGRESS, ExecutionStatus.PAUSED})


class NotAllowedError(Exception):
    """A call that the present state does not allow; the message says why."""


def cancel(execution: Execution, asked: Cancel) -> Execution:
    """Accept a cancel: what has not started is CANCELLED at once, what is in flight when its job has ended (S2-2..5).

    A second cancel changes nothing, but may turn KEEP into TERMINATE. Raise NotAllowedError once the execution has
    ended.
    """
    if execution.is_terminal:
        raise NotAllowedError(f"Execution is {execution.status} and can no longer be cancelled")
    if execution.cancel is not None:
        if asked.then is CancelThen.TERMINATE and execution.cancel.then is CancelThen.KEEP:
            terminating = replace(execution.cancel, then=CancelThen.TERMINATE, terminate=asked.by)
            return replace(execution, cancel=terminating)
        return execution
    now = asked.by.at
    cancelled = execution.with_waves(
        replace(wave, status=WaveStatus.CANCELLED, ended_at=now)
        for wave in execution.waves
        if _is_cancelled_at_once(execution, wave)
    )
    intended = replace(cancelled, cancel=asked, status=ExecutionStatus.CANCELLING, paused_by=frozenset(), pause=None)
    return intended if _may_appear(intended) or not is_over(intended) else finalise(intended, now)


def _may_appear(execution: Execution) -> bool:
    """Return whether a call that was held never to have happened is still to be looked for once, before the end."""
    return any(job.may_appear for job in execution.launch_jobs())


def _is_cancelled_at_once(execution: Execution, wave: Wave) -> bool:
    if wave.status in {WaveStatus.NOT_STARTED, WaveStatus.AWAITING_APPROVAL}:
        return True
    return wave.status is WaveStatus.IN_PROGRESS and not execution.wave_in_flight(wave.number)


def pause(execution: Execution, act: Attribution) -> Execution:
    """Return the execution paused: no more waves start, running ones go on. Pausing twice changes nothing."""
    if execution.status is ExecutionStatus.CANCELLING or execution.is_terminal:
        raise NotAllowedError(f"Execution is {execution.status} and cannot be paused")
    if PausedBy.OPERATOR in execution.paused_by:
        return execution
    held = execution.paused_by | {PausedBy.OPERATOR}
    return replace(execution, status=ExecutionStatus.PAUSED, paused_by=held, pause=act)


def resume(execution: Execution) -> Execution:
    """Return the execution resumed.

    Raise NotAllowedError when nothing is paused, or naming the wave a decision is still owed for.
    """
    if execution.status is not ExecutionStatus.PAUSED:
        raise NotAllowedError(f"Execution is {execution.status}, not PAUSED")
    asks = waves_awaiting_decision(execution)
    if asks:
        names = ", ".join(f"{wave.number} ({wave.name})" for wave in asks)
        raise NotAllowedError(
            f"Wave {names} failed and waits for a decision: retry or skip it, or cancel the execution"
        )
    return replace(execution, status=ExecutionStatus.IN_PROGRESS, paused_by=frozenset(), pause=None)


def approve(execution: Execution, number: int, act: Attribution) -> Execution:
    """Return the execution with a wave approved; while the execution is paused the wave starts after the resume.

    A wave whose dependencies run again after a retry waits for their end. The wave keeps the approver: until it
    starts no status changes. Raise NotAllowedError for a principal that its plan rules out.
    """
    wave = _awaiting(execution, number)
    refused = refusal_of(execution, wave, act.actor)
    if refused is not None:
        raise NotAllowedError(refused)
    if wave.approved:
        return execution
    approved = replace(wave, approved=True, approval=act)
    if may_start(execution, wave) and dependencies_have_ended(execution, wave):
        approved = replace(approved, status=WaveStatus.IN_PROGRESS, started_at=act.at)
    return execution.with_waves([approved])


def reject(execution: Execution, number: int, now: datetime, reason: str | None) -> Execution:
    """Fail a wave that waits for an approval; its onFailure then applies."""
    wave = _awaiting(execution, number)
    why = f"Rejected: {reason}" if reason else "Rejected"
    return execution.with_waves([fail_unapproved(wave, now, why)])


def retry(execution: Execution, number: int, now: datetime) -> Execution:
    """Return the execution with a failed wave retried: its failed servers, attempt + 1; a rejected wave asks again."""
    wave = execution.wave(number)
    _refuse_unless_steerable(execution, "retried")
    if wave.status is not WaveStatus.FAILED:
        raise NotAllowedError(f"Wave {number} is {wave.status}; only a FAILED wave can be retried")
    wave = wave.with_failed_attempt()
    if wave.rejected:
        again = await_approval(replace(wave, rejected=False, ended_at=None, error=None), now)
    else:
        again = replace(
            wave_steps.reset(wave).with_servers(lambda server: _reset(execution, wave, server)),
            status=WaveStatus.IN_PROGRESS,
            started_at=now,
            ended_at=None,
            error=None,
            blocked_until=None,
            waited=True,
            drill_wait=None,
        )
    decided = execution.with_waves([replace(again, attempt=wave.attempt + 1)])
    return _after_decision(superseded(decided, number))


def skip(execution: Execution, number: int, now: datetime) -> Execution:
    """Return the execution with a wave skipped that has not started or has failed."""
    wave = execution.wave(number)
    if execution.status is not ExecutionStatus.PENDING:
        _refuse_unless_steerable(execution, "skipped")
    if wave.status not in {WaveStatus.NOT_STARTED, WaveStatus.AWAITING_APPROVAL, WaveStatus.FAILED}:
        raise NotAllowedError(
            f"Wave {number} is {wave.status}; only a wave that has not started or has failed can be skipped"
        )
    skipped = replace(wave.with_failed_attempt(), status=WaveStatus.SKIPPED, ended_at=now, error=wave.error)
    return _after_decision(superseded(execution.with_waves([skipped]), NO_WAVE))


def _awaiting(execution: Execution, number: int) -> Wave:
    wave = execution.wave(number)
    if execution.status not in _RUNNING:
        raise NotAllowedError(f"Execution is {execution.status}; no approval is awaited")
    if wave.status is not WaveStatus.AWAITING_APPROVAL:
        raise NotAllowedError(f"Wave {number} is {wave.status}, not AWAITING_APPROVAL")
    return wave


def _refuse_unless_steerable(execution: Execution, verb: str) -> None:
    """Raise NotAllowedError unless the execution runs, or has ended and was neither cancelled nor terminated."""
    if execution.status in _RUNNING:
        return
    if execution.status not in REOPENABLE_STATUSES:
        raise NotAllowedError(f"Execution is {execution.status}; its waves can no longer be {verb}")
    if execution.cancel is not None:
        raise NotAllowedError(f"Execution was cancelled; its waves can no longer be {verb}")
    if execution.termination.status is not TerminationStatus.NOT_REQUESTED:
        raise NotAllowedError(f"Its instances are terminated or being terminated; its waves can no longer be {verb}")


def _reset(execution: Execution, wave: Wave, server: Server) -> Server:
    """Reset a server for the next attempt, unless it runs or a job that is still in flight may yet launch it.

    One that failed is reset even while its job is in flight: it is started again once that job has ended.
    """
    launched = server.launch_status is LaunchStatus.LAUNCHED
    pending = not server.is_settled and any(
        job.in_flight and server.source_server_id in job.subjects for job in execution.launch_jobs(wave.number)
    )
    return server if launched or pending else server.reset()


def _after_decision(execution: Execution) -> Execution:
    """Close the ASK that a decision answered, and take a finished execution up again."""
    if execution.status in TERMINAL_STATUSES:
        lease = execution.lease and execution.lease.held_back()
        return replace(execution, status=ExecutionStatus.IN_PROGRESS, ended_at=None, verdict=None, lease=lease)
    if waves_awaiting_decision(execution) or PausedBy.FAILURE not in execution.paused_by:
        return execution
    left = execution.paused_by - {PausedBy.FAILURE}
    status = ExecutionStatus.PAUSED if left else ExecutionStatus.IN_PROGRESS
    return replace(execution, status=status, paused_by=left)
