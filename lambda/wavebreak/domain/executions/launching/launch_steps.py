"""Steps of an execution while a wave is launched: each takes an `Execution` and returns another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.engine import servers_to_launch
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime, timedelta

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.timing import Timing

T = TypeVar("T")

_FIRST_WAIT_SECONDS: Final = 30
_LONGEST_WAIT_SECONDS: Final = 300


def backoff(times: int, timing: Timing) -> timedelta:
    """Return the seconds that a subject waits after its n-th refusal alone: 30, doubled each time, at most 300."""
    return timing.scaled(min(_FIRST_WAIT_SECONDS * 2.0 ** (max(1, times) - 1), _LONGEST_WAIT_SECONDS))


def refused_alone(known: Suspicion | None, words: str, now: datetime, timing: Timing) -> Suspicion:
    """Remember of a subject that it was refused alone once more: it is tried again after its backoff."""
    times = 1 + (known.times if known else 0)
    return Suspicion(words, now + backoff(times, timing), times)


def refused_with_others(known: Suspicion | None, words: str, now: datetime, call: str) -> Suspicion:
    """Remember of a subject that it was refused in a call with others once more: it is tried again in smaller ones."""
    return Suspicion(words, now, 1 + (known.times if known else 0), call)


def waiting(known: Suspicion | None, words: str, until: datetime) -> Suspicion:
    """Return a suspicion that delays a subject for no fault of its own; what is known of it stays."""
    return replace(known, words=words, not_before=until) if known else Suspicion(words, until, times=0)


def launching(server: Server) -> Server:
    """Return a server as its job begins to launch it; a server that is further on stays as it is."""
    if not _is_pending(server):
        return server
    return replace(server, launch_status=LaunchStatus.IN_PROGRESS, error=None, suspicion=None)


def _is_pending(server: Server) -> bool:
    return server.launch_status is LaunchStatus.PENDING


def started(execution: Execution, job: Job, job_id: str) -> Execution:
    """Record the job that an intent became, unless that is known by now."""
    known = next((other for other in execution.jobs if other.key == job.key), job)
    # The call that found the job first wrote it down: a second record could put servers back that have moved on since.
    if known.job_id is not None:
        return execution
    members = frozenset(job.subjects)
    wave = execution.wave(job.wave).with_servers(
        lambda server: launching(server) if server.source_server_id in members else server,
    )
    after = execution.with_job(replace(job, state=JobState.STARTED, job_id=job_id))
    return after.with_waves([replace(wave, blocked_until=None)])


def adopted(execution: Execution, job_id: str, key: tuple[int, int, int], servers: Collection[str]) -> Execution:
    """Record a job of this execution that was not written down: its call was held to have come to nothing.

    `key` is what its tags say: wave, attempt and batch of its intent, which may have been dropped since. `servers` are
    those that take part in it.
    """
    number, attempt, _ = key
    if not 1 <= number <= len(execution.waves) or any(job.job_id == job_id for job in execution.launch_jobs()):
        return execution
    intent = next((job for job in execution.launch_jobs(number) if job.key == key and job.job_id is None), None)
    if intent is not None:
        return started(execution, intent, job_id)
    wave = execution.wave(number)
    record = Job(
        wave=number,
        attempt=attempt,
        batch=execution.next_batch(number, attempt),
        subjects=tuple(server.source_server_id for server in wave.servers if server.source_server_id in servers),
        state=JobState.INTENDED,
        intended_at=wave.started_at or execution.started_at,
        check_after=wave.started_at or execution.started_at,
        site=wave.site,
    )
    return started(execution, record, job_id)


def intended(execution: Execution, job: Job) -> Execution:
    """Write the intent of a call, and count the call."""
    after = execution.with_job(job)
    return replace(after, calls=after.calls.with_call()) if after.calls else after


def intent_withdrawn(execution: Execution, job: Job) -> Execution:
    """Forget the intent of a call that was not made after all."""
    after = execution.without_job(job)
    return replace(after, calls=after.calls.without_call()) if after.calls and after.jobs != execution.jobs else after


def refuted(execution: Execution, job: Job) -> Execution:
    """Refute the intent of a job, unless its outcome is known by now."""
    return _without_job(execution, job, JobState.REFUTED)


def refused(execution: Execution, job: Job, shown_by: datetime) -> Execution:
    """Record that DRS refused a call, unless its outcome is known by now; a job of it would show by a moment."""
    after = _without_job(execution, replace(job, check_after=shown_by), JobState.REFUSED)
    return replace(after, calls=after.calls.refusal()) if after.calls and after is not execution else after


def _without_job(execution: Execution, job: Job, state: JobState) -> Execution:
    """Keep the intent for the last look before the end: DRS may have done what it said it did not.

    Earlier ones are dropped once all that they named is in a later one, or in a later job: that look asks for all jobs
    with this execution's tags, so that one of each server is enough, and their number stays within that of the servers.
    """
    known = next((other for other in execution.jobs if other.key == job.key), None)
    # An intent that became a job stays one: to call it refused would free its servers for a second launch.
    if known is None or known.state is not JobState.INTENDED:
        return execution
    after = execution.with_job(replace(known, state=state, check_after=job.check_after))
    later: set[str] = set()
    for other in sorted(after.launch_jobs(job.wave), key=lambda other: other.key, reverse=True):
        if other.may_appear and later.issuperset(other.subjects):
            after = after.without_job(other)
        elif other.may_appear or other.job_id is not None:
            later.update(other.subjects)
    return after


def still_intended(execution: Execution, later: Job) -> Execution:
    """Return the execution with an intent without an outcome to be looked for again later."""
    known = next((other for other in execution.jobs if other.key == later.key), None)
    return execution.with_job(later) if known is not None and known.state is JobState.INTENDED else execution


def blocked(execution: Execution, number: int, until: datetime) -> Execution:
    """Return the execution with no more starts of a wave before a moment."""
    return execution.with_waves([replace(execution.wave(number), blocked_until=until)])


def leased(execution: Execution, number: int, until: datetime) -> Execution:
    """Return the execution with a running wave's starts leased to the call that has begun."""
    if execution.wave(number).status is not WaveStatus.IN_PROGRESS:
        return execution
    return execution.with_waves([replace(execution.wave(number), start_lease=until)])


def lease_released(execution: Execution, number: int, lease: datetime) -> Execution:
    """Return the execution with the lease of a wave's starts released, unless another call has it now."""
    wave = execution.wave(number)
    if wave.start_lease != lease:
        return execution
    return execution.with_waves([replace(wave, start_lease=None)])


def explained(execution: Execution, number: int, reasons: Mapping[str, str]) -> Execution:
    """Return the execution with the reasons why servers wait."""
    return _each(execution, number, reasons, lambda server, why: replace(server, error=why))


def explain_waiting(execution: Execution, number: int, why: str) -> Execution:
    """Return the execution with a reason for the servers that wait to be launched and have none of their own."""
    waiting_ones = servers_to_launch(execution, execution.wave(number))
    reasons = {server.source_server_id: why for server in waiting_ones if server.suspicion is None}
    return explained(execution, number, reasons)


def suspected(execution: Execution, number: int, found: Mapping[str, Suspicion]) -> Execution:
    """Return the execution with the suspicions about servers; each server shows what it waits for."""
    return _each(execution, number, found, lambda server, why: replace(server, error=why.words, suspicion=why))


def failed(execution: Execution, number: int, reasons: Mapping[str, str]) -> Execution:
    """Return the execution with waiting servers failed, each with its reason."""
    return _each(
        execution,
        number,
        reasons,
        lambda server, why: replace(server, launch_status=LaunchStatus.FAILED, error=why, suspicion=None),
    )


def without_suspicions(execution: Execution, number: int, words: str) -> Execution:
    """Return the execution without suspicions of waiting servers: DRS takes no call for now, and `words` say why."""
    names = [server.source_server_id for server in servers_to_launch(execution, execution.wave(number))]
    return _each(
        execution, number, dict.fromkeys(names, words), lambda server, why: replace(server, error=why, suspicion=None)
    )


def request_refused(execution: Execution, number: int, words: str) -> Execution:
    """Fail all that wait to be launched in a wave, and say of the wave what DRS said: no server is to blame."""
    waiting_ones = (server.source_server_id for server in servers_to_launch(execution, execution.wave(number)))
    after = failed(execution, number, dict.fromkeys(waiting_ones, words))
    return after.with_waves([replace(after.wave(number), error=words)])


def _each(
    execution: Execution, number: int, found: Mapping[str, T], change: Callable[[Server, T], Server]
) -> Execution:
    wave = execution.wave(number).with_servers(
        lambda server: (
            change(server, found[server.source_server_id])
            if server.source_server_id in found and _is_pending(server)
            else server
        ),
    )
    return execution.with_waves([wave])
