"""The operations of DRS that the simulator knows, each as a function of a fleet and checked parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clock import parse_timestamp
from drs_simulator.drs import recovery_plans, tagging
from drs_simulator.drs.fleet import Participant
from drs_simulator.drs.jobs import start_launch, start_termination
from drs_simulator.drs.snapshots import recovery_points, snapshot_view
from drs_simulator.drs.views import hostname_of, instance_view, job_view, server_view
from drs_simulator.errors import conflict, not_found, validation_error
from drs_simulator.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet, Job, RecoveryInstance, SourceServer

    Parameters = dict[str, Any]
    Operation = Callable[[Fleet, Parameters], dict[str, Any]]


def start_recovery(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Launch recovery instances. The model allows this operation no ResourceNotFound: what is missing is a conflict."""
    requested = parameters["sourceServers"]
    identifiers = [each["sourceServerID"] for each in requested]
    _refuse_repeated(identifiers, "AWS::DRS::SourceServer")
    participants = [_participant(fleet, each) for each in requested]
    job = start_launch(fleet, participants, parameters.get("tags") or {}, is_drill=bool(parameters.get("isDrill")))
    return {"job": job_view(fleet, job)}


def _participant(fleet: Fleet, requested: dict[str, Any]) -> Participant:
    identifier = requested["sourceServerID"]
    server = fleet.servers.get(identifier)
    if server is None:
        raise conflict(f"Source server {identifier} does not exist", identifier, "AWS::DRS::SourceServer")
    snapshot = requested.get("recoverySnapshotID")
    if snapshot is None:
        return Participant(server)
    moment = recovery_points(server, fleet.world.clock.now()).get(snapshot)
    if moment is None:
        raise conflict(
            f"Source server {identifier} has no recovery snapshot {snapshot}", snapshot, "AWS::DRS::RecoverySnapshot"
        )
    return Participant(server, point_in_time=moment)


def terminate_recovery_instances(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Terminate recovery instances; one that is not there is a conflict, as in StartRecovery."""
    identifiers = parameters["recoveryInstanceIDs"]
    _refuse_repeated(identifiers, "AWS::DRS::RecoveryInstance")
    for identifier in identifiers:
        if identifier not in fleet.instances:
            raise conflict(f"Recovery instance {identifier} does not exist", identifier, "AWS::DRS::RecoveryInstance")
    job = start_termination(fleet, [fleet.instances[identifier] for identifier in identifiers])
    return {"job": job_view(fleet, job)}


def _refuse_repeated(identifiers: list[str], resource_type: str) -> None:
    seen: set[str] = set()
    for identifier in identifiers:
        if identifier in seen:
            raise conflict(f"{identifier} is named twice", identifier, resource_type)
        seen.add(identifier)


def describe_jobs(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List jobs, the latest first; an empty list of ids means all."""
    filters = parameters.get("filters") or {}
    identifiers = filters.get("jobIDs")
    earliest = _moment(filters, "fromDate")
    latest = _moment(filters, "toDate")
    jobs: list[Job] = _selected(fleet.jobs, identifiers)
    found = [
        job
        for job in jobs
        if (earliest is None or job.created_at >= earliest) and (latest is None or job.created_at <= latest)
    ]
    return page(found, parameters, lambda job: job.number, lambda job: job_view(fleet, job), descending=True)


def describe_job_log_items(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List what happened in a job, in order; an unknown job is a ValidationException, the only 4xx modelled here."""
    job = fleet.jobs.get(parameters["jobID"])
    if job is None:
        raise validation_error([("jobID", f"Job {parameters['jobID']} does not exist")])
    return page(enumerate(job.log), parameters, lambda entry: entry[0], lambda entry: entry[1])


def describe_source_servers(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List source servers by id, host name or staging account (which is always the account itself)."""
    filters = parameters.get("filters") or {}
    servers: list[SourceServer] = _selected(fleet.servers, filters.get("sourceServerIDs"))
    hardware = filters.get("hardwareId")
    accounts = filters.get("stagingAccountIDs")
    found = [
        server
        for server in servers
        if (not hardware or hostname_of(server) == hardware) and (not accounts or fleet.account in accounts)
    ]
    now = fleet.world.clock.now()
    return page(
        found, parameters, lambda server: server.source_server_id, lambda server: server_view(fleet, server, now)
    )


def describe_recovery_instances(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the recovery instances that exist: terminated and replaced ones are gone."""
    filters = parameters.get("filters") or {}
    instances: list[RecoveryInstance] = _selected(fleet.instances, filters.get("recoveryInstanceIDs"))
    servers = set(filters.get("sourceServerIDs") or [])
    found = [each for each in instances if not servers or each.server.source_server_id in servers]
    return page(found, parameters, lambda each: each.recovery_instance_id, lambda each: instance_view(fleet, each))


def describe_recovery_snapshots(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the recovery points of a server, newest first unless ``order`` is ASC."""
    server = fleet.servers.get(parameters["sourceServerID"])
    if server is None:
        raise validation_error([("sourceServerID", f"Source server {parameters['sourceServerID']} does not exist")])
    filters = parameters.get("filters") or {}
    earliest = _moment(filters, "fromDateTime")
    latest = _moment(filters, "toDateTime")
    found = [
        (identifier, moment)
        for identifier, moment in recovery_points(server, fleet.world.clock.now()).items()
        if (earliest is None or moment >= earliest) and (latest is None or moment <= latest)
    ]
    return page(
        found,
        parameters,
        lambda each: int(each[1].timestamp()),
        lambda each: snapshot_view(server, *each),
        descending=parameters.get("order") != "ASC",
    )


def get_launch_configuration(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return how a server is launched; nothing of it is set but what every server has."""
    identifier = parameters["sourceServerID"]
    if identifier not in fleet.servers:
        raise not_found(identifier, "AWS::DRS::SourceServer")
    return {"sourceServerID": identifier, "launchDisposition": "STARTED", "copyPrivateIp": False}


def initialize_service(_fleet: Fleet, _parameters: Parameters) -> dict[str, Any]:
    """Do nothing: every account of the simulator is initialised."""
    return {}


def _selected(things: dict[str, Any], identifiers: list[str] | None) -> list[Any]:
    if not identifiers:
        return list(things.values())
    return [things[identifier] for identifier in dict.fromkeys(identifiers) if identifier in things]


def _moment(filters: dict[str, Any], name: str) -> datetime | None:
    text = filters.get(name)
    if text is None:
        return None
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise validation_error([(f"filters.{name}", f"Value '{text}' at 'filters.{name}' is no date")]) from error


OPERATIONS: dict[str, Operation] = {
    "StartRecovery": start_recovery,
    "TerminateRecoveryInstances": terminate_recovery_instances,
    "DescribeJobs": describe_jobs,
    "DescribeJobLogItems": describe_job_log_items,
    "DescribeSourceServers": describe_source_servers,
    "DescribeRecoveryInstances": describe_recovery_instances,
    "DescribeRecoverySnapshots": describe_recovery_snapshots,
    "GetLaunchConfiguration": get_launch_configuration,
    "InitializeService": initialize_service,
    "TagResource": tagging.tag_resource,
    "UntagResource": tagging.untag_resource,
    "ListTagsForResource": tagging.list_tags_for_resource,
    **recovery_plans.OPERATIONS,
}
