"""What is still to be learnt of launches that are over: instances, recovery points, and what the job's log reports.

A DRS job seldom names the instances that it launched. They are shown by DescribeRecoveryInstances under the job's id,
at times a while later, and the log of an ended job names them too (contract 4, `recoveryInstanceId`). A log may show
late, and in parts: it is read until it is whole. What cannot be learnt in ten minutes stays unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.kept_words import kept
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.steps import StepPhase, StepState
from wavebreak.domain.executions.stepping import wave_steps
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.executions.observing.launches import InstanceView, JobLog, Observation
    from wavebreak.site import Site
    from wavebreak.timing import Timing

_READS_BEFORE_THE_LOG: Final = 2
"""Looks for the instances of a job that still runs, before its log is read for them."""
_STOPPED: Final = "Launched, and left stopped, as its launch configuration says (launchDisposition STOPPED)"


class Due(Value):
    """The reads that are due in one site."""

    servers: tuple[str, ...] = ()
    """Source servers whose instances are looked for."""
    jobs: frozenset[str] = frozenset()
    """The jobs that launched them."""
    logs: tuple[str, ...] = ()
    """Jobs whose log is to be read."""
    running: frozenset[str] = frozenset()
    """Those of the jobs that have not ended."""


def due(execution: Execution, site: Site, now: datetime, timing: Timing) -> Due:
    """Return what is to be asked of a site: one call for all of its instances, and one for each log."""
    wanted = _waves_that_steps_need(execution)
    servers: dict[str, None] = {}
    jobs, logs, running = set(), [], set()
    for job, members in _by_job(execution):
        if job.site != site or job.job_id is None:
            continue
        unknown = [server for server in members if server.recovery_instance_id is None]
        if _is_fresh(job, now, timing):
            asked = members if job.instance_reads == 0 else unknown
            if not job.logged:
                logs.append(job.job_id)
        elif job.state is JobState.STARTED and job.wave in wanted and _is_awaited(job, now, timing):
            asked = unknown
            if unknown:
                running.add(job.job_id)
            if unknown and job.instance_reads >= _READS_BEFORE_THE_LOG:
                logs.append(job.job_id)
        else:
            asked = []
        if asked:
            jobs.add(job.job_id)
            servers |= dict.fromkeys(server.source_server_id for server in asked)
    return Due(tuple(servers), frozenset(jobs), tuple(logs), frozenset(running))


def absorb(execution: Execution, observation: Observation, now: datetime) -> Execution:
    """Record what was learnt, and since when and how often it was asked for."""
    wanted = _waves_that_steps_need(execution)
    after = execution
    for job, members in list(_by_job(execution)):
        seen = job
        if job.asked_at is None and job.wave in wanted and any(_is_unknown(server) for server in members):
            seen = replace(seen, asked_at=now)
        if job.job_id in observation.instances_read:
            seen = replace(seen, instance_reads=seen.instance_reads + 1)
        log = observation.logs.get(job.job_id or "")
        if log is not None and job.state is JobState.ENDED and _is_whole(log, execution, job, members):
            seen = replace(seen, logged=True)
        if seen is not job:
            after = after.with_job(seen)
        after = _learnt(after, job, log, observation.instances)
    return after


def is_awaited(execution: Execution, waves: Iterable[Wave], now: datetime, timing: Timing) -> bool:
    """Return whether a step of these waves' servers had better wait: some of their instances may be known soon."""
    numbers = {wave.number for wave in waves}
    return any(
        job.wave in numbers and _is_awaited(job, now, timing) and any(map(_is_unknown, members))
        for job, members in _by_job(execution)
        if job.state is JobState.STARTED or _is_fresh(job, now, timing)
    )


def delays_end(execution: Execution, now: datetime, timing: Timing) -> bool:
    """Return whether the end of an execution had better wait for what its last jobs are about to tell."""
    return any(
        _is_fresh(job, now, timing)
        and _is_awaited(job, now, timing)
        and (not job.logged or (bool(members) and job.instance_reads == 0) or any(map(_is_unknown, members)))
        for job, members in _by_job(execution)
    )


def _is_fresh(job: Job, now: datetime, timing: Timing) -> bool:
    return job.state is JobState.ENDED and job.ended_at is not None and now < job.ended_at + timing.learning


def _is_awaited(job: Job, now: datetime, timing: Timing) -> bool:
    if job.asked_at is None:
        return job.state is JobState.STARTED
    return now < job.asked_at + timing.learning_patience


def _is_unknown(server: Server) -> bool:
    return server.recovery_instance_id is None


def _is_whole(log: JobLog, execution: Execution, job: Job, launched: Iterable[Server]) -> bool:
    """Return whether a log has come to its end, and to a word of every server that its job launched or failed to."""
    failed = (
        server.source_server_id
        for server in execution.wave(job.wave).servers
        if server.launch_status is LaunchStatus.FAILED and server.source_server_id in job.subjects
    )
    return (
        log.ended
        and log.reported.issuperset(failed)
        and log.reported.issuperset(each.source_server_id for each in launched)
    )


def _by_job(execution: Execution) -> Iterator[tuple[Job, list[Server]]]:
    """Return each launch job with the servers that it launched: of the jobs of a server, the last one counts."""
    for wave in execution.waves:
        jobs = [job for job in execution.launch_jobs(wave.number) if job.job_id is not None]
        if not jobs:
            continue
        last = {name: job.key for job in sorted(jobs, key=lambda job: job.key) for name in job.subjects}
        members: dict[tuple[int, int, int], list[Server]] = {}
        for server in wave.servers:
            if server.launch_status is LaunchStatus.LAUNCHED and server.source_server_id in last:
                members.setdefault(last[server.source_server_id], []).append(server)
        yield from ((job, members.get(job.key, [])) for job in jobs)


def _waves_that_steps_need(execution: Execution) -> frozenset[int]:
    """Return the waves whose servers a coming step concerns: their launch is over, or is no longer waited for.

    A wave that runs waits for no launch of those that it depends on: one of them may have timed out, or be skipped.
    """
    needed: set[int] = set()
    once_settled: set[int] = set()
    for wave in execution.waves:
        if wave.has_ended:
            continue
        if _plans(execution, wave, StepPhase.AFTER) or _plans(execution, wave, StepPhase.CHECK):
            once_settled.add(wave.number)
        if _plans(execution, wave, StepPhase.BEFORE):
            (needed if wave.status is WaveStatus.IN_PROGRESS else once_settled).update(wave.depends_on)
    over = {number for number in once_settled if all(each.is_settled for each in execution.wave(number).servers)}
    return frozenset(needed | over)


def _plans(execution: Execution, wave: Wave, phase: StepPhase) -> bool:
    return any(
        step.state is StepState.PLANNED and not wave_steps.is_left_out(execution, step)
        for step in wave_steps.of_phase(wave, phase)
    )


def _learnt(
    execution: Execution, job: Job, log: JobLog | None, instances: Mapping[tuple[str, str], InstanceView]
) -> Execution:
    if job.job_id is None or (log is None and not any(job_id == job.job_id for job_id, _ in instances)):
        return execution
    job_id, members = job.job_id, frozenset(job.subjects)

    def change(server: Server) -> Server:
        if server.source_server_id not in members:
            return server
        seen = instances.get((job_id, server.source_server_id))
        read_from_log = _from_log(log, server, job_id) if log is not None else server
        return (
            read_from_log
            if seen is None or server.launch_status is not LaunchStatus.LAUNCHED
            else _shown(read_from_log, seen)
        )

    wave = execution.wave(job.wave)
    changed = wave.with_servers(change)
    return execution if changed is wave else execution.with_waves([changed])


def _shown(server: Server, seen: InstanceView) -> Server:
    shown = replace(
        server,
        recovery_instance_id=seen.recovery_instance_id,
        snapshot_at=seen.snapshot_at or server.snapshot_at,
    )
    return replace(shown, error=server.error or _STOPPED) if seen.stopped else shown


def _from_log(log: JobLog, server: Server, job_id: str) -> Server:
    """Return a server with what its job's log shows: why it failed, what was launched, and an older recovery point."""
    name = server.source_server_id
    if server.launch_status is LaunchStatus.FAILED and name in log.failures:
        return replace(server, error=kept(log.failures[name], f"the log of {job_id}"))
    if server.launch_status is not LaunchStatus.LAUNCHED:
        return server
    return replace(
        server,
        recovery_instance_id=server.recovery_instance_id or log.instances.get(name),
        older_snapshot=server.older_snapshot or name in log.older,
    )
