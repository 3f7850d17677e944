"""What one read showed of an execution's DRS jobs and steps, and what the execution becomes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.observing.drill_wait import with_drill_wait
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import StepView
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.timing import Timing

_NOT_LAUNCHED: Final = frozenset({LaunchStatus.FAILED, LaunchStatus.TERMINATED})


class ServerView(Value):
    """What DRS says of one participating server; an unknown launch status is None and changes nothing."""

    launch_status: LaunchStatus | None
    recovery_instance_id: str | None = None
    actions_running: bool = False
    error: str | None = None
    has_actions: bool = False
    """Whether DRS runs post-launch actions on it, or did."""


class JobView(Value):
    """What DRS says of one job."""

    completed: bool
    servers: Mapping[str, ServerView] = field(default_factory=dict)
    forgotten: bool = False
    """Whether DRS knows no such job any more, and has no log of it."""


class InstanceView(Value):
    """A recovery instance that DRS shows under a job, with the moment of its recovery point."""

    recovery_instance_id: str
    snapshot_at: datetime | None = None
    stopped: bool = False


class JobLog(Value):
    """What the log of a job tells, by source server."""

    failures: Mapping[str, str] = field(default_factory=dict)
    """Why a server failed, in DRS's words."""
    instances: Mapping[str, str] = field(default_factory=dict)
    older: frozenset[str] = frozenset()
    """Servers that were launched from an older recovery point than was asked for."""
    items: tuple[Mapping[str, Any], ...] = ()
    """The items themselves, as DRS gave them."""
    reported: frozenset[str] = frozenset()
    """Servers that it reports as launched, or with a reason why not."""
    ended: bool = False
    """Whether it reports the end of the job."""


class Observation(Value):
    """One read of DRS: the jobs it described, the ids it was asked for and did not name, and jobs that turned up."""

    jobs: Mapping[str, JobView] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    found: Mapping[tuple[int, int, int], str] = field(default_factory=dict)
    """Ids of jobs that turned up under the tags of an intent without an outcome, by the intent's key."""
    steps: Mapping[str, StepView] = field(default_factory=dict)
    """The runs of steps that were checked, by their ids."""
    instances: Mapping[tuple[str, str], InstanceView] = field(default_factory=dict)
    """Instances, by the id of their job and their source server."""
    instances_read: frozenset[str] = frozenset()
    """The jobs whose instances DRS was asked for and answered."""
    logs: Mapping[str, JobLog] = field(default_factory=dict)
    """Logs that were read, by job id."""


def absorb(execution: Execution, observation: Observation, now: datetime, timing: Timing) -> Execution:
    """Record what DRS said of this execution's launch jobs, of waves in any status."""
    after = _adopt(wave_steps.absorb(execution, observation.steps, now), observation)
    for job in execution.launch_jobs():
        if job.state is not JobState.STARTED or job.job_id is None:
            continue
        view = observation.jobs.get(job.job_id)
        if view is None and job.job_id in observation.missing and _is_lost(after, job, now, timing):
            view = JobView(completed=True, forgotten=True)
        if view is not None:
            after = _absorb_job(after, job, view, now)
    return after


def _adopt(execution: Execution, observation: Observation) -> Execution:
    """Record the jobs that turned up for intents without a recorded outcome, refuted ones included."""
    after = execution
    for job in execution.launch_jobs():
        job_id = observation.found.get(job.key)
        if job_id is not None and job.job_id is None:
            after = after.with_job(replace(job, state=JobState.STARTED, job_id=job_id))
    return after


def _absorb_job(execution: Execution, job: Job, view: JobView, now: datetime) -> Execution:
    """Record one job. A server that a job of an earlier attempt failed waits for the present attempt to start it.

    One that another job launched stays launched: a job that turns up late may report an earlier, vain try of it.
    """
    members = frozenset(job.subjects) - _launched_by_others(execution, job, view)
    wave = execution.wave(job.wave)
    tries_again = execution.cancel is None and wave.status is WaveStatus.IN_PROGRESS and job.attempt < wave.attempt

    def change(server: Server) -> Server:
        if server.source_server_id not in members:
            return server
        seen = _seen(server, job, view)
        return seen.reset() if tries_again and seen.launch_status in _NOT_LAUNCHED else seen

    seen = wave.with_servers(change)
    reported = _first_launch(job, view, now)
    if not view.completed:
        after = execution if reported is job else execution.with_job(reported)
        return after if seen is wave else after.with_waves([seen])
    after = execution.with_job(replace(reported.ended(now), logged=view.forgotten))
    unblocked = (replace(other, blocked_until=None) for other in after.waves if other.number != wave.number)
    return after.with_waves([replace(seen, blocked_until=None), *unblocked])


def _first_launch(job: Job, view: JobView, now: datetime) -> Job:
    """Note when a server of a job is LAUNCHED for the first time."""
    if job.launched_at is not None or all(
        server.launch_status is not LaunchStatus.LAUNCHED for server in view.servers.values()
    ):
        return job
    return replace(job, launched_at=now)


def _launched_by_others(execution: Execution, job: Job, view: JobView) -> frozenset[str]:
    """Return the servers of a job that are launched, which it says nothing about, and that another job took part in."""
    others = {
        name
        for other in execution.launch_jobs(job.wave)
        if other.job_id not in {None, job.job_id}
        for name in other.subjects
    }
    return frozenset(
        server.source_server_id
        for server in execution.wave(job.wave).servers
        if server.launch_status is LaunchStatus.LAUNCHED
        and server.source_server_id in others
        and (seen := view.servers.get(server.source_server_id)) is not None
        and (seen.launch_status in _NOT_LAUNCHED or (view.completed and seen.launch_status is LaunchStatus.IN_PROGRESS))
    )


def _seen(server: Server, job: Job, view: JobView) -> Server:
    """Update a server from its job; one that an ended job left unlaunched has failed."""
    # Where DRS reports nothing of a server, it stays as it was.
    seen = view.servers.get(server.source_server_id) or ServerView(server.launch_status)
    status = _status(server, seen)
    unlaunched = view.completed and status in {LaunchStatus.PENDING, LaunchStatus.IN_PROGRESS}
    error = seen.error or _error_so_far(server, status)
    if unlaunched:
        error = error or f"DRS job {job.job_id} ended without launching this server"
    elif status is LaunchStatus.FAILED:
        error = error or f"DRS could not launch this server (job {job.job_id})"
    return replace(
        server,
        launch_status=LaunchStatus.FAILED if unlaunched else status,
        actions_running=seen.actions_running and not view.completed,
        error=error,
        recovery_instance_id=seen.recovery_instance_id or server.recovery_instance_id,
        has_actions=server.has_actions or seen.has_actions,
    )


def _status(server: Server, seen: ServerView) -> LaunchStatus:
    """Return the launch status of a server; PENDING, which a job that just started reports for a moment, is ignored."""
    if seen.launch_status is None or seen.launch_status is LaunchStatus.PENDING:
        return server.launch_status
    return seen.launch_status


def _error_so_far(server: Server, status: LaunchStatus) -> str | None:
    """Return the error that a server keeps; a server that was just launched keeps none."""
    launched_now = status is LaunchStatus.LAUNCHED and server.launch_status is not LaunchStatus.LAUNCHED
    return None if launched_now else server.error


def _is_lost(execution: Execution, job: Job, now: datetime, timing: Timing) -> bool:
    """Return whether a job that DRS no longer names is given up: long after its wave's deadline."""
    deadline = deadline_of(execution.wave(job.wave), timing)
    return now >= max(job.intended_at, deadline or job.intended_at) + timing.lost_job


def launch_from(wave: Wave, timing: Timing) -> datetime | None:
    """Return the moment from which a started wave may launch: after its waitBefore, which a retry does not repeat."""
    if wave.started_at is None or wave.waited:
        return wave.started_at
    return wave.started_at + timing.scaled(wave.wait_before_seconds)


def deadline_of(wave: Wave, timing: Timing) -> datetime | None:
    """Return the moment at which a started wave has failed: timeoutMinutes after its wait is over.

    What its servers waited for the jobs of drills does not count.
    """
    begins = launch_from(wave, timing)
    return None if begins is None else with_drill_wait(wave, begins + timing.scaled(wave.timeout_minutes * 60), timing)
