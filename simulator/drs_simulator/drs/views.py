"""What DRS reports about its things, in the field names of its model, as far as a read shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.drs.fleet import source_address
from drs_simulator.drs.launch_actions import has_failed
from drs_simulator.drs.launches import hostname_of, replicated_until
from drs_simulator.drs.model import REPLICATING_SINCE, JobStatus, JobType, LaunchStatus

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, Participant, RecoveryInstance, SourceServer
    from drs_simulator.manners import ReadModel

_LAST_LAUNCH_RESULT = {
    LaunchStatus.PENDING: "PENDING",
    LaunchStatus.IN_PROGRESS: "PENDING",
    LaunchStatus.LAUNCHED: "SUCCEEDED",
    LaunchStatus.FAILED: "FAILED",
}


def job_view(fleet: Fleet, job: Job, read: ReadModel) -> dict[str, Any] | None:
    """Return a Job of the DRS model; None for one that does not show yet."""
    moment = read.moment(job.subject)
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
        "participatingServers": read.ordered(participants, lambda each: each["sourceServerID"]),
        "tags": dict(job.tags.at(read.moment(f"{job.subject}/tags"))),
    }
    if job.ended_at and job.ended_at <= moment:
        view["endDateTime"] = timestamp(job.ended_at)
    return view


def _participant_view(name: str, participant: Participant, moment: datetime) -> dict[str, Any]:
    view: dict[str, Any] = {"sourceServerID": name, "launchStatus": participant.launch_status.at(moment).value}
    instance_id, actions = participant.instance_id.at(moment), participant.actions.at(moment)
    if instance_id:
        view["recoveryInstanceID"] = instance_id
    if actions:
        view["launchActionsStatus"] = actions
    return view


def _initiated_by(job: Job) -> str:
    if job.type is JobType.TERMINATE:
        return "TERMINATE_RECOVERY_INSTANCES"
    return "START_DRILL" if job.is_drill else "START_RECOVERY"


def instance_view(fleet: Fleet, instance: RecoveryInstance, read: ReadModel) -> dict[str, Any] | None:
    """Return a RecoveryInstance of the DRS model; None for one that does not show yet, or no more."""
    moment = read.moment(instance.subject)
    if moment < instance.launched_at or (instance.gone_at and instance.gone_at <= moment):
        return None
    server = instance.server
    view: dict[str, Any] = {
        "recoveryInstanceID": instance.recovery_instance_id,
        "arn": fleet.arn("recovery-instance", instance.recovery_instance_id),
        "ec2InstanceID": instance.recovery_instance_id,
        "ec2InstanceState": _ec2_state(fleet, instance, read),
        "sourceServerID": server.source_server_id,
        "jobID": instance.job.job_id,
        "isDrill": instance.job.is_drill,
        "pointInTimeSnapshotDateTime": timestamp(instance.point_in_time),
        "originEnvironment": server.origin_environment,
        "dataReplicationInfo": {"dataReplicationState": "NOT_STARTED"},
        "recoveryInstanceProperties": {
            "lastUpdatedDateTime": timestamp(instance.launched_at),
            "identificationHints": {"hostname": hostname_of(server)},
        },
        "tags": dict(instance.tags.at(read.moment(f"{instance.subject}/tags"))),
    }
    if instance.record.failback_state:
        view["failback"] = {"state": instance.record.failback_state}
    return view


def _ec2_state(fleet: Fleet, instance: RecoveryInstance, read: ReadModel) -> str:
    """Return the state that EC2 reports to DRS; it may not show an instance yet, and after a while no more."""
    moment = read.moment(f"{instance.subject}/ec2")
    if moment < instance.launched_at or instance.recovery_instance_id not in fleet.ec2.instances:
        return "NOT_FOUND"
    return instance.ec2.state.at(moment).value.upper()


def server_view(fleet: Fleet, server: SourceServer, read: ReadModel) -> dict[str, Any]:
    """Return a SourceServer of the DRS model.

    A server that is not recoverable has not finished its initial sync, so it has no recovery point yet.
    """
    moment = read.moment(server.subject)
    since = timestamp(server.added_at - REPLICATING_SINCE)
    view: dict[str, Any] = {
        "sourceServerID": server.source_server_id,
        "arn": server.subject,
        "tags": dict(server.tags.at(read.moment(f"{server.subject}/tags"))),
        "lastLaunchResult": "NOT_STARTED",
        "dataReplicationInfo": _replication(server),
        "lifeCycle": {
            "addedToServiceDateTime": since,
            "firstByteDateTime": since,
            "lastSeenByServiceDateTime": timestamp(replicated_until(server, moment)),
        },
        "sourceProperties": _properties(server),
        "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": fleet.account},
        "replicationDirection": server.replication_direction,
    }
    if server.origin_environment == "AWS":
        view["sourceCloudProperties"] = {"originAccountID": fleet.account, "originRegion": fleet.region}
    instance, launch = server.instance.at(moment), server.last_launch.at(moment)
    if instance:
        view["recoveryInstanceId"] = instance.recovery_instance_id
    if launch:
        view["lifeCycle"]["lastLaunch"] = _last_launch(server, launch, moment)
        view["lastLaunchResult"] = _last_result(server, launch, moment)
    return view


def _properties(server: SourceServer) -> dict[str, Any]:
    return {
        "lastUpdatedDateTime": timestamp(server.added_at),
        "recommendedInstanceType": server.recommended_type,
        "identificationHints": {"hostname": hostname_of(server)},
        "networkInterfaces": [{"ips": [str(source_address(server))], "isPrimary": True}],
        "os": {"fullString": "Windows Server" if server.windows else "Linux"},
    }


def _replication(server: SourceServer) -> dict[str, Any]:
    if server.replication_state:
        state = server.replication_state
    elif not server.recoverable:
        state = "INITIAL_SYNC"
    else:
        state = "BACKLOG" if server.lag_seconds else "CONTINUOUS"
    lag = {"lagDuration": f"PT{server.lag_seconds}S"} if server.recoverable else {}
    return {"dataReplicationState": state, **lag}


def _last_result(server: SourceServer, job: Job, moment: datetime) -> str:
    participant = job.participants[server.source_server_id]
    if has_failed(participant, moment):
        return "FAILED"
    return _LAST_LAUNCH_RESULT[participant.launch_status.at(moment)]


def _last_launch(server: SourceServer, job: Job, moment: datetime) -> dict[str, Any]:
    initiated = {
        "apiCallDateTime": timestamp(job.created_at),
        "jobID": job.job_id,
        "type": "DRILL" if job.is_drill else "RECOVERY",
    }
    status = job.participants[server.source_server_id].launch_status.at(moment)
    ended = job.status.at(moment) is JobStatus.COMPLETED
    gone = status is LaunchStatus.LAUNCHED and server.instance.at(moment) is None and ended
    return {"initiated": initiated, "status": (LaunchStatus.TERMINATED if gone else status).value}
