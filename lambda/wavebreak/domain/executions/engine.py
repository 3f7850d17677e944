"""The wave engine: given an execution and what DRS was seen to do, decide what happens next.

Pure: `decide` is a function of state, observation and time. The observing handler, the property tests and the planner
all run this same code. A directive is derived from stored state, so a lost or doubled one is harmless.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions import wave_ends
from wavebreak.domain.executions.approving.rules import await_approval, fail_unapproved, overdue
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.checking.turns import closing_turn
from wavebreak.domain.executions.model.executions import CancelThen, Execution, PausedBy
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.steps import StepPhase, StepView, WaveStep
from wavebreak.domain.executions.observing import learning
from wavebreak.domain.executions.observing.instances import reset_endings
from wavebreak.domain.executions.observing.launches import Observation, absorb, deadline_of, launch_from
from wavebreak.domain.executions.observing.usual_time import ends_soon
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.domain.executions.wave_ends import failed_servers
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import (
    SATISFIED_WAVE_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    final_status,
)
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.timing import Timing

MAX_WAVES_A_ROUND: Final = 10
"""Waves that one START directive names, so that the state machine's payload never grows with the plan."""

_REQUIRED_PHASES: Final = (StepPhase.BEFORE, StepPhase.AFTER)
"""The steps that a wave owes; its checks are owed to the evidence alone."""
_NOT_APPROVED: Final = "Not approved before the execution ended"
_HELD_BACK: Final = "Approved, and held back by a failed wave until the execution ended"


class Directive(StrEnum):
    """What the state machine does next."""

    SLEEP = "SLEEP"
    START = "START"
    COMMAND = "COMMAND"
    FINISH = "FINISH"


class Decision(Value):
    """What an execution becomes and what is to be done next, with the reason in a few words."""

    execution: Execution
    directive: Directive
    waves: tuple[int, ...]
    reason: str
    brief: bool = False
    """Whether to look again in seconds, not at the next poll: something is about to show; nothing else is due."""


def decide(execution: Execution, observation: Observation, now: datetime, timing: Timing) -> Decision:
    """Update an execution from an observation, and decide what to do next.

    This function ends no execution: FINISH calls for `finalise`, which checks the stored state again.
    """
    if execution.is_terminal:
        return Decision(execution, Directive.FINISH, (), f"execution is {execution.status}")
    after = _begin(execution)
    after = learning.absorb(absorb(after, observation, now, timing), observation, now)
    after = after.with_waves(_progress(after, wave, now, timing) for wave in after.waves)
    after = _pause_for_decision(overdue(after, now))
    after = after.with_waves(_start_or_ask(after, wave, now) for wave in after.waves)
    if is_over(after):
        return _end_decision(after, now, timing)
    due = tuple(wave.number for wave in after.waves if start_is_due(after, wave, now, timing))
    if due:
        named = due[:MAX_WAVES_A_ROUND]
        leased = after.with_waves(replace(after.wave(each), start_lease=now + timing.start_begins) for each in named)
        why = f"{len(due)} wave(s) have servers to start"
        return Decision(leased, Directive.START, named, why, brief=len(named) == len(due))
    ready = tuple(wave.number for wave in after.waves if step_is_due(after, wave, observation.steps, now, timing))
    if ready:
        reason = f"{len(ready)} wave(s) have a step to start or to stop"
        return Decision(after, Directive.COMMAND, ready[:MAX_WAVES_A_ROUND], reason)
    soon = _changes_soon(after, now, timing) or ends_soon(after, now, timing)
    return Decision(after, Directive.SLEEP, (), "waiting", brief=soon)


def _end_decision(execution: Execution, now: datetime, timing: Timing) -> Decision:
    """Return the decision to end an execution, unless its jobs still have facts to report, or a last look is owed.

    The checks over the whole execution are made before it ends.
    """
    if learning.delays_end(execution, now, timing):
        reason = "the last jobs are about to tell what they launched"
        return Decision(execution, Directive.SLEEP, (), reason, brief=True)
    closing = closing_turn(execution)
    if closing is not None:
        return Decision(execution, Directive.COMMAND, (closing[0],), "a check over the whole execution is due")
    if any(job.state is JobState.REFUSED and now < job.check_after for job in execution.launch_jobs()):
        return Decision(execution, Directive.SLEEP, (), "a job of a refused call could still show up", brief=True)
    final_check = execution.final_check
    if final_check is not None and now < final_check.not_before:
        return Decision(execution, Directive.SLEEP, (), f"{', '.join(final_check.sites)} did not answer the last look")
    return Decision(execution, Directive.FINISH, (), "nothing is in flight and nothing can start")


def finalise(execution: Execution, now: datetime) -> Execution:
    """End an execution in which nothing is in flight; one that is not over, or has ended before, is returned as it is.

    A wave that still waits for an approval, or was held back after it, can no longer start: it has failed as if it had
    been rejected, so that a retry asks again. A cancel that said so goes on with the termination in the same write, so
    that it cannot be forgotten in between.
    """
    if execution.is_terminal or not is_over(execution) or closing_turn(execution) is not None:
        return execution
    closed = execution.with_waves(
        fail_unapproved(wave, now, _HELD_BACK if wave.approved else _NOT_APPROVED)
        for wave in execution.waves
        if wave.status is WaveStatus.AWAITING_APPROVAL
    )
    status = final_status(
        (wave.status for wave in closed.waves),
        has_job=closed.has_job,
        cancel_accepted=closed.cancel is not None,
    )
    lease = closed.lease and closed.lease.counted_from(now)
    ended = replace(
        closed, status=status, ended_at=now, paused_by=frozenset(), pause=None, final_check=None, lease=lease
    )
    cancel = ended.cancel
    if cancel is not None and cancel.then is CancelThen.TERMINATE and ended.has_job:
        return with_termination(ended, cancel.termination_ordered.actor, now)
    return ended


def with_termination(execution: Execution, actor: str, now: datetime) -> Execution:
    """Begin the next run of the termination of an execution's instances: it reads all of them again.

    A termination that `wavebreak` begins again does not notify people twice of what is left to them (contract 13).
    """
    begun = replace(
        execution.termination,
        status=TerminationStatus.IN_PROGRESS,
        attempt=execution.termination.attempt + 1,
        requested_at=now,
        requested_by=actor,
        ended_at=None,
        holds=(),
    )
    return replace(reset_endings(execution, notified=actor == ENGINE_ACTOR), termination=begun)


def is_over(execution: Execution) -> bool:
    """Return whether nothing is in flight and nothing more can start by itself (contract 2, final status)."""
    if execution.in_flight or execution.count(WaveStatus.IN_PROGRESS):
        return False
    if all(wave.has_ended for wave in execution.waves):
        return True
    if execution.status is ExecutionStatus.CANCELLING:
        return True
    if execution.status is not ExecutionStatus.IN_PROGRESS:
        return False
    return not any(
        (wave.status is WaveStatus.AWAITING_APPROVAL or is_ready(execution, wave)) and not is_stopped(execution, wave)
        for wave in execution.waves
    )


def is_stopped(execution: Execution, wave: Wave) -> bool:
    """Return whether a failed wave with onFailure STOP holds back this one, which has not started.

    One that a retry has ask again is not: like any wave that is retried, it may run though another one has failed.
    """
    return wave.attempt == 1 and any(
        other.status is WaveStatus.FAILED and other.on_failure is OnFailure.STOP for other in execution.waves
    )


def waves_awaiting_decision(execution: Execution) -> tuple[Wave, ...]:
    """Return the failed waves with onFailure ASK that still wait for a decision."""
    return tuple(
        wave for wave in execution.waves if wave.status is WaveStatus.FAILED and wave.on_failure is OnFailure.ASK
    )


def is_ready(execution: Execution, wave: Wave) -> bool:
    """Return whether a wave that has not started may, as far as the waves it depends on go."""
    return wave.status is WaveStatus.NOT_STARTED and all(
        _satisfies_dependants(execution.wave(number)) for number in wave.depends_on
    )


def dependencies_have_ended(execution: Execution, wave: Wave) -> bool:
    """Return whether nothing that an approved wave depends on runs again: it waits for a retry of that."""
    return all(execution.wave(number).has_ended for number in wave.depends_on)


def may_start(execution: Execution, wave: Wave) -> bool:
    """Return whether a wave whose turn has come may start: the execution runs, and no pause or failure holds it."""
    running = execution.status is ExecutionStatus.IN_PROGRESS
    return running and not is_stopped(execution, wave) and not waves_awaiting_decision(execution)


def servers_to_launch(execution: Execution, wave: Wave) -> tuple[Server, ...]:
    """Return the servers of a wave that no StartRecovery call of this attempt, nor one still in flight, covers."""
    taken = {
        subject
        for job in execution.launch_jobs(wave.number)
        # A call of an earlier attempt counts while it is in flight: a retry must not launch what is coming up.
        if job.in_flight or (job.attempt == wave.attempt and not job.may_appear)
        for subject in job.subjects
    }
    return tuple(
        server
        for server in wave.servers
        if server.launch_status is LaunchStatus.PENDING and server.source_server_id not in taken
    )


def start_is_due(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> bool:
    """Return whether StartRecovery is to be called for a wave, or the outcome of such a call looked up, now."""
    if any(until is not None and now < until for until in (wave.blocked_until, wave.start_lease)):
        return False
    if any(job.state is JobState.INTENDED and now >= job.check_after for job in execution.launch_jobs(wave.number)):
        return True
    return may_launch(execution, wave, now, timing) and any(
        server.suspicion is None or now >= server.suspicion.not_before for server in servers_to_launch(execution, wave)
    )


def may_launch(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> bool:
    """Return whether servers of this wave may be started at this moment; never after a cancel."""
    if execution.cancel is not None or wave.status is not WaveStatus.IN_PROGRESS or wave.started_at is None:
        return False
    if not wave_steps.is_done(wave, StepPhase.BEFORE):
        return False
    return _delay_is_over(wave, now, timing)


def _delay_is_over(wave: Wave, now: datetime, timing: Timing) -> bool:
    begins = launch_from(wave, timing)
    return begins is not None and now >= begins


def _changes_soon(execution: Execution, now: datetime, timing: Timing) -> bool:
    """Return whether servers are being started beside the machine, or a wave waits for its step's instances only."""
    return any(
        (wave.start_lease is not None and now < wave.start_lease) or _awaited_sources(execution, wave, now, timing)
        for wave in execution.waves
    )


def _awaited_sources(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> bool:
    due = _step_of(execution, wave, now, timing)
    if due is None or wave_steps.is_left_out(execution, due):
        return False
    return learning.is_awaited(execution, wave_steps.sources(execution, wave, due.phase), now, timing)


def due_step(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> WaveStep | None:
    """Return the step of a wave that is to be started at this moment; never one after a cancel.

    One whose servers' instances are not all known waits for them a little. When all is over but for the checks over the
    whole execution, it is the turn of those.
    """
    closing = closing_turn(execution) if is_over(execution) else None
    if closing is not None:
        return closing[1] if closing[0] == wave.number else None
    return None if _awaited_sources(execution, wave, now, timing) else _step_of(execution, wave, now, timing)


def _step_of(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> WaveStep | None:
    if (
        execution.cancel is not None
        or wave.status is not WaveStatus.IN_PROGRESS
        or not _delay_is_over(wave, now, timing)
    ):
        return None
    if not wave_steps.is_done(wave, StepPhase.BEFORE):
        return wave_steps.next_of(wave, StepPhase.BEFORE)
    if not _launch_is_over(execution, wave) or failed_servers(wave):
        return None
    if not wave_steps.is_done(wave, StepPhase.AFTER):
        return wave_steps.next_of(wave, StepPhase.AFTER)
    return wave_steps.next_of(wave, StepPhase.CHECK)


def step_is_due(execution: Execution, wave: Wave, seen: Mapping[str, StepView], now: datetime, timing: Timing) -> bool:
    """Return whether a step of a wave is to be started, started after all, or stopped; of a check also: kept."""
    running = wave.running_step
    if running is None:
        return due_step(execution, wave, now, timing) is not None
    view = seen.get(wave_steps.run_id(execution.execution_id, wave.number, running))
    if view is None or view.outcome is not None:
        return view is not None and running.is_check
    return not view.exists or _is_to_be_stopped(execution, wave, running, view, now)


def _is_to_be_stopped(execution: Execution, wave: Wave, step: WaveStep, view: StepView, now: datetime) -> bool:
    """Return whether a run has yet to be stopped, or waiting for one that cannot be stopped has yet to be given up."""
    late = wave_steps.is_overdue(view, now)
    if view.cancelling:
        return late and view.waits_for_answer
    return late or wave_steps.is_cut_short(execution, wave, step)


def _begin(execution: Execution) -> Execution:
    if execution.status is ExecutionStatus.PENDING:
        return replace(execution, status=ExecutionStatus.IN_PROGRESS)
    return execution


def _progress(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> Wave:
    """End a running wave when its launch is over, its deadline has passed, or its cancelled jobs have ended."""
    if wave.status is not WaveStatus.IN_PROGRESS:
        return wave
    if execution.cancel is not None:
        in_flight = execution.wave_in_flight(wave.number)
        return wave if in_flight else replace(wave, status=WaveStatus.CANCELLED, ended_at=now)
    ended = _ended_by_itself(execution, wave, now)
    if ended is not None:
        return ended
    deadline = deadline_of(wave, timing)
    return _past_its_deadline(execution, wave, now) if deadline is not None and now >= deadline else wave


def _ended_by_itself(execution: Execution, wave: Wave, now: datetime) -> Wave | None:
    """End a wave whose servers and steps have ended, or that a required step failed; None while it runs on."""
    failed = wave_steps.failed_required(wave, StepPhase.BEFORE)
    if failed is None and _launch_is_over(execution, wave):
        if failed_servers(wave) or _steps_are_done(wave):
            return _ended_with_its_checks(wave, now)
        failed = wave_steps.failed_required(wave, StepPhase.AFTER)
    return wave_ends.failed_by(wave, failed, now) if failed is not None else None


def _steps_are_done(wave: Wave) -> bool:
    return all(wave_steps.is_done(wave, phase) for phase in _REQUIRED_PHASES)


def _ended_with_its_checks(wave: Wave, now: datetime) -> Wave | None:
    """End a wave that did all but its checks, which are made unless a server has failed it."""
    if failed_servers(wave) or wave_steps.is_done(wave, StepPhase.CHECK):
        return wave_ends.ended(wave, now)
    return None


def _past_its_deadline(execution: Execution, wave: Wave, now: datetime) -> Wave:
    """Fail a wave past its deadline; one that did all but its checks is done without those: no check fails a wave."""
    if _steps_are_done(wave) and _launch_is_over(execution, wave):
        return wave_ends.ended(wave, now)
    waiting = {server.source_server_id for server in servers_to_launch(execution, wave)}
    return wave_ends.timed_out(wave, waiting, now)


def _launch_is_over(execution: Execution, wave: Wave) -> bool:
    """Return whether every server's launch has ended. An ended job leaves no server of its own unsettled."""
    return all(server.is_settled for server in wave.servers) and not servers_to_launch(execution, wave)


def _pause_for_decision(execution: Execution) -> Execution:
    """Pause an execution in which a wave with onFailure ASK failed, until someone decides."""
    if not waves_awaiting_decision(execution) or all(wave.has_ended for wave in execution.waves):
        return execution
    if execution.status not in {ExecutionStatus.IN_PROGRESS, ExecutionStatus.PAUSED}:
        return execution
    return replace(execution, status=ExecutionStatus.PAUSED, paused_by=execution.paused_by | {PausedBy.FAILURE})


def _start_or_ask(execution: Execution, wave: Wave, now: datetime) -> Wave:
    """Start a wave whose turn has come, or ask for its approval."""
    if not may_start(execution, wave):
        return wave
    waiting = wave.status is WaveStatus.AWAITING_APPROVAL
    if waiting and wave.approved and dependencies_have_ended(execution, wave):
        return replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now)
    if waiting or not is_ready(execution, wave):
        return wave
    if wave.requires_approval and not wave.approved:
        return await_approval(wave, now)
    return replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now)


def _satisfies_dependants(wave: Wave) -> bool:
    if wave.status in SATISFIED_WAVE_STATUSES:
        return True
    return wave.status is WaveStatus.FAILED and wave.on_failure is OnFailure.CONTINUE
