"""Elastic Disaster Recovery: the calls a recovery needs.

StartRecovery and TerminateRecoveryInstances take no client token: they are never repeated (`unrepeated`).
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wavebreak.aws.reads_by_id import ReadsById
from wavebreak.aws.unrepeated import judged
from wavebreak.domain.drs import (
    DESCRIBE_INSTANCES,
    DESCRIBE_SERVERS,
    GET_LAUNCH_CONFIGURATION,
    GONE,
    IDS_A_CALL,
    Instance,
    RecentJob,
    RecoveryPoint,
    SourceServer,
)
from wavebreak.domain.executions.launching.launch_tags import job_tags, key_of
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import JobLog, JobView, ServerView
from wavebreak.problems import Unavailable
from wavebreak.timing import CLOCK_SKEW, iso, known_time, parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_drs.client import DrsClient

    from wavebreak.domain.drs import Trouble
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.launch_templates.model import LaunchConfiguration
    from wavebreak.domain.plans.drs_recovery_plans import NativePlan

T = TypeVar("T")

logger = logging.getLogger(__name__)

JOB_IDS_A_CALL: Final = 1000
_JOB_END: Final = "JOB_END"
_LAUNCH_END: Final = "LAUNCH_END"
"""An event of real job logs that the service model does not list."""
_RECENT: Final = timedelta(days=3)
"""How far back unfinished jobs are looked for. DRS ends a job within hours."""
_A_DAY_SECONDS: Final = 86_400
_LONGEST_NAME: Final = 256
"""Characters of a server's name that are kept: as long as a tag may be."""
_FAILOVER: Final = "FAILOVER"
_SNAPSHOTS_A_PAGE: Final = 10
"""The newest one may be in progress; the one before it is finished."""
_POINTS_A_PAGE: Final = 500
"""At its longest retention DRS keeps some 400 points of a server: one call reports them all."""
_LOG_ITEMS_A_CALL: Final = 1000
_LAUNCH_STATUSES: Final = {status.value: status for status in LaunchStatus}
_JOB_STATUSES: Final = frozenset({"PENDING", "STARTED", "COMPLETED"})


class Drs:
    """DRS of one account and Region."""

    def __init__(self, client: DrsClient, once: DrsClient, by_id: ReadsById | None = None) -> None:
        """Keep a client that repeats failed reads, one that never repeats a call, and what reads were refused."""
        self.client = client
        self.once = once
        self._by_id = by_id or ReadsById()

    def jobs(self, job_ids: Sequence[str]) -> tuple[dict[str, JobView], frozenset[str]]:
        """Describe jobs, up to a thousand in one call; return the state of each, and the ids that DRS did not name."""
        views: dict[str, JobView] = {}
        for start in range(0, len(job_ids), JOB_IDS_A_CALL):
            wanted = list(job_ids[start : start + JOB_IDS_A_CALL])
            for job in self._pages("describe_jobs", filters={"jobIDs": wanted}, maxResults=JOB_IDS_A_CALL):
                views[job["jobID"]] = _view(job)
        return views, frozenset(job_ids) - views.keys()

    def recent_jobs(self, now: datetime) -> list[RecentJob]:
        """List the jobs of the last days, ended or not, of all callers."""
        recent = self._pages("describe_jobs", filters={"fromDate": iso(now - _RECENT)}, maxResults=JOB_IDS_A_CALL)
        return [_recent(job) for job in recent]

    def active_jobs(self, now: datetime) -> list[RecentJob]:
        """List the jobs that have not ended, other people's too: they count against the quotas."""
        return [job for job in self.recent_jobs(now) if not job.ended]

    def find_launches(self, execution_id: str, intents: Sequence[Job]) -> dict[tuple[int, int, int], str]:
        """Return the ids of jobs that our intents started, by the intents' keys, found by their tags in one call."""
        since = min(job.intended_at for job in intents) - CLOCK_SKEW
        wanted = {job.key: job_tags(execution_id, job).items() for job in intents}
        return {
            key: str(shown["jobID"])
            for shown in self._pages("describe_jobs", filters={"fromDate": iso(since)}, maxResults=JOB_IDS_A_CALL)
            for key, tags in wanted.items()
            if tags <= shown.get("tags", {}).items()
        }

    def launches_of(self, execution_id: str, since: datetime) -> dict[str, tuple[tuple[int, int, int], frozenset[str]]]:
        """Return the jobs that carry the tags of an execution: the tags and the participants, by the job's id."""
        found = {}
        filters = {"fromDate": iso(since - CLOCK_SKEW)}
        for shown in self._pages("describe_jobs", filters=filters, maxResults=JOB_IDS_A_CALL):
            key = key_of(execution_id, shown.get("tags", {}))
            if key is not None:
                found[str(shown["jobID"])] = (key, _recent(shown).servers)
        return found

    def source_servers(self, ids: Sequence[str]) -> dict[str, SourceServer]:
        """Describe source servers by id; one that does not exist is left out."""
        asked = (DESCRIBE_SERVERS, "describe_source_servers", "sourceServerIDs")
        return {
            server.source_server_id: server for server in self._read_by_id(*asked, ids, partial(map, _source_server))
        }

    def tags_by_server(self) -> dict[str, Mapping[str, str]]:
        """List every source server that a failover starts from with its tags: DRS has no filter for them.

        After a reversal there are servers of the direction FAILBACK, which carry the tags of the others.
        """
        servers = self._pages("describe_source_servers", filters={}, maxResults=IDS_A_CALL)
        return {
            server["sourceServerID"]: server.get("tags", {})
            for server in servers
            if server.get("replicationDirection", _FAILOVER) == _FAILOVER
        }

    def instances(self, source_server_ids: Sequence[str]) -> list[Instance]:
        """List the recovery instances of source servers; one that no longer exists in EC2 does not count."""
        return self._instances("sourceServerIDs", source_server_ids, GONE)

    def every_instance(self, source_server_ids: Sequence[str]) -> list[Instance]:
        """List the recovery instances that DRS has of source servers, in whatever state."""
        return self._instances("sourceServerIDs", source_server_ids)

    def _instances(self, filtered_by: str, ids: Sequence[str], but: Collection[str] = ()) -> list[Instance]:
        """List recovery instances but those in some states; those count as reported."""

        def shown(items: Iterator[dict[str, Any]]) -> Iterator[Instance]:
            return (each for each in map(_instance, items) if each.state not in but)

        return self._read_by_id(DESCRIBE_INSTANCES, "describe_recovery_instances", filtered_by, ids, shown)

    def _read_by_id(
        self,
        name: str,
        operation: str,
        filtered_by: str,
        ids: Sequence[str],
        shown: Callable[[Iterator[dict[str, Any]]], Iterator[T]],
    ) -> list[T]:
        """Read subjects by their ids, as `shown` makes them; raise PartialReadError where DRS does not report some."""

        def ask(client: DrsClient, batch: Sequence[str]) -> Iterator[T]:
            wanted = {filtered_by: list(batch)}
            return shown(self._pages(operation, client=client, filters=wanted, maxResults=IDS_A_CALL))

        # The ids at fault are searched without further attempts: the first call had made them all.
        return self._by_id.read(name, ids, IDS_A_CALL, partial(ask, self.client), partial(ask, self.once))

    def instances_named(self, recovery_instance_ids: Sequence[str]) -> list[Instance]:
        """List recovery instances by their ids, as `instances` does by source server."""
        return self._instances("recoveryInstanceIDs", recovery_instance_ids, GONE)

    def launches_into(self, source_server_id: str) -> bool:
        """Return whether a source server is launched into an instance that exists, by its launch configuration."""
        return self.launch_configuration(source_server_id).launches_into is not None

    def launch_configurations(
        self, source_server_ids: Iterable[str], over: Callable[[], bool]
    ) -> Mapping[str, LaunchConfiguration | Trouble]:
        """Read launch configurations by source server, or the Trouble with each; none is begun once `over` says so."""
        from wavebreak.aws.few_at_once import each_of  # noqa: PLC0415  drills with networks only

        return each_of(GET_LAUNCH_CONFIGURATION, source_server_ids, self.launch_configuration, over=over)

    def launch_configuration(self, source_server_id: str) -> LaunchConfiguration:
        """Read how a source server is launched; DRS reports one a call."""
        from wavebreak.domain.launch_templates.reading import launch_configuration  # noqa: PLC0415  few functions ask

        return launch_configuration(
            self.client.get_launch_configuration(sourceServerID=source_server_id), source_server_id
        )

    def newest_snapshot(self, source_server_id: str) -> str | None:
        """Return the moment (RFC 3339) of a server's newest finished recovery snapshot; None when it has none."""
        newest = self.newest_point(source_server_id)
        return iso(newest.at) if newest else None

    def newest_point(self, source_server_id: str, before: datetime | None = None) -> RecoveryPoint | None:
        """Return a server's newest finished recovery point, not later than `before`; None when it has none.

        With `before` every point is read, because DRS does not document their order.
        """
        if before is not None:
            return next(iter(self.recovery_points(source_server_id, before)), None)
        for page in self._pages_of_points(source_server_id, _SNAPSHOTS_A_PAGE):
            if page:
                return max(page, key=lambda point: point.at)
        return None

    def recovery_points(self, source_server_id: str, before: datetime | None) -> list[RecoveryPoint]:
        """List a server's finished recovery points, not later than `before`, the newest first."""
        pages = self._pages_of_points(source_server_id, _POINTS_A_PAGE)
        found = (point for page in pages for point in page if before is None or point.at <= before)
        return sorted(found, key=lambda point: point.at, reverse=True)

    def _pages_of_points(self, source_server_id: str, size: int) -> Iterator[list[RecoveryPoint]]:
        """Read recovery points, the newest pages first; one that is being taken has no moment yet, and is left out."""
        paginator = self.client.get_paginator("describe_recovery_snapshots")
        for page in paginator.paginate(
            sourceServerID=source_server_id, order="DESC", PaginationConfig={"PageSize": size}
        ):
            yield [
                RecoveryPoint(item["snapshotID"], parse_iso(item["timestamp"]))
                for item in page["items"]
                if item.get("timestamp")
            ]

    def native_plan(self, arn: str) -> NativePlan:
        """Read a Recovery Plan of DRS with its steps, in their order; Unavailable where the SDK does not know them.

        The SDK comes with the Lambda runtime, and may be older than these plans.
        """
        from wavebreak.domain.plans.drs_recovery_plans import read_native  # noqa: PLC0415  only an import pays for this one

        if not hasattr(self.client, "get_recovery_plan"):
            raise Unavailable(
                "The AWS SDK of this Lambda runtime does not know the Recovery Plans of DRS yet",
                retry_after_seconds=_A_DAY_SECONDS,
            )
        plan = self.client.get_recovery_plan(recoveryPlanArn=arn)["recoveryPlan"]
        pages = self.client.get_paginator("list_recovery_plan_steps").paginate(recoveryPlanArn=arn)
        return read_native(plan, [step for page in pages for step in page["recoveryPlanSteps"]])

    def job_log(self, job_id: str) -> JobLog:
        """Read a job's log: why servers failed, which instances were launched, and from which older recovery points."""
        failures: dict[str, str] = {}
        instances: dict[str, str] = {}
        older: set[str] = set()
        launched: set[str] = set()
        ended = False
        items = self.job_log_items(job_id)
        for item in sorted(items, key=lambda item: str(item.get("logDateTime", ""))):
            data = item.get("eventData", {})
            event = item.get("event", "")
            server = data.get("sourceServerID")
            ended = ended or event == _JOB_END
            if not server:
                continue
            if event.endswith(("_FAIL", "_FAILED")) or event == "SERVER_SKIPPED":
                failures[server] = f"{event}: {data['rawError']}" if data.get("rawError") else event
            elif event == "USING_PREVIOUS_SNAPSHOT":
                older.add(server)
            elif event == _LAUNCH_END:
                launched.add(server)
                instances |= {server: data["targetInstanceID"]} if data.get("targetInstanceID") else {}
        reported = frozenset(launched | failures.keys())
        return JobLog(failures, instances, frozenset(older), tuple(items), reported, ended)

    def job_log_items(self, job_id: str) -> list[dict[str, Any]]:
        """Read the items of a job's log as DRS gives them, a thousand a call."""
        return list(self._pages("describe_job_log_items", jobID=job_id, maxResults=_LOG_ITEMS_A_CALL))

    def start_recovery(self, servers: Sequence[Server], *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Start one launch job and give its id; raise CallRejectedError or OutcomeUnknownError."""
        wanted: list[Any] = [
            {"sourceServerID": server.source_server_id}
            | ({"recoverySnapshotID": server.snapshot_id} if server.snapshot_id else {})
            for server in servers
        ]
        answer = judged(
            lambda: self.once.start_recovery(sourceServers=wanted, isDrill=is_drill, tags=dict(tags)),
        )
        return str(answer["job"]["jobID"])

    def terminate(self, recovery_instance_ids: Sequence[str]) -> str:
        """Start one terminate job for up to 200 instances and give its id.

        Raise CallRejectedError or OutcomeUnknownError.
        """
        answer = judged(
            lambda: self.once.terminate_recovery_instances(recoveryInstanceIDs=list(recovery_instance_ids)),
        )
        return str(answer["job"]["jobID"])

    def _pages(self, operation: str, *, client: DrsClient | None = None, **parameters: Any) -> Iterator[dict[str, Any]]:
        paginator = (client or self.client).get_paginator(operation)  # type: ignore[call-overload]  # the name is one of four
        for page in paginator.paginate(**parameters):
            yield from page["items"]


def _instance(item: Mapping[str, Any]) -> Instance:
    return Instance(
        item["recoveryInstanceID"],
        item.get("sourceServerID", ""),
        item.get("jobID", ""),
        item.get("isDrill", False),
        item.get("ec2InstanceState"),
        parse_iso(moment) if (moment := item.get("pointInTimeSnapshotDateTime")) else None,
        item.get("failback", {}).get("state"),
    )


def _source_server(server: Mapping[str, Any]) -> SourceServer:
    replication = server.get("dataReplicationInfo", {})
    launch = server.get("lifeCycle", {}).get("lastLaunch", {}).get("initiated", {})
    return SourceServer(
        server["sourceServerID"],
        replication.get("dataReplicationState"),
        replication.get("lagDuration"),
        server.get("recoveryInstanceId"),
        launch.get("type"),
        _name_of(server),
        _address_of(server),
        server.get("sourceProperties", {}).get("recommendedInstanceType"),
        _hardware_of(server),
    )


def _hardware_of(server: Mapping[str, Any]) -> str | None:
    """Write down what a source server is made of; None where DRS does not report."""
    properties = server.get("sourceProperties", {})
    reported = {name: properties[name] for name in ("cpus", "ramBytes", "disks", "os") if properties.get(name)}
    return json.dumps(reported, sort_keys=True, separators=(",", ":"), default=str) if reported else None


def _address_of(server: Mapping[str, Any]) -> str | None:
    """Return the first IPv4 address of a source server's primary network interface."""
    interfaces = server.get("sourceProperties", {}).get("networkInterfaces", [])
    for interface in sorted(interfaces, key=lambda each: not each.get("isPrimary")):
        for address in interface.get("ips", []):
            if ":" not in address:
                return str(address)
    return None


def _name_of(server: Mapping[str, Any]) -> str | None:
    """Return the Name tag of a source server, or else its host name."""
    hints = server.get("sourceProperties", {}).get("identificationHints", {})
    found = server.get("tags", {}).get("Name") or hints.get("hostname") or hints.get("fqdn")
    return str(found)[:_LONGEST_NAME] if found else None


def _recent(job: Mapping[str, Any]) -> RecentJob:
    members = job.get("participatingServers", [])
    servers = frozenset(member["sourceServerID"] for member in members if member.get("sourceServerID"))
    instances = frozenset(member["recoveryInstanceID"] for member in members if member.get("recoveryInstanceID"))
    ended = job.get("status") == "COMPLETED"
    kind, initiated_by = str(job.get("type", "")), str(job.get("initiatedBy", ""))
    ended_at = known_time(job.get("endDateTime"))
    return RecentJob(job["jobID"], kind, servers, job.get("tags", {}), ended, instances, initiated_by, ended_at)


def _view(job: Mapping[str, Any]) -> JobView:
    status = job.get("status")
    if status not in _JOB_STATUSES:
        logger.warning("DRS job %s has the unknown status %r: polling on", job.get("jobID"), status)
    members = job.get("participatingServers", [])
    named = {server: _server_view(member) for member in members if (server := member.get("sourceServerID"))}
    return JobView(status == "COMPLETED", named)


def _server_view(member: Mapping[str, Any]) -> ServerView:
    word = member.get("launchStatus")
    status = _LAUNCH_STATUSES.get(word or "")
    if word is not None and status is None:
        logger.warning("server %s has the unknown launch status %r", member.get("sourceServerID"), word)
    runs: list[Mapping[str, Any]] = member.get("launchActionsStatus", {}).get("runs", [])
    failed = [_failed_action(run) for run in runs if run.get("status") == "FAILED" and not _is_optional(run)]
    return ServerView(status, member.get("recoveryInstanceID"), error="; ".join(failed) or None, has_actions=bool(runs))


def _is_optional(run: Mapping[str, Any]) -> bool:
    return bool(run.get("action", {}).get("optional"))


def _failed_action(run: Mapping[str, Any]) -> str:
    action = run.get("action", {})
    name = action.get("name") or action.get("actionCode") or action.get("actionId") or run.get("runId")
    return f"Post-launch action {name} failed: {run.get('failureReason') or 'DRS gives no reason'}"
