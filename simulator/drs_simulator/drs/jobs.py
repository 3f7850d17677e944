"""What jobs of every kind have in common: how they begin and end, and what their logs say."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.drs.model import JobStatus, LogItem
from drs_simulator.errors import conflict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, Participant, RecoveryInstance, SourceServer

# Recorded from the service, which does not say which of them.
_BUSY = "One or more of the Source Servers included in API call are currently being processed by a Job"


def must_be_free(servers: Iterable[SourceServer]) -> None:
    """Refuse servers that are in an active job."""
    for server in servers:
        if server.busy_with:
            raise conflict(_BUSY, server.source_server_id, "AWS::DRS::SourceServer")


def begin(fleet: Fleet, job: Job, at: datetime) -> None:
    """Start a job at a moment."""

    def start(at: datetime) -> None:
        job.status.set(JobStatus.STARTED, at)
        log(job, at, "JOB_START")

    fleet.world.agenda.add(at, start)


def done(fleet: Fleet, job: Job, participant: Participant, at: datetime) -> None:
    """Record that a server has come to its end; a while after the last one the job ends."""
    job.open.discard(participant.server.source_server_id)
    if not job.open:
        fleet.world.agenda.add(at + fleet.world.timing.tail(), partial(_finish, fleet, job))


def _finish(fleet: Fleet, job: Job, at: datetime) -> None:
    log(job, at, "JOB_END")
    fleet.close_job(job, at)


def log(job: Job, at: datetime, event: str, **data: str | None) -> None:
    """Write an event into a job's log."""
    item: dict[str, Any] = {"logDateTime": timestamp(at), "event": event}
    if data:
        item["eventData"] = {name: value for name, value in data.items() if value is not None}
    job.log.append(LogItem(at, item))


def log_cleanup(job: Job, at: datetime, event: str, instance: RecoveryInstance, error: str | None = None) -> None:
    """Write into a job's log what becomes of an instance that it ends."""
    identifier = instance.server.source_server_id
    log(job, at, event, sourceServerID=identifier, targetInstanceID=instance.recovery_instance_id, rawError=error)
