"""The wave engine: given an execution and what DRS was seen to do, decide what happens next.

Pure: `decide` is a function of state, observation and time. The observing handler, the property tests and the planner
all run this same code. A directive is derived from stored state, so a lost or doubled one is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.execution_utils import (
    SATISFIED_WAVE_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    final_status,
)
from wavebreak.model import CancelThen, Execution, Job, JobState, LaunchStatus, OnFailure, PausedBy, Server, Wave

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.timing import Timing

MAX_WAVES_A_ROUND: Final = 10
"""Waves that one START directive names, so that the state machine's payload never grows with the plan."""


_NOT_LAUNCHED: Final = frozenset({LaunchStatus.FAILED, LaunchStatus.TERMINATED})


class Directive(StrEnum):
    """What the state machine does next."""

    SLEEP = "SLEEP"
    START = "START"
    FINISH = "FINISH"


@dataclass(frozen=True, slots=True)
class ServerView:
    """What DRS says of one participating server; an unknown launch status is None and changes nothing."""

    launch_status: LaunchStatus | None
    recovery_instance_id: str | None = None
    actions_running: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """What DRS says of one job."""

    completed: bool
    servers: Mapping[str, ServerView] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at DRS: the jobs it described, the ids it was asked for and did not name, and the jobs it turned up."""

    jobs: Mapping[str, JobView] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    found: Mapping[tuple[int, int, int], str] = field(default_factory=dict)
    """Ids of jobs that turned up under the tags of an intent without an outcome, by the intent's key."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an execution becomes and what is to be done next, with the reason in a few words."""

    execution: Execution
    directive: Directive
    waves: tuple[int, ...]
    reason: str


def decide(execution: Execution, observation: Observation, now: datetime, timing: Timing) -> Decision:
    """Move an execution on by what was observed, and say what to do next.

    Nothing here ends an execution: FINISH asks for `finalise`, which checks again on what is stored then.
    """
    if execution.is_terminal:
        return Decision(execution, Directive.FINISH, (), f"execution is {execution.status}")
    after = _begin(execution)
    after = absorb(after, observation, now, timing)
    after = after.with_waves(_progress(after, wave, now, timing) for wave in after.waves)
    after = _ask(after)
    after = after.with_waves(_open_wave(after, wave, now) for wave in after.waves)
    if is_over(after):
        return Decision(after, Directive.FINISH, (), "nothing is in flight and nothing can start")
    due = tuple(wave.number for wave in after.waves if start_is_due(after, wave, now, timing))
    if due:
        return Decision(after, Directive.START, due[:MAX_WAVES_A_ROUND], f"{len(due)} wave(s) have servers to start")
    return Decision(after, Directive.SLEEP, (), "waiting")


def finalise(execution: Execution, now: datetime) -> Execution:
    """End an execution in which nothing is in flight; one that is not over, or has ended before, is returned as it is.

    A wave that still waits for an approval can no longer start, and is closed as CANCELLED. A cancel that said so goes
    on with the clean-up in the same write, so that it cannot be forgotten in between.
    """
    if execution.is_terminal or not is_over(execution):
        return execution
    closed = execution.with_waves(
        replace(wave, status=WaveStatus.CANCELLED, ended_at=now, error="Not approved before the execution ended")
        for wave in execution.waves
        if wave.status is WaveStatus.AWAITING_APPROVAL
    )
    status = final_status(
        (wave.status for wave in closed.waves),
        has_job=closed.has_job,
        cancel_accepted=closed.cancel is not None,
    )
    ended = replace(closed, status=status, ended_at=now, paused_by=frozenset())
    cancel = ended.cancel
    if cancel is not None and cancel.then is CancelThen.TERMINATE and ended.has_job:
        return with_termination(ended, cancel.actor, now)
    return ended


def with_termination(execution: Execution, actor: str, now: datetime) -> Execution:
    """Begin the next run of the clean-up of an execution's instances."""
    begun = replace(
        execution.termination,
        status=TerminationStatus.IN_PROGRESS,
        run=execution.termination.run + 1,
        requested_at=now,
        requested_by=actor,
        ended_at=None,
        remaining=(),
        blocked_until=None,
    )
    return replace(execution, termination=begun)


def is_over(execution: Execution) -> bool:
    """Tell whether nothing is in flight and nothing more can start by itself (contract 2, final status)."""
    if execution.in_flight or execution.count(WaveStatus.IN_PROGRESS):
        return False
    if all(wave.has_ended for wave in execution.waves):
        return True
    if execution.status is ExecutionStatus.CANCELLING:
        return True
    if execution.status is not ExecutionStatus.IN_PROGRESS:
        return False
    if is_stopped(execution):
        return True
    return not any(wave.status is WaveStatus.AWAITING_APPROVAL or is_ready(execution, wave) for wave in execution.waves)


def is_stopped(execution: Execution) -> bool:
    """Tell whether a failed wave with onFailure STOP holds back every wave that has not started."""
    return any(wave.status is WaveStatus.FAILED and wave.on_failure is OnFailure.STOP for wave in execution.waves)


def open_asks(execution: Execution) -> tuple[Wave, ...]:
    """Give the failed waves with onFailure ASK about which nobody has decided yet."""
    return tuple(
        wave for wave in execution.waves if wave.status is WaveStatus.FAILED and wave.on_failure is OnFailure.ASK
    )


def is_ready(execution: Execution, wave: Wave) -> bool:
    """Tell whether a wave that has not started may, as far as the waves it depends on go."""
    return wave.status is WaveStatus.NOT_STARTED and all(
        _lets_dependants_run(execution.wave(number)) for number in wave.depends_on
    )


def may_start_waves(execution: Execution) -> bool:
    """Tell whether new waves may start at all: running, not paused, no failure that stops or asks."""
    return execution.status is ExecutionStatus.IN_PROGRESS and not is_stopped(execution) and not open_asks(execution)


def unassigned(execution: Execution, wave: Wave) -> tuple[Server, ...]:
    """Give the servers of a wave that no StartRecovery call of this attempt, nor one still in flight, covers."""
    taken = {
        subject
        for job in execution.launch_jobs(wave.number)
        if job.in_flight or (job.attempt == wave.attempt and job.state is not JobState.REFUTED)
        for subject in job.subjects
    }
    return tuple(
        server
        for server in wave.servers
        if server.launch_status is LaunchStatus.PENDING and server.source_server_id not in taken
    )


def start_is_due(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> bool:
    """Tell whether StartRecovery is to be called for a wave, or the outcome of such a call looked up, now."""
    if wave.blocked_until is not None and now < wave.blocked_until:
        return False
    if any(job.state is JobState.INTENDED and now >= job.check_after for job in execution.launch_jobs(wave.number)):
        return True
    return may_launch(execution, wave, now, timing) and bool(unassigned(execution, wave))


def may_launch(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> bool:
    """Tell whether servers of this wave may be started at this moment; never after a cancel."""
    if execution.cancel is not None or wave.status is not WaveStatus.IN_PROGRESS or wave.started_at is None:
        return False
    return now >= wave.started_at + timing.scaled(wave.wait_before_seconds)


def absorb(execution: Execution, observation: Observation, now: datetime, timing: Timing) -> Execution:
    """Record what DRS said of this execution's launch jobs, of waves in any status."""
    after = _adopt(execution, observation)
    for job in execution.launch_jobs():
        if job.state is not JobState.STARTED or job.job_id is None:
            continue
        view = observation.jobs.get(job.job_id)
        if view is None and job.job_id in observation.missing and _is_lost(after, job, now, timing):
            view = JobView(completed=True)
        if view is not None:
            after = _absorb_job(after, job, view, now)
    return after


def _adopt(execution: Execution, observation: Observation) -> Execution:
    """Record the jobs that turned up for intents whose outcome nobody wrote down, refuted ones included."""
    after = execution
    for job in execution.launch_jobs():
        job_id = observation.found.get(job.key)
        if job_id is not None and job.job_id is None:
            after = after.with_job(replace(job, state=JobState.STARTED, job_id=job_id))
    return after


def _absorb_job(execution: Execution, job: Job, view: JobView, now: datetime) -> Execution:
    """Record one job. A server that a job of an earlier attempt failed waits for the present attempt to start it."""
    members = frozenset(job.subjects)
    wave = execution.wave(job.wave)
    tries_again = execution.cancel is None and wave.status is WaveStatus.IN_PROGRESS and job.attempt < wave.attempt

    def change(server: Server) -> Server:
        if server.source_server_id not in members:
            return server
        seen = _seen(server, job, view)
        return seen.anew() if tries_again and seen.launch_status in _NOT_LAUNCHED else seen

    seen = wave.with_servers(change)
    if not view.completed:
        return execution if seen is wave else execution.with_waves([seen])
    after = execution.with_job(replace(job, state=JobState.ENDED, ended_at=now))
    unblocked = (replace(other, blocked_until=None) for other in after.waves if other.number != wave.number)
    return after.with_waves([replace(seen, blocked_until=None), *unblocked])


def _seen(server: Server, job: Job, view: JobView) -> Server:
    """Update a server from its job; one that an ended job left unlaunched has failed."""
    seen = view.servers.get(server.source_server_id)
    status = (seen and seen.launch_status) or server.launch_status
    if status is LaunchStatus.PENDING:
        # A job that was started says so for a moment: a server on its way is not shown as going back.
        status = server.launch_status
    running = bool(seen and seen.actions_running) and not view.completed
    error = (seen and seen.error) or server.error
    if view.completed and status in {LaunchStatus.PENDING, LaunchStatus.IN_PROGRESS}:
        error = error or f"DRS job {job.job_id} ended without launching this server"
        status = LaunchStatus.FAILED
    elif status is LaunchStatus.FAILED:
        error = error or f"DRS could not launch this server (job {job.job_id})"
    instance = (seen and seen.recovery_instance_id) or server.recovery_instance_id
    return replace(server, launch_status=status, actions_running=running, error=error, recovery_instance_id=instance)


def _is_lost(execution: Execution, job: Job, now: datetime, timing: Timing) -> bool:
    """Tell whether a job that DRS no longer names is given up: long after its wave's deadline."""
    deadline = deadline_of(execution.wave(job.wave), timing)
    return now >= max(job.intended_at, deadline or job.intended_at) + timing.lost_job


def deadline_of(wave: Wave, timing: Timing) -> datetime | None:
    """Give the moment at which a started wave has failed: timeoutMinutes after its wait is over."""
    if wave.started_at is None:
        return None
    return wave.started_at + timing.scaled(wave.wait_before_seconds) + timing.scaled(wave.timeout_minutes * 60)


def _begin(execution: Execution) -> Execution:
    if execution.status is ExecutionStatus.PENDING:
        return replace(execution, status=ExecutionStatus.IN_PROGRESS)
    return execution


def _progress(execution: Execution, wave: Wave, now: datetime, timing: Timing) -> Wave:
    """End a running wave when its launch is over, its deadline has passed, or its cancelled jobs have ended."""
    if wave.status is not WaveStatus.IN_PROGRESS:
        return wave
    if execution.cancel is not None:
        if execution.wave_in_flight(wave.number):
            return wave
        return replace(wave, status=WaveStatus.CANCELLED, ended_at=now)
    if _launch_is_over(execution, wave):
        return _ended(wave, now)
    deadline = deadline_of(wave, timing)
    if deadline is not None and now >= deadline:
        return _timed_out(execution, wave, now)
    return wave


def _launch_is_over(execution: Execution, wave: Wave) -> bool:
    """Tell whether every server's launch has ended. An ended job leaves no server of its own unsettled."""
    return all(server.is_settled for server in wave.servers) and not unassigned(execution, wave)


def _ended(wave: Wave, now: datetime) -> Wave:
    failed = [server.source_server_id for server in wave.servers if server.fails_wave]
    if not failed:
        return replace(wave, status=WaveStatus.COMPLETED, ended_at=now, error=None)
    named = ", ".join(failed[:3]) + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")  # noqa: PLR2004  three names fit a line
    return replace(
        wave, status=WaveStatus.FAILED, ended_at=now, error=f"{len(failed)} critical server(s) failed: {named}"
    )


def _timed_out(execution: Execution, wave: Wave, now: datetime) -> Wave:
    """Fail a wave past its deadline; what its jobs still launch is recorded later."""
    waiting = {server.source_server_id for server in unassigned(execution, wave)}
    marked = wave.with_servers(
        lambda server: (
            replace(server, launch_status=LaunchStatus.FAILED, error="Not started before the wave timed out")
            if server.source_server_id in waiting
            else server
        ),
    )
    return replace(
        marked,
        status=WaveStatus.FAILED,
        ended_at=now,
        error=f"Timed out after {wave.timeout_minutes} minute(s)",
    )


def _ask(execution: Execution) -> Execution:
    """Pause an execution in which a wave with onFailure ASK failed, until someone decides."""
    asked = bool(open_asks(execution))
    if not asked or execution.status not in {ExecutionStatus.IN_PROGRESS, ExecutionStatus.PAUSED}:
        return execution
    if all(wave.has_ended for wave in execution.waves):
        return execution
    return replace(execution, status=ExecutionStatus.PAUSED, paused_by=execution.paused_by | {PausedBy.FAILURE})


def _open_wave(execution: Execution, wave: Wave, now: datetime) -> Wave:
    """Start a wave whose turn has come, or ask for its approval."""
    if not may_start_waves(execution):
        return wave
    waiting = wave.status is WaveStatus.AWAITING_APPROVAL
    if waiting and wave.approved:
        return replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now)
    if waiting or not is_ready(execution, wave):
        return wave
    if wave.requires_approval and not wave.approved:
        return replace(wave, status=WaveStatus.AWAITING_APPROVAL)
    return replace(wave, status=WaveStatus.IN_PROGRESS, started_at=now)


def _lets_dependants_run(wave: Wave) -> bool:
    if wave.status in SATISFIED_WAVE_STATUSES:
        return True
    return wave.status is WaveStatus.FAILED and wave.on_failure is OnFailure.CONTINUE
