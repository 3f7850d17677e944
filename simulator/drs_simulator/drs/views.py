"""What DRS tells of its things, in the field names of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.drs.jobs import replicated_until
from drs_simulator.drs.model import REPLICATING_SINCE, JobStatus, JobType, LaunchStatus

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, RecoveryInstance, SourceServer

_LAST_LAUNCH_RESULT = {
    LaunchStatus.PENDING: "PENDING",
    LaunchStatus.IN_PROGRESS: "PENDING",
    LaunchStatus.LAUNCHED: "SUCCEEDED",
    LaunchStatus.FAILED: "FAILED",
}


def job_view(fleet: Fleet, job: Job) -> dict[str, Any]:
    """Return a Job of the DRS model."""
    view: dict[str, Any] = {
        "jobID": job.job_id,
        "arn": fleet.arn("job", job.job_id),
        "type": job.type.value,
        "initiatedBy": _initiated_by(job),
        "creationDateTime": timestamp(job.created_at),
        "status": job.status.value,
        "participatingServers": [],
        "tags": dict(job.tags),
    }
    for source_server_id, participant in job.participants.items():
        server = {"sourceServerID": source_server_id, "launchStatus": participant.launch_status.value}
        if participant.recovery_instance_id:
            server["recoveryInstanceID"] = participant.recovery_instance_id
        view["participatingServers"].append(server)
    if job.ended_at:
        view["endDateTime"] = timestamp(job.ended_at)
    return view


def _initiated_by(job: Job) -> str:
    if job.type is JobType.TERMINATE:
        return "TERMINATE_RECOVERY_INSTANCES"
    return "START_DRILL" if job.is_drill else "START_RECOVERY"


def instance_view(fleet: Fleet, instance: RecoveryInstance) -> dict[str, Any]:
    """Return a RecoveryInstance of the DRS model."""
    return {
        "recoveryInstanceID": instance.recovery_instance_id,
        "arn": fleet.arn("recovery-instance", instance.recovery_instance_id),
        "ec2InstanceID": instance.recovery_instance_id,
        "ec2InstanceState": instance.state,
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
        "tags": dict(instance.tags),
    }


def server_view(fleet: Fleet, server: SourceServer, now: datetime) -> dict[str, Any]:
    """Return a SourceServer of the DRS model.

    A server that is not recoverable has not finished its initial sync, so it has no recovery point yet.
    """
    view: dict[str, Any] = {
        "sourceServerID": server.source_server_id,
        "arn": fleet.arn("source-server", server.source_server_id),
        "tags": dict(server.tags),
        "lastLaunchResult": "NOT_STARTED",
        "dataReplicationInfo": _replication(server),
        "lifeCycle": {
            "addedToServiceDateTime": timestamp(server.added_at - REPLICATING_SINCE),
            "firstByteDateTime": timestamp(server.added_at - REPLICATING_SINCE),
            "lastSeenByServiceDateTime": timestamp(replicated_until(server, now)),
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
    if server.recovery_instance_id:
        view["recoveryInstanceId"] = server.recovery_instance_id
    if server.last_launch:
        view["lifeCycle"]["lastLaunch"] = _last_launch(server, server.last_launch)
        view["lastLaunchResult"] = _LAST_LAUNCH_RESULT[_own_status(server, server.last_launch)]
    return view


def hostname_of(server: SourceServer) -> str:
    """Return the host name given to the server, or one made of its id."""
    return server.hostname or f"host-{server.source_server_id[2:].lower()}"


def _replication(server: SourceServer) -> dict[str, Any]:
    if not server.recoverable:
        return {"dataReplicationState": "INITIAL_SYNC"}
    state = "BACKLOG" if server.lag_seconds else "CONTINUOUS"
    return {"dataReplicationState": state, "lagDuration": f"PT{server.lag_seconds}S"}


def _own_status(server: SourceServer, job: Job) -> LaunchStatus:
    return job.participants[server.source_server_id].launch_status


def _last_launch(server: SourceServer, job: Job) -> dict[str, Any]:
    initiated = {
        "apiCallDateTime": timestamp(job.created_at),
        "jobID": job.job_id,
        "type": "DRILL" if job.is_drill else "RECOVERY",
    }
    status = _own_status(server, job)
    gone = status is LaunchStatus.LAUNCHED and server.recovery_instance_id is None and job.status is JobStatus.COMPLETED
    return {"initiated": initiated, "status": (LaunchStatus.TERMINATED if gone else status).value}
