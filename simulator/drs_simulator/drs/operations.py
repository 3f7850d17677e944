"""The operations of DRS that the simulator knows, each as a function of a fleet and checked parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import parse_timestamp
from drs_simulator.drs import launch_configurations, recovery_plans, tagging
from drs_simulator.drs.launches import hostname_of, start_launch
from drs_simulator.drs.model import Participant
from drs_simulator.drs.snapshots import is_complete, recovery_points, snapshot_view
from drs_simulator.drs.terminations import start_termination
from drs_simulator.drs.views import instance_view, job_view, server_view
from drs_simulator.errors import conflict, validation_error
from drs_simulator.manners import SNAPSHOT_TIMESTAMP, Exact
from drs_simulator.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import Job, RecoveryInstance, SourceServer

    Parameters = dict[str, Any]
    Operation = Callable[[Fleet, Parameters], dict[str, Any]]


def start_recovery(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Launch recovery instances. The model allows this operation no ResourceNotFound: what is missing is a conflict."""
    requested = parameters["sourceServers"]
    identifiers = [each["sourceServerID"] for each in requested]
    _refuse_repeated(identifiers, "AWS::DRS::SourceServer")
    participants = [_participant(fleet, each) for each in requested]
    job = start_launch(fleet, participants, parameters.get("tags") or {}, is_drill=bool(parameters.get("isDrill")))
    return {"job": _new(fleet, job)}


def _participant(fleet: Fleet, requested: dict[str, Any]) -> Participant:
    identifier = requested["sourceServerID"]
    server = fleet.servers.get(identifier)
    if server is None:
        raise conflict(f"Source server {identifier} does not exist", identifier, "AWS::DRS::SourceServer")
    snapshot = requested.get("recoverySnapshotID")
    if snapshot is None:
        return Participant(server)
    moment = recovery_points(server, fleet.world.clock.now()).get(snapshot)
    if moment is None or not _is_complete(fleet, server, snapshot, moment):
        raise conflict(
            f"Source server {identifier} has no complete recovery snapshot {snapshot}",
            snapshot,
            "AWS::DRS::RecoverySnapshot",
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
    return {"job": _new(fleet, job)}


def _is_complete(fleet: Fleet, server: SourceServer, snapshot: str, moment: datetime) -> bool:
    shows_at_once = not fleet.world.lens.omits(SNAPSHOT_TIMESTAMP, snapshot)
    return shows_at_once or is_complete(server, moment, fleet.world.clock.now())


def _new(fleet: Fleet, job: Job) -> dict[str, Any]:
    """Return a job that has just been made: its caller gets all of it."""
    return job_view(fleet, job, Exact(fleet.world.clock.now())) or {}


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
    lens = fleet.world.lens
    key = lens.key(lambda job: job.number)
    return page(found, parameters, key, lambda job: job_view(fleet, job, lens), descending=True)


def describe_job_log_items(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List what happened in a job, in order; an unknown job is a ValidationException, the only 4xx modelled here."""
    job = fleet.jobs.get(parameters["jobID"])
    lens = fleet.world.lens
    moment = lens.moment(f"{job.subject}/log") if job else None
    if job is None or moment is None or moment < job.created_at:
        raise validation_error([("jobID", f"Job {parameters['jobID']} does not exist")])
    shown = [(number, item.view) for number, item in enumerate(job.log) if item.at <= moment]
    return page(shown, parameters, lens.key(lambda entry: entry[0]), lambda entry: entry[1])


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
    lens = fleet.world.lens
    key = lens.key(lambda server: server.source_server_id)
    return page(found, parameters, key, lambda server: server_view(fleet, server, lens))


def describe_recovery_instances(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the recovery instances that exist: terminated and replaced ones are gone."""
    filters = parameters.get("filters") or {}
    known = fleet.instances | fleet.gone
    instances: list[RecoveryInstance] = _selected(known, filters.get("recoveryInstanceIDs"))
    servers = set(filters.get("sourceServerIDs") or [])
    found = [each for each in instances if not servers or each.server.source_server_id in servers]
    lens = fleet.world.lens
    key = lens.key(lambda each: each.recovery_instance_id, lambda each: each.subject)
    return page(found, parameters, key, lambda each: instance_view(fleet, each, lens))


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
    order = parameters.get("order")

    def moment_of(entry: tuple[str, datetime]) -> int:
        return int(entry[1].timestamp())

    return page(
        found,
        parameters,
        moment_of if order else fleet.world.lens.key(moment_of),
        lambda each: snapshot_view(server, *each, complete=_is_complete(fleet, server, *each)),
        descending=order != "ASC",
    )


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
    "InitializeService": initialize_service,
    "TagResource": tagging.tag_resource,
    "UntagResource": tagging.untag_resource,
    "ListTagsForResource": tagging.list_tags_for_resource,
    **launch_configurations.OPERATIONS,
    **recovery_plans.OPERATIONS,
}
