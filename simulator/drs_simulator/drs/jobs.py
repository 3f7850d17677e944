"""How jobs go: every step of a launch and of a termination, put on the agenda when the job is made."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.drs.model import (
    JobStatus,
    JobType,
    LaunchResult,
    LaunchStatus,
    LogItem,
    Participant,
    RecoveryInstance,
)
from drs_simulator.errors import conflict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, SourceServer

# When, as a share of a server's time between the start of its job and its own end, each step of a launch is done.
_CLEANUP_START, _CLEANUP_END = 0.02, 0.08
_SNAPSHOT_START, _SNAPSHOT_END = 0.1, 0.25
_CONVERSION_START, _CONVERSION_END = 0.3, 0.65
_LAUNCH_START = 0.7


# Recorded from the service, which does not say which of them.
_BUSY = "One or more of the Source Servers included in API call are currently being processed by a Job"


def start_launch(fleet: Fleet, participants: list[Participant], tags: dict[str, str], *, is_drill: bool) -> Job:
    """Start a LAUNCH job; raises ApiError if a server is busy or a quota would be exceeded."""
    _must_be_free(each.server for each in participants)
    fleet.world.quotas.admit(fleet, len(participants), launch=True)
    job = fleet.open_job(JobType.LAUNCH, participants, tags, drill=is_drill)
    timing = fleet.world.timing
    ends = {
        each.server.source_server_id: job.created_at + timing.launch(each.server.launch_seconds)
        for each in participants
        if each.server.recoverable
    }
    begin = job.created_at + timing.pending(min(ends.values(), default=job.created_at + timing.tail()) - job.created_at)
    _begin(fleet, job, begin)
    for each in participants:
        if each.server.recoverable:
            _Launch(fleet, job, each).schedule(begin, ends[each.server.source_server_id])
        else:
            fleet.world.agenda.add(begin, partial(_skip, fleet, job, each))
    _finish(fleet, job, max([begin, *ends.values()]))
    return job


def start_termination(fleet: Fleet, instances: list[RecoveryInstance]) -> Job:
    """Start a TERMINATE job; raises ApiError if a server is busy or a quota would be exceeded."""
    _must_be_free(instance.server for instance in instances)
    fleet.world.quotas.admit(fleet, len(instances), launch=False)
    participants = [
        Participant(instance.server, instance_id=Timeline(instance.recovery_instance_id)) for instance in instances
    ]
    job = fleet.open_job(JobType.TERMINATE, participants, {}, drill=False)
    timing = fleet.world.timing
    end = job.created_at + timing.termination()
    begin = job.created_at + timing.pending(timing.termination())
    _begin(fleet, job, begin)
    for participant, instance in zip(participants, instances, strict=True):
        fleet.world.agenda.add(begin, partial(_shut_down, job, participant, instance))
        fleet.world.agenda.add(end, partial(_terminated, fleet, job, participant, instance))
    _finish(fleet, job, end)
    return job


def _must_be_free(servers: Iterable[SourceServer]) -> None:
    for server in servers:
        busy_with = server.busy_with
        if busy_with:
            raise conflict(
                _BUSY,
                server.source_server_id,
                "AWS::DRS::SourceServer",
            )


def _log(job: Job, at: datetime, event: str, **data: str | None) -> None:
    item: dict[str, Any] = {"logDateTime": timestamp(at), "event": event}
    if data:
        item["eventData"] = {name: value for name, value in data.items() if value is not None}
    job.log.append(LogItem(at, item))


def _begin(fleet: Fleet, job: Job, at: datetime) -> None:
    def begin(at: datetime) -> None:
        job.status.set(JobStatus.STARTED, at)
        _log(job, at, "JOB_START")

    fleet.world.agenda.add(at, begin)


def _finish(fleet: Fleet, job: Job, last: datetime) -> None:
    def finish(at: datetime) -> None:
        _log(job, at, "JOB_END")
        fleet.close_job(job, at)

    fleet.world.agenda.add(last + fleet.world.timing.tail(), finish)


def _announce(fleet: Fleet, job: Job, server: SourceServer, at: datetime) -> None:
    launched = job.participants[server.source_server_id].launch_status.now is LaunchStatus.LAUNCHED
    result = LaunchResult(
        account=fleet.account,
        region=fleet.region,
        source_server_arn=fleet.arn("source-server", server.source_server_id),
        job_id=job.job_id,
        is_drill=job.is_drill,
        launched=launched,
        at=at,
        subject=f"{job.subject}/{server.source_server_id}/launch result",
    )
    fleet.world.announce(result)


def _skip(fleet: Fleet, job: Job, participant: Participant, at: datetime) -> None:
    participant.launch_status.set(LaunchStatus.FAILED, at)
    _log(job, at, "SERVER_SKIPPED", sourceServerID=participant.server.source_server_id)
    _announce(fleet, job, participant.server, at)


def _shut_down(job: Job, participant: Participant, instance: RecoveryInstance, at: datetime) -> None:
    participant.launch_status.set(LaunchStatus.IN_PROGRESS, at)
    instance.state.set("SHUTTING-DOWN", at)
    _log_cleanup(job, at, "CLEANUP_START", instance)


def _terminated(fleet: Fleet, job: Job, participant: Participant, instance: RecoveryInstance, at: datetime) -> None:
    participant.launch_status.set(LaunchStatus.TERMINATED, at)
    instance.state.set("TERMINATED", at)
    fleet.remove_instance(instance, at)
    _log_cleanup(job, at, "CLEANUP_END", instance)


def _log_cleanup(job: Job, at: datetime, event: str, instance: RecoveryInstance) -> None:
    identifier = instance.server.source_server_id
    _log(job, at, event, sourceServerID=identifier, targetInstanceID=instance.recovery_instance_id)


class _Launch:
    """The steps of one server's launch."""

    def __init__(self, fleet: Fleet, job: Job, participant: Participant) -> None:
        self._fleet = fleet
        self._job = job
        self._participant = participant
        self._server = participant.server
        self._conversion_server = fleet.world.ids.instance()
        # Fixed now: a launch already under way is not changed by what the control API says later.
        self._succeeds = participant.server.launches

    def schedule(self, begin: datetime, end: datetime) -> None:
        """Put the steps on the agenda; the outcome falls on ``end``."""
        agenda, span = self._fleet.world.agenda, end - begin

        def share(part: float) -> datetime:
            return begin + span * part

        agenda.add(begin, self._start)
        earlier = self._server.instance.now
        if earlier:
            agenda.add(share(_CLEANUP_START), partial(self._end_earlier, earlier))
            agenda.add(share(_CLEANUP_END), partial(self._forget_earlier, earlier))
        if self._participant.point_in_time is None:
            agenda.add(share(_SNAPSHOT_START), self._take_snapshot)
            agenda.add(share(_SNAPSHOT_END), partial(self._note, "SNAPSHOT_END"))
        agenda.add(share(_CONVERSION_START), partial(self._note_conversion, "CONVERSION_START"))
        agenda.add(share(_CONVERSION_END), partial(self._note_conversion, "CONVERSION_END"))
        agenda.add(share(_LAUNCH_START), partial(self._note, "LAUNCH_START"))
        agenda.add(end, self._succeed if self._succeeds else self._fail)

    def _note(self, event: str, at: datetime) -> None:
        _log(self._job, at, event, sourceServerID=self._server.source_server_id)

    def _note_conversion(self, event: str, at: datetime) -> None:
        server_id = self._server.source_server_id
        _log(self._job, at, event, sourceServerID=server_id, conversionServerID=self._conversion_server)

    def _start(self, at: datetime) -> None:
        self._participant.launch_status.set(LaunchStatus.IN_PROGRESS, at)

    def _end_earlier(self, instance: RecoveryInstance, at: datetime) -> None:
        instance.state.set("SHUTTING-DOWN", at)
        _log_cleanup(self._job, at, "CLEANUP_START", instance)

    def _forget_earlier(self, instance: RecoveryInstance, at: datetime) -> None:
        instance.state.set("TERMINATED", at)
        self._fleet.remove_instance(instance, at)
        _log_cleanup(self._job, at, "CLEANUP_END", instance)

    def _take_snapshot(self, at: datetime) -> None:
        self._participant.point_in_time = replicated_until(self._server, at)
        self._note("SNAPSHOT_START", at)

    def _succeed(self, at: datetime) -> None:
        server = self._server
        instance = RecoveryInstance(
            recovery_instance_id=self._fleet.world.ids.instance(),
            subject=f"{self._job.subject}/{server.source_server_id}/instance",
            server=server,
            job=self._job,
            launched_at=at,
            point_in_time=self._participant.point_in_time or replicated_until(server, at),
            tags=Timeline({}),
            state=Timeline("NOT_FOUND"),
        )
        instance.tags.set(dict(server.tags.now), at)
        instance.state.set("RUNNING", at)
        self._fleet.add_instance(instance)
        self._participant.instance_id.set(instance.recovery_instance_id, at)
        self._participant.launch_status.set(LaunchStatus.LAUNCHED, at)
        _announce(self._fleet, self._job, server, at)

    def _fail(self, at: datetime) -> None:
        self._participant.launch_status.set(LaunchStatus.FAILED, at)
        server_id = self._server.source_server_id
        _log(self._job, at, "LAUNCH_FAILED", sourceServerID=server_id, rawError="The instance did not pass its checks")
        _announce(self._fleet, self._job, self._server, at)


def replicated_until(server: SourceServer, at: datetime) -> datetime:
    """Return the last moment of the server's life whose data has arrived by ``at``."""
    return at - timedelta(seconds=server.lag_seconds)
