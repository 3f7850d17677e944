"""Executions to test with: built in any state, and seen as DRS would show them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from wavebreak.domain.executions.engine import Decision, decide, servers_to_launch
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution, Mode
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.executions.observing.launches import JobLog, JobView, Observation, ServerView
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.timing import Timing
from wavebreak.values import replace

NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TIMING: Final = Timing()
OPERATOR: Final = "arn:aws:iam::123456789012:user/operator"
EXECUTION_ID: Final = "drill-01kahpq7800000000000000000"


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def server(number: int, status: LaunchStatus = LaunchStatus.PENDING, **fields: Any) -> Server:
    """A source server; one that is LAUNCHED has its recovery instance."""
    instance = instance_id(number) if status is LaunchStatus.LAUNCHED else None
    return Server(server_id(number), launch_status=status, **{"recovery_instance_id": instance, **fields})


def server_id(number: int) -> str:
    return f"s-{number:017d}"


def instance_id(number: int) -> str:
    return f"i-{number:017d}"


def job_id(number: int) -> str:
    return f"drsjob-{number:017d}"


def wave(number: int, status: WaveStatus = WaveStatus.NOT_STARTED, **fields: Any) -> Wave:
    """A wave of one server with its number, after the wave before it; IN_PROGRESS and ended ones have begun."""
    begun = status not in {WaveStatus.NOT_STARTED, WaveStatus.AWAITING_APPROVAL, WaveStatus.CANCELLED}
    launch = LaunchStatus.LAUNCHED if status is WaveStatus.COMPLETED else LaunchStatus.PENDING
    return Wave(
        number=number,
        **{
            "name": f"wave-{number}",
            "servers": (server(number, LaunchStatus.FAILED if status is WaveStatus.FAILED else launch),),
            "depends_on": (number - 1,) if number > 1 else (),
            "status": status,
            "started_at": NOW if begun else None,
            **fields,
        },
    )


def job(wave_number: int, state: JobState = JobState.STARTED, **fields: Any) -> Job:
    """A launch job of a wave's one server."""
    known = state in {JobState.STARTED, JobState.ENDED}
    return Job(
        wave=wave_number,
        state=state,
        **{
            "attempt": 1,
            "batch": 1,
            "subjects": (server_id(wave_number),),
            "intended_at": NOW,
            "check_after": NOW + TIMING.intent_expiry,
            "job_id": job_id(wave_number) if known else None,
            "ended_at": NOW if state is JobState.ENDED else None,
            **fields,
        },
    )


def execution(*waves: Wave, **fields: Any) -> Execution:
    return Execution(
        waves=waves,
        **{
            "execution_id": EXECUTION_ID,
            "plan_id": "three-tier",
            "plan_name": "3TierRecoveryPlan",
            "plan_version": 1,
            "plan_hash": "0" * 64,
            "mode": Mode.DRILL,
            "requested_by": OPERATOR,
            "started_at": NOW,
            "status": ExecutionStatus.IN_PROGRESS,
            **fields,
        },
    )


def asked_to_cancel(then: CancelThen = CancelThen.KEEP, at: datetime = NOW) -> Cancel:
    return Cancel(Attribution(OPERATOR, at, "enough"), then)


def says(at: datetime = NOW, reason: str | None = "checked") -> Attribution:
    """What an operator says with a call."""
    return Attribution(OPERATOR, at, reason)


def view(servers: Mapping[int, LaunchStatus | None], *, completed: bool = False, **fields: Any) -> JobView:
    """A job as DRS shows it, its servers by number; a LAUNCHED one has its instance."""
    return JobView(
        completed,
        {
            server_id(number): ServerView(
                status, instance_id(number) if status is LaunchStatus.LAUNCHED else None, **fields
            )
            for number, status in servers.items()
        },
    )


def seen(**jobs: JobView) -> Observation:
    """An observation of jobs named `job1`, `job2`, ... after their numbers; of ended ones all is learnt at once."""
    views = {job_id(int(name.removeprefix("job"))): shown for name, shown in jobs.items()}
    ended = [name for name, shown in views.items() if shown.completed]
    logs = {name: JobLog(reported=frozenset(views[name].servers), ended=True) for name in ended}
    return Observation(views, instances_read=frozenset(ended), logs=logs)


def statuses(subject: Execution) -> list[str]:
    return [wave.status.value for wave in subject.waves]


def decide_round(subject: Execution, now: datetime = NOW, timing: Timing = TIMING, **jobs: JobView) -> Decision:
    """One round of the engine."""
    return decide(subject, seen(**jobs), now, timing)


def launching(subject: Execution, numbers: Iterable[int], now: datetime = NOW) -> Execution:
    """Start one job for all servers that wait in each of these waves, named by the wave's number and attempt."""
    after = subject
    for number in numbers:
        present = after.wave(number)
        waiting = {waiting.source_server_id for waiting in servers_to_launch(after, present)}
        started = job(
            number,
            attempt=present.attempt,
            subjects=tuple(sorted(waiting)),
            intended_at=now,
            job_id=job_id(number + 100 * (present.attempt - 1)),
        )
        launched = present.with_servers(
            lambda item, waiting=waiting: (  # type: ignore[misc]  # mypy infers no default
                replace(item, launch_status=LaunchStatus.IN_PROGRESS) if item.source_server_id in waiting else item
            )
        )
        after = after.with_job(started).with_waves([launched])
    return after
