"""Terminations to test with: what was launched, what DRS and EC2 show of it, and the jobs that end it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    TIMING,
    execution,
    instance_id,
    job,
    job_id,
    later,
    server,
    wave,
)

from wavebreak.domain.drs import Instance
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.instances_left import remaining, terminated_count, unknown
from wavebreak.domain.executions.ending.termination import TerminationDirective
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import InstanceEnding
from wavebreak.domain.executions.observing.instances import Ec2Answer, TerminationObservation, ending_of
from wavebreak.domain.executions.observing.launches import Observation
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.site import Site
from wavebreak.values import replace

ACT = Attribution(OPERATOR, later(5))
NOTHING = Observation()
WEST = Site(None, "us-west-2")


def ended(status: ExecutionStatus = ExecutionStatus.COMPLETED, *waves: WaveStatus) -> Execution:
    """An ended execution whose waves launched one server each, two unless told otherwise."""
    made = [
        wave(number, state, servers=(server(number, LaunchStatus.LAUNCHED),))
        for number, state in enumerate(waves or (WaveStatus.COMPLETED, WaveStatus.COMPLETED), start=1)
    ]
    jobs = tuple(job(item.number, JobState.ENDED) for item in made)
    return execution(*made, status=status, ended_at=NOW, jobs=jobs)


def terminating(**fields: Any) -> Execution:
    """A termination that was just asked for."""
    return termination.request(replace(ended(), **fields), ACT)


def terminate_job(batch: int, *instances: int, state: JobState = JobState.STARTED, **fields: Any) -> Job:
    """A terminate job of some instances, by their numbers."""
    return Job(
        wave=0,
        batch=batch,
        subjects=tuple(instance_id(number) for number in instances),
        state=state,
        **{
            "attempt": 1,
            "intended_at": NOW,
            "check_after": later(75),
            "kind": JobKind.TERMINATE,
            "job_id": job_id(900 + batch) if state in {JobState.STARTED, JobState.ENDED} else None,
            "ended_at": NOW if state is JobState.ENDED else None,
            **fields,
        },
    )


def shown(number: int, state: str | None = "RUNNING", **fields: Any) -> Instance:
    """The instance of a server as DRS shows it."""
    known = {"recovery_instance_id": instance_id(number), "source_server_id": server(number).source_server_id}
    return Instance(**{**known, "job_id": job_id(number), "is_drill": True, "state": state, **fields})


def read(*instances: int | Instance, jobs: Observation = NOTHING, **fields: Any) -> TerminationObservation:
    """One look: instances that run, by number, or as they are."""
    seen = tuple(shown(each) if isinstance(each, int) else each for each in instances)
    return TerminationObservation(jobs, seen, **fields)


def ec2(answers: Mapping[int, str | None]) -> dict[str, Ec2Answer]:
    """EC2's answers, by the number of the instance."""
    return {instance_id(number): Ec2Answer(state) for number, state in answers.items()}


def decide(
    subject: Execution, seen: TerminationObservation, now: datetime = NOW
) -> tuple[Execution, TerminationDirective]:
    """One look of a termination."""
    return termination.decide(subject, seen, now, TIMING)


def left(subject: Execution) -> tuple[int, list[str], list[str]]:
    """What a termination came to so far: how many are terminated, which remain, and which are unknown."""
    return (
        terminated_count(subject),
        [str(entry["recoveryInstanceId"]) for entry in remaining(subject)],
        [str(entry["recoveryInstanceId"]) for entry in unknown(subject)],
    )


def reasons(subject: Execution) -> dict[str, str | None]:
    """Why what is left is left, by instance."""
    return {str(entry["recoveryInstanceId"]): entry["reason"] for entry in (*remaining(subject), *unknown(subject))}


def ending(subject: Execution, number: int) -> InstanceEnding:
    """What is known of the end of the instance with this number."""
    (found,) = (
        server
        for wave in subject.waves
        for server in wave.servers
        if server.recovery_instance_id == instance_id(number)
    )
    return ending_of(found)


def with_ending(subject: Execution, number: int, **fields: Any) -> Execution:
    """The same with something known of the end of an instance."""
    return subject.with_waves(
        wave.with_servers(
            lambda server: (
                replace(server, ending=replace(ending_of(server), **fields))
                if server.recovery_instance_id == instance_id(number)
                else server
            )
        )
        for wave in subject.waves
    )
