"""What DRS tells of its things, in the field names of its model, as far as a look at them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.drs.jobs import replicated_until
from drs_simulator.drs.model import REPLICATING_SINCE, JobStatus, JobType, LaunchStatus

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, Participant, RecoveryInstance, SourceServer
    from drs_simulator.manners import Sight

_LAST_LAUNCH_RESULT = {
    LaunchStatus.PENDING: "PENDING",
    LaunchStatus.IN_PROGRESS: "PENDING",
    LaunchStatus.LAUNCHED: "SUCCEEDED",
    LaunchStatus.FAILED: "FAILED",
}


def job_view(fleet: Fleet, job: Job, sight: Sight) -> dict[str, Any] | None:
    """Return a Job of the DRS model; None for one that does not show yet."""
    moment = sight.moment(job.subject)
    if moment < job.created_at:
        return None
    participants = [_participant_view(name, each, moment) for name, each in job.participants.items()]
    view: dict[str, Any] = {
        "jobID": job.job_id,
        "arn": fleet.arn("job", job.job_id),
        "type": job.type.value,
        "initiatedBy": _initiated_by(job),
        "creationDateTime": timestamp(job.created_at),
        "status": job.status.at(moment).value,
        "participatingServers": sight.ordered(participants, lambda each: each["sourceServerID"]),
        "tags": dict(job.tags.at(sight.moment(f"{job.subject}/tags"))),
    }
    if job.ended_at and job.ended_at <= moment:
        view["endDateTime"] = timestamp(job.ended_at)
    return view


def _participant_view(name: str, participant: Participant, moment: datetime) -> dict[str, Any]:
    view = {"sourceServerID": name, "launchStatus": participant.launch_status.at(moment).value}
    instance_id = participant.instance_id.at(moment)
    return view | ({"recoveryInstanceID": instance_id} if instance_id else {})


def _initiated_by(job: Job) -> str:
    if job.type is JobType.TERMINATE:
        return "TERMINATE_RECOVERY_INSTANCES"
    return "START_DRILL" if job.is_drill else "START_RECOVERY"


def instance_view(fleet: Fleet, instance: RecoveryInstance, sight: Sight) -> dict[str, Any] | None:
    """Return a RecoveryInstance of the DRS model; None for one that does not show yet, or no more."""
    moment = sight.moment(instance.subject)
    if moment < instance.launched_at or (instance.gone_at and instance.gone_at <= moment):
        return None
    return {
        "recoveryInstanceID": instance.recovery_instance_id,
        "arn": fleet.arn("recovery-instance", instance.recovery_instance_id),
        "ec2InstanceID": instance.recovery_instance_id,
        # DRS asks EC2, which has a view of its own of what there is.
        "ec2InstanceState": instance.state.at(sight.moment(f"{instance.subject}/ec2")),
        "sourceServerID": instance.server.source_server_id,
        "jobID": instance.job.job_id,
        "isDrill": instance.job.is_drill,
        "pointInTimeSnapshotDateTime": timestamp(instance.point_in_time),
        "originEnvironment": "ON_PREMISES",
        "failback": {"state": "FAILBACK_NOT_STARTED"},
        "dataReplicationInfo": {"dataReplicationState": "NOT_STARTED"},
        "recoveryInstanceProperties": {
            "lastUpdatedDateTime": timestamp(instance.launched_at),
            "identificationHints": {"hostname": hostname_of(instance.server)},
        },
        "tags": dict(instance.tags.at(sight.moment(f"{instance.subject}/tags"))),
    }


def server_view(fleet: Fleet, server: SourceServer, sight: Sight) -> dict[str, Any]:
    """Return a SourceServer of the DRS model.

    A server that is not recoverable has not finished its initial sync, so it has no recovery point yet.
    """
    subject = fleet.arn("source-server", server.source_server_id)
    moment = sight.moment(subject)
    view: dict[str, Any] = {
        "sourceServerID": server.source_server_id,
        "arn": subject,
        "tags": dict(server.tags.at(sight.moment(f"{subject}/tags"))),
        "lastLaunchResult": "NOT_STARTED",
        "dataReplicationInfo": _replication(server),
        "lifeCycle": {
            "addedToServiceDateTime": timestamp(server.added_at - REPLICATING_SINCE),
            "firstByteDateTime": timestamp(server.added_at - REPLICATING_SINCE),
            "lastSeenByServiceDateTime": timestamp(replicated_until(server, moment)),
        },
        "sourceProperties": {
            "lastUpdatedDateTime": timestamp(server.added_at),
            "recommendedInstanceType": "t3.medium",
            "identificationHints": {"hostname": hostname_of(server)},
            "os": {"fullString": "Linux"},
        },
        "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": fleet.account},
        "replicationDirection": "FAILOVER",
    }
    instance, launch = server.instance.at(moment), server.last_launch.at(moment)
    if instance:
        view["recoveryInstanceId"] = instance.recovery_instance_id
    if launch:
        view["lifeCycle"]["lastLaunch"] = _last_launch(server, launch, moment)
        view["lastLaunchResult"] = _LAST_LAUNCH_RESULT[_own_status(server, launch, moment)]
    return view


def hostname_of(server: SourceServer) -> str:
    """Return the host name given to the server, or one made of its id."""
    return server.hostname or f"host-{server.source_server_id[2:].lower()}"


def _replication(server: SourceServer) -> dict[str, Any]:
    if not server.recoverable:
        return {"dataReplicationState": "INITIAL_SYNC"}
    state = "BACKLOG" if server.lag_seconds else "CONTINUOUS"
    return {"dataReplicationState": state, "lagDuration": f"PT{server.lag_seconds}S"}


def _own_status(server: SourceServer, job: Job, moment: datetime) -> LaunchStatus:
    return job.participants[server.source_server_id].launch_status.at(moment)


def _last_launch(server: SourceServer, job: Job, moment: datetime) -> dict[str, Any]:
    initiated = {
        "apiCallDateTime": timestamp(job.created_at),
        "jobID": job.job_id,
        "type": "DRILL" if job.is_drill else "RECOVERY",
    }
    status = _own_status(server, job, moment)
    ended = job.status.at(moment) is JobStatus.COMPLETED
    gone = status is LaunchStatus.LAUNCHED and server.instance.at(moment) is None and ended
    return {"initiated": initiated, "status": (LaunchStatus.TERMINATED if gone else status).value}
