"""How servers are launched: every step, put on the agenda when the job is made.

The phases are those of a job that was recorded from the service (24 minutes, of which 14 were conversion and 6 launch),
as shares of the server's time. The launch template is read when the launch phase begins, not before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.drs.fleet import source_address
from drs_simulator.drs.jobs import begin, done, log, must_be_free
from drs_simulator.drs.launch_actions import ActionRuns
from drs_simulator.drs.model import JobType, LaunchOutcome, LaunchResult, LaunchStatus, RecoveryInstance
from drs_simulator.drs.terminations import begin_cleanup, end_cleanup
from drs_simulator.ec2.launch_templates import version_at_launch
from drs_simulator.ec2.launching import Order, run
from drs_simulator.ec2.model import State
from drs_simulator.errors import ApiError, conflict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, Participant, SourceServer
    from drs_simulator.ec2.model import Instance

# When, as a share of a server's time between the start of its job and its own end, each step of a launch is done.
_CLEANUP_START, _CLEANUP_END = 0.01, 0.06
_SNAPSHOT_START, _SNAPSHOT_END = 0.065, 0.1
_CONVERSION_START, _CONVERSION_END = 0.135, 0.725
_LAUNCH_START, _INSTANCE_START = 0.73, 0.85
# DRS hears of the agent of an instance that it has launched after this share of the launch's time.
_AGENT_FOUND: Final = 0.05


def start_launch(fleet: Fleet, participants: list[Participant], tags: dict[str, str], *, is_drill: bool) -> Job:
    """Start a LAUNCH job; raise ApiError if a server cannot be launched now or a quota would be exceeded."""
    must_be_free(each.server for each in participants)
    for each in participants:
        _must_be_launchable(fleet, each.server)
    fleet.world.quotas.admit(fleet.account, fleet.active_jobs(), len(participants), launch=True)
    job = fleet.open_job(JobType.LAUNCH, participants, tags, drill=is_drill)
    timing = fleet.world.timing
    ends = {
        each.server.source_server_id: job.created_at + timing.launch(each.server.launch_seconds)
        for each in participants
        if each.server.recoverable
    }
    start = job.created_at + timing.pending(min(ends.values(), default=job.created_at + timing.tail()) - job.created_at)
    begin(fleet, job, start)
    for each in participants:
        if each.server.recoverable:
            _Launch(fleet, job, each).schedule(start, ends[each.server.source_server_id])
        else:
            fleet.world.agenda.add(start, partial(_skip, fleet, job, each))
    return job


def _must_be_launchable(fleet: Fleet, server: SourceServer) -> None:
    instance, target = server.instance.now, server.configuration.launches_into
    if server.conflict:
        why = f"Source server {server.source_server_id} cannot be launched in its current state"
    elif instance and instance.is_in_failback:
        why = f"Recovery instance {instance.recovery_instance_id} of the source server is in failback"
    elif target and target in fleet.ec2.instances and fleet.ec2.instances[target].state.now is State.RUNNING:
        why = f"The instance {target} to launch into is running"
    else:
        return
    raise conflict(why, server.source_server_id, "AWS::DRS::SourceServer")


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
    log(job, at, "SERVER_SKIPPED", sourceServerID=participant.server.source_server_id)
    _announce(fleet, job, participant.server, at)
    done(fleet, job, participant, at)


class _Launch:
    """The steps of one server's launch."""

    def __init__(self, fleet: Fleet, job: Job, participant: Participant) -> None:
        self._fleet = fleet
        self._job = job
        self._participant = participant
        self._server = participant.server
        self._conversion_server = fleet.world.ids.instance()
        # Fixed now: a launch already under way is not changed by what the control API says later.
        self._outcome = participant.server.launch_outcome
        self._raw_error = participant.server.raw_error
        self._order: Order | None = None
        self._target: Instance | None = None
        self._span = timedelta()
        self._failed = False
        self._takes_snapshot = participant.point_in_time is None

    def schedule(self, begin: datetime, end: datetime) -> None:
        """Put the steps on the agenda; the outcome falls on ``end``."""
        self._span = end - begin
        earlier = self._server.instance.now
        steps: list[tuple[float, Callable[[datetime], object]]] = [
            (0.0, self._start),
            (_SNAPSHOT_START, self._begin_snapshot),
            (_SNAPSHOT_END, self._end_snapshot),
            (_CONVERSION_START, partial(self._note_conversion, "CONVERSION_START")),
            (_CONVERSION_END, partial(self._note_conversion, "CONVERSION_END")),
            (_LAUNCH_START, self._begin_launch),
            (_INSTANCE_START, self._launch_instance),
            (1.0, self._end),
        ]
        if self._outcome is LaunchOutcome.NONE:
            steps = [(_SNAPSHOT_START, self._begin_snapshot), (_SNAPSHOT_END, self._end_snapshot), (1.0, self._leave)]
        elif earlier and earlier.recovery_instance_id != self._server.configuration.launches_into:
            fleet, job = self._fleet, self._job
            steps.append((_CLEANUP_START, partial(begin_cleanup, fleet, job, earlier)))
            steps.append((_CLEANUP_END, partial(self._forget_earlier, earlier)))
        for share, step in steps:
            self._fleet.world.agenda.add(begin + self._span * share, step)

    def _note(self, event: str, at: datetime, **data: str | None) -> None:
        log(self._job, at, event, sourceServerID=self._server.source_server_id, **data)

    def _start(self, at: datetime) -> None:
        self._participant.launch_status.set(LaunchStatus.IN_PROGRESS, at)

    def _forget_earlier(self, instance: RecoveryInstance, at: datetime) -> None:
        if not end_cleanup(self._fleet, self._job, instance, at):
            # It runs on in EC2, and DRS knows one instance of a server.
            self._fleet.forget_instance(instance, at)

    def _begin_snapshot(self, at: datetime) -> None:
        if self._takes_snapshot:
            self._participant.point_in_time = replicated_until(self._server, at)
            self._note("SNAPSHOT_START", at)

    def _end_snapshot(self, at: datetime) -> None:
        older = self._server.previous_snapshot
        if older is not None:
            if self._takes_snapshot:
                self._note("SNAPSHOT_FAIL", at)
            self._participant.point_in_time = _previous(self._participant.point_in_time or at, older)
            self._note("USING_PREVIOUS_SNAPSHOT", at)
        elif self._takes_snapshot:
            self._note("SNAPSHOT_END", at)

    def _note_conversion(self, event: str, at: datetime) -> None:
        self._note(event, at, conversionServerID=self._conversion_server)

    def _begin_launch(self, at: datetime) -> None:
        self._note("LAUNCH_START", at)
        template, configuration = self._fleet.template_of(self._server), self._server.configuration
        if template is None:
            self._refused("InvalidLaunchTemplateId.NotFound: the launch template does not exist", at)
            return
        version = version_at_launch(template)
        tags = self._server.tags.now if configuration.copy_tags else {}
        by_size = configuration.target_instance_type_right_sizing_method != "NONE"
        self._order = Order(
            data=version.data,
            subject=f"{self._job.subject}/{self._server.source_server_id}/ec2",
            name=hostname_of(self._server),
            origin=self._server.source_server_id,
            windows=self._server.windows,
            template=(template.template_id, version.number),
            instance_type=self._server.recommended_type if by_size else None,
            address=source_address(self._server) if configuration.copy_private_ip else None,
            tags={"Name": configuration.name or hostname_of(self._server), **tags},
        )

    def _launch_instance(self, at: datetime) -> None:
        if self._outcome is LaunchOutcome.FAILED or self._order is None:
            return
        target = self._server.configuration.launches_into
        if target:
            self._launch_into(target, at)
            return
        try:
            self._target = run(self._fleet.ec2, self._order, at)
        except ApiError as error:
            self._refused(f"{error.code}: {error.message}", at)

    def _launch_into(self, identifier: str, at: datetime) -> None:
        """Replace the volumes of an existing instance, and start it."""
        target = self._fleet.ec2.instances.get(identifier)
        if target is None or target.is_gone:
            self._refused(f"InvalidInstanceID.NotFound: The instance ID '{identifier}' does not exist", at)
            return
        self._fleet.ec2.become(target, State.PENDING, at)
        self._target = target

    def _end(self, at: datetime) -> None:
        if self._failed:
            return
        if self._target is None or self._target.is_gone:
            self._refused(self._raw_error, at)
        else:
            self._succeed(self._target, at)

    def _succeed(self, target: Instance, at: datetime) -> None:
        server, fleet = self._server, self._fleet
        stopped = server.configuration.launch_disposition == "STOPPED"
        fleet.ec2.become(target, State.STOPPED if stopped else State.RUNNING, at)
        earlier = server.instance.now
        if earlier:
            fleet.forget_instance(earlier, at)
        instance = RecoveryInstance(
            recovery_instance_id=target.instance_id,
            subject=f"{self._job.subject}/{server.source_server_id}/instance",
            server=server,
            job=self._job,
            ec2=target,
            launched_at=at,
            point_in_time=self._participant.point_in_time or replicated_until(server, at),
            tags=Timeline({}),
            record=replace(server.record),
        )
        target.protected = server.record.protected
        instance.tags.set(dict(server.tags.now), at)
        fleet.add_instance(instance)
        self._participant.instance_id.set(instance.recovery_instance_id, at)
        self._participant.launch_status.set(LaunchStatus.LAUNCHED, at)
        self._note("LAUNCH_END", at, targetInstanceID=instance.recovery_instance_id)
        _announce(fleet, self._job, server, at)
        if stopped:
            done(fleet, self._job, self._participant, at)
        else:
            finished = partial(done, fleet, self._job, self._participant)
            ActionRuns(fleet, self._participant, finished).start(at, at + self._span * _AGENT_FOUND)

    def _refused(self, reason: str, at: datetime) -> None:
        self._failed = True
        self._participant.launch_status.set(LaunchStatus.FAILED, at)
        self._note("LAUNCH_FAILED", at, rawError=reason)
        _announce(self._fleet, self._job, self._server, at)
        done(self._fleet, self._job, self._participant, at)

    def _leave(self, at: datetime) -> None:
        done(self._fleet, self._job, self._participant, at)


def replicated_until(server: SourceServer, at: datetime) -> datetime:
    """Return the last moment of the server's life whose data has arrived by ``at``."""
    return at - timedelta(seconds=server.lag_seconds)


def hostname_of(server: SourceServer) -> str:
    """Return the host name given to the server, or one made of its id."""
    return server.hostname or f"host-{server.source_server_id[2:].lower()}"


def _previous(moment: datetime, seconds: int) -> datetime:
    return moment - timedelta(seconds=seconds)
