"""The clean-up of an execution's recovery instances: when it may be asked for, and what it does next. Pure.

Only instances whose job belongs to this execution count. It is COMPLETED when DRS shows none of them any more, and
INCOMPLETE, naming what remains, when that cannot be reached; an INCOMPLETE one may be asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.engine import with_termination
from wavebreak.domain.executions.model import Execution, Job, JobKind, JobState
from wavebreak.domain.executions.observation import absorb
from wavebreak.domain.executions.steering import Refused
from wavebreak.execution_utils import TerminationStatus, can_terminate_execution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from wavebreak.domain.executions.audit_trail import Act
    from wavebreak.domain.executions.model import Wave
    from wavebreak.domain.executions.observation import Observation
    from wavebreak.site import Place
    from wavebreak.timing import Timing

MAX_ATTEMPTS: Final = 3
"""Terminate jobs that one instance gets in one run of the clean-up."""


class CleanUp(StrEnum):
    """What the termination machine does next."""

    SLEEP = "SLEEP"
    TERMINATE = "TERMINATE"
    FINISH = "FINISH"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One look at DRS during a clean-up: jobs, and this execution's instances by id, in the places that answered."""

    observation: Observation
    instances: frozenset[str]
    unseen: frozenset[Place] = frozenset()
    """The accounts and Regions that did not answer: nobody knows what is left there, and it is not touched."""


def brief(execution: Execution) -> dict[str, Any]:
    """Give what the termination rules read of an execution."""
    return {
        "status": execution.status,
        "instancesTerminated": execution.instances_terminated,
        "waves": [
            {"status": wave.status, "jobId": next(iter(execution.job_ids(wave.number)), None)}
            for wave in execution.waves
        ],
    }


def request(execution: Execution, act: Act) -> Execution:
    """Ask for the clean-up; asking while it runs changes nothing. Raises Refused with the rule's exact reason."""
    if execution.termination.status is TerminationStatus.IN_PROGRESS:
        return execution
    reason = can_terminate_execution(brief(execution))["reason"]
    if reason is not None:
        raise Refused(reason)
    return with_termination(execution, act.actor, act.at)


def terminate_jobs(execution: Execution) -> Iterator[Job]:
    """Give the terminate jobs of the present run."""
    return (job for job in execution.jobs if job.kind is JobKind.TERMINATE and job.attempt == execution.termination.run)


def launched_instances(execution: Execution) -> frozenset[str]:
    """Give every recovery instance that this execution is known to have launched."""
    return _launched(execution.waves)


def _launched(waves: Iterable[Wave]) -> frozenset[str]:
    return frozenset(
        server.recovery_instance_id for wave in waves for server in wave.servers if server.recovery_instance_id
    )


def decide(execution: Execution, sighting: Sighting, now: datetime, timing: Timing) -> tuple[Execution, CleanUp]:
    """Move a clean-up on by what was seen, and say what to do next.

    A place that does not answer holds up no other, but the end: COMPLETED only when every place was seen to be empty.
    """
    if execution.termination.status is not TerminationStatus.IN_PROGRESS:
        return execution, CleanUp.FINISH
    after = absorb(execution, sighting.observation, now, timing)
    after = _absorb_terminations(after, sighting.observation, now)
    alive, unseen = sighting.instances, sighting.unseen
    left = alive | _unknown(after, unseen)
    if not unseen or any(job.job_id and job.place not in unseen for job in after.launch_jobs()):
        after = _counted(after, left)
    if not unseen and not alive and not after.in_flight:
        return _ended(after, TerminationStatus.COMPLETED, now), CleanUp.FINISH
    if _is_overdue(after, now, timing) or (not unseen and _is_hopeless(after, alive)):
        return _ended(_naming_launches(_counted(after, left)), TerminationStatus.INCOMPLETE, now), CleanUp.FINISH
    if may_call(after, now) and (due(after, alive) or _stale_intents(after, now, unseen)):
        return after, CleanUp.TERMINATE
    return after, CleanUp.SLEEP


def _unknown(execution: Execution, unseen: frozenset[Place]) -> frozenset[str]:
    """Give what was launched in places that were not seen, less what earlier looks of this run saw to be gone."""
    launched = _launched(wave for wave in execution.waves if wave.place in unseen)
    remaining = execution.termination.remaining
    return launched & frozenset(remaining) if remaining else launched


def _counted(execution: Execution, left: frozenset[str]) -> Execution:
    """Record what is left, and how many are gone."""
    gone = len((launched_instances(execution) | left) - left)
    return replace(
        execution, termination=replace(execution.termination, terminated=gone, remaining=tuple(sorted(left)))
    )


def due(execution: Execution, alive: Iterable[str]) -> tuple[str, ...]:
    """Give the instances that no terminate job in flight covers, and that have attempts left."""
    covered = {subject for job in terminate_jobs(execution) if job.in_flight for subject in job.subjects}
    return tuple(
        instance
        for instance in sorted(alive)
        if instance not in covered and _attempts(execution, instance) < MAX_ATTEMPTS
    )


def may_call(execution: Execution, now: datetime) -> bool:
    """Tell whether no refusal of DRS holds the next call back."""
    blocked = execution.termination.blocked_until
    return blocked is None or now >= blocked


def _attempts(execution: Execution, instance: str) -> int:
    return sum(instance in job.subjects for job in terminate_jobs(execution) if job.state is JobState.ENDED)


def _stale_intents(execution: Execution, now: datetime, unseen: frozenset[Place]) -> bool:
    return any(
        job.state is JobState.INTENDED and now >= job.check_after and job.place not in unseen
        for job in terminate_jobs(execution)
    )


def _is_hopeless(execution: Execution, alive: frozenset[str]) -> bool:
    """Tell whether every remaining instance has outlived its attempts and nothing is under way."""
    under_way = execution.in_flight or any(job.in_flight for job in terminate_jobs(execution))
    return bool(alive) and not under_way and not due(execution, alive)


def _is_overdue(execution: Execution, now: datetime, timing: Timing) -> bool:
    asked = execution.termination.requested_at
    return asked is not None and now >= asked + timing.termination_deadline


def _naming_launches(execution: Execution) -> Execution:
    """Name the servers that a launch still in flight may yet bring up beside the instances that remain."""
    launching = {server for job in execution.launch_jobs() if job.in_flight for server in job.subjects}
    remaining = (*execution.termination.remaining, *sorted(launching))
    return replace(execution, termination=replace(execution.termination, remaining=remaining))


def _ended(execution: Execution, status: TerminationStatus, now: datetime) -> Execution:
    return replace(execution, termination=replace(execution.termination, status=status, ended_at=now))


def _absorb_terminations(execution: Execution, observation: Observation, now: datetime) -> Execution:
    """Record which terminate jobs have ended; whether they did their work, the instances themselves tell."""
    after = execution
    for job in terminate_jobs(execution):
        if job.state is not JobState.STARTED or job.job_id is None:
            continue
        view = observation.jobs.get(job.job_id)
        if (view is not None and view.completed) or job.job_id in observation.missing:
            after = after.with_job(replace(job, state=JobState.ENDED, ended_at=now))
    return after
