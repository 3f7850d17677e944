"""What one call of a termination makes of an execution: intended, taken, refused, or its outcome not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.ending.termination import released
from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.model.terminations import kept_in_bytes
from wavebreak.domain.executions.observing.instances import ending_of, terminate_jobs
from wavebreak.execution_utils import TerminationStatus
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.drs import RecentJob
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.terminations import InstanceEnding
    from wavebreak.site import Site
    from wavebreak.timing import Timing

_LOST = "DRS shows no job of a terminate call whose answer was lost"


def servers_at(execution: Execution, site: Site) -> list[str]:
    """Return the source servers of a site that a launch was intended for, but for those whose instance is over."""
    called = {subject for job in execution.launch_jobs() if job.site == site for subject in job.subjects}
    return sorted(
        server.source_server_id
        for wave in execution.waves
        for server in (wave.servers if wave.site == site else ())
        if server.source_server_id in called and not ending_of(server).is_over
    )


def intent(execution: Execution, site: Site, subjects: tuple[str, ...], now: datetime, timing: Timing) -> Job | None:
    """Make the intent of a call; None when the termination is over or a call in flight covers one of the instances."""
    covered = {subject for job in terminate_jobs(execution) if job.in_flight for subject in job.subjects}
    if execution.termination.status is not TerminationStatus.IN_PROGRESS or not covered.isdisjoint(subjects):
        return None
    attempt = execution.termination.attempt
    return Job(
        wave=0,
        attempt=attempt,
        batch=execution.next_batch(0, attempt),
        subjects=subjects,
        state=JobState.INTENDED,
        intended_at=now,
        check_after=now + timing.intent_expiry,
        kind=JobKind.TERMINATE,
        site=site,
    )


def started(execution: Execution, *, job: Job, job_id: str) -> Execution:
    """Record that DRS took a call: nothing is held against its instances or its site any more."""
    taken = execution.with_job(replace(job, state=JobState.STARTED, job_id=job_id))
    return _changed(
        released(taken, job.site),
        job.subjects,
        lambda _, ending: replace(
            ending, suspicion=None, refusals=0, reported_terminated=None, not_before=None, reason=None
        ),
    )


def outcome_unknown(execution: Execution, *, job: Job, words: str, now: datetime, timing: Timing) -> Execution:
    """Record that it is unknown whether DRS took a call; if its job does not turn up, its instances are suspected."""
    waiting = execution.with_job(replace(job, check_after=now + timing.settle))
    return _suspecting(waiting, job, words, now, timing)


def refuted(execution: Execution, *, job: Job, now: datetime, timing: Timing) -> Execution:
    """Forget a call of which DRS shows no job; its instances are suspected."""
    known = any(ending_of(server).suspicion for server in servers_of(execution, job.subjects))
    forgotten = execution.without_job(job)
    return forgotten if known else _suspecting(forgotten, job, _LOST, now, timing)


def _suspecting(execution: Execution, job: Job, words: str, now: datetime, timing: Timing) -> Execution:
    alone = len(job.subjects) == 1
    call = None if alone else _group(execution, now, job.batch)

    def change(_: str, ending: InstanceEnding) -> InstanceEnding:
        times = _times(ending) + 1
        not_before = now + timing.culprit_backoff(times) if alone else now
        return replace(ending, suspicion=Suspicion(kept_in_bytes(words), not_before, times, call))

    return _changed(execution, job.subjects, change)


class RefusedInstances(Value):
    """What DRS refused in one round, by instance."""

    culprits: Mapping[str, tuple[str, bool]]
    """Instances that were refused alone: the message of DRS, and whether waiting may help."""
    suspects: Mapping[str, str]
    """Instances of which some were refused, and the round ended before it found which; the message of DRS."""
    last: Mapping[str, str]
    """Instances of whose group all others were accepted: they are tried next, alone."""


def suspected(execution: Execution, *, refused: RefusedInstances, now: datetime, timing: Timing) -> Execution:
    """Return the execution with the instances that DRS refused, until DRS accepts them."""
    call = _group(execution, now, 0)

    def change(name: str, ending: InstanceEnding) -> InstanceEnding:
        times = _times(ending) + 1
        if name in refused.culprits:
            words, curable = refused.culprits[name]
            suspicion = Suspicion(kept_in_bytes(words), now + timing.culprit_backoff(times), times)
            return replace(ending, suspicion=suspicion, refusals=ending.refusals + (not curable))
        if name in refused.suspects:
            return replace(ending, suspicion=Suspicion(kept_in_bytes(refused.suspects[name]), now, times, call))
        return replace(ending, suspicion=Suspicion(kept_in_bytes(refused.last[name]), now, max(1, times - 1)))

    return _changed(execution, {*refused.culprits, *refused.suspects, *refused.last}, change)


def configured(
    execution: Execution, *, answers: Mapping[str, bool | str | None], now: datetime, timing: Timing
) -> Execution:
    """Record which source servers are launched into instances that exist; DRS's words where it refused to report."""

    def change(server: Server) -> Server:
        if server.source_server_id not in answers:
            return server
        answer, ending = answers[server.source_server_id], ending_of(server)
        if isinstance(answer, bool):
            return replace(server, ending=replace(ending, launched_into=answer, not_before=None))
        if answer is None:
            return replace(server, ending=replace(ending, not_before=now + timing.no_room))
        times = _times(ending) + 1
        suspicion = Suspicion(kept_in_bytes(answer), now + timing.culprit_backoff(times), times)
        return replace(server, ending=replace(ending, suspicion=suspicion, refusals=ending.refusals + 1))

    return execution.with_waves(wave.with_servers(change) for wave in execution.waves)


def job_of(execution: Execution, intended: Job, recent: Iterable[RecentJob]) -> str | None:
    """Return the job of a call, ended or not, by what it terminates; DRS may name instances, or servers alone."""
    wanted = frozenset(intended.subjects)
    servers = {server.source_server_id for server in servers_of(execution, intended.subjects)}
    for job in recent:
        if job.instances & wanted or (not job.instances and not job.ended and job.servers & servers):
            return job.job_id
    return None


def servers_of(execution: Execution, instances: Collection[str]) -> list[Server]:
    """Return the servers of some recovery instances."""
    wanted = frozenset(instances)
    return [server for wave in execution.waves for server in wave.servers if server.recovery_instance_id in wanted]


def _changed(
    execution: Execution, instances: Iterable[str], change: Callable[[str, InstanceEnding], InstanceEnding]
) -> Execution:
    wanted = frozenset(instances)

    def changed(server: Server) -> Server:
        name = server.recovery_instance_id
        return replace(server, ending=change(name, ending_of(server))) if name in wanted and name else server

    return execution.with_waves(wave.with_servers(changed) for wave in execution.waves)


def _times(ending: InstanceEnding) -> int:
    return ending.suspicion.times if ending.suspicion is not None else 0


def _group(execution: Execution, now: datetime, batch: int) -> str:
    """Return a name for the call of a group; numbers are reused once a call is forgotten."""
    return f"{execution.termination.attempt}.{batch}.{int(now.timestamp() * 1000)}"
