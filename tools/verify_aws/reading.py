"""What is read of DRS, EC2 and Service Quotas without changing anything, in the Regions of a plan."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws.evidence import Known, asked, probed
from tools.verify_aws.observations import COMPLETED, LAUNCH

from wavebreak.aws.drs import Drs
from wavebreak.domain.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA
from wavebreak.timing import known_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from tools.verify_aws.evidence import Evidence, Json, Probe
    from tools.verify_aws.stack import Stack

MOST_ITEMS: Final = 5_000
MOST_SERVERS: Final = 50
"""Source servers that are checked where the plan names none."""
LOGS_READ: Final = 6
SERVERS_WITH_SNAPSHOTS: Final = 5
SNAPSHOTS_READ: Final = 50

NO_JOB: Final = "drsjob-" + "0" * 17
NO_SERVER: Final = "s-" + "0" * 17
NO_INSTANCE: Final = "i-" + "0" * 17


def items(client: Any, operation: str, key: str = "items", **parameters: Any) -> list[Json]:
    """Read a list to its end, or to as many items as anybody wants to see."""
    found: list[Json] = []
    for page in client.get_paginator(operation).paginate(**parameters):
        found += page[key]
        if len(found) >= MOST_ITEMS:
            break
    return found


class Reader:
    """Reads what the checks judge by. `servers` are the plan's source servers by Region."""

    def __init__(self, stack: Stack, servers: Mapping[str, frozenset[str]]) -> None:
        self._servers = servers
        self._drs = {region: stack.client("drs", region) for region in servers}
        self._ec2 = {region: stack.client("ec2", region) for region in servers}
        self._quotas = stack.client("service-quotas")

    def read(self, evidence: Evidence) -> None:
        """Read everything; what may not be read, or does not answer, is noted in its place."""
        evidence.jobs = self._everywhere("drs:DescribeJobs", lambda drs, _: items(drs, "describe_jobs"))
        evidence.jobs_since = self._since_the_newest(evidence.jobs)
        evidence.logs = self._logs(evidence.jobs)
        evidence.source_servers = self._everywhere("drs:DescribeSourceServers", _source_servers)
        evidence.instances = self._everywhere(
            "drs:DescribeRecoveryInstances", lambda drs, _: items(drs, "describe_recovery_instances")
        )
        evidence.snapshots = self._snapshots(evidence.source_servers)
        evidence.ec2_states = self._ec2_states(evidence.instances)
        evidence.requests = self._requests(evidence.at)
        evidence.unknown_ids = self._unknown_ids()
        evidence.quotas = asked("servicequotas:GetAWSDefaultServiceQuota", self._defaults)

    def _everywhere(self, action: str, read: Callable[[Any, frozenset[str]], list[Json]]) -> Known[list[Json]]:
        """Read a list in every Region; it is missing as a whole where one Region's is."""
        found: list[Json] = []
        for region, drs in self._drs.items():
            known = asked(f"{action} in {region}", partial(read, drs, self._servers[region]))
            if known.value is None:
                return known
            found += known.value
        return Known(found)

    def _since_the_newest(self, jobs: Known[list[Json]]) -> Known[list[Json]]:
        """Ask for jobs from the moment on at which the newest one was made, in its own Region."""
        if not jobs.value:
            return Known(gap=jobs.gap if jobs.value is None else "there is no job yet")
        newest = max(jobs.value, key=lambda job: str(job["creationDateTime"]))
        drs = self._drs[_region_of(newest, self._drs)]
        chosen = {"fromDate": newest["creationDateTime"]}
        return asked("drs:DescribeJobs", lambda: items(drs, "describe_jobs", filters=chosen))

    def _logs(self, jobs: Known[list[Json]]) -> Known[dict[str, list[Json]]]:
        """Read the logs of the newest launches that ended, and of the oldest one."""
        if jobs.value is None:
            return Known(gap=jobs.gap)
        ended = [job for job in jobs.value if job.get("status") == COMPLETED and job.get("type") == LAUNCH]
        ended.sort(key=lambda job: str(job.get("creationDateTime")))
        chosen = [*ended[-LOGS_READ:], *ended[:1]]
        found = {}
        for job_id, region in {job["jobID"]: _region_of(job, self._drs) for job in chosen}.items():
            known = asked("drs:DescribeJobLogItems", partial(job_log, self._drs[region], job_id))
            if known.value is None:
                return Known(gap=known.gap)
            found[job_id] = known.value
        return Known(found)

    def _snapshots(self, servers: Known[list[Json]]) -> Known[dict[str, list[Json]]]:
        if servers.value is None:
            return Known(gap=servers.gap)
        found = {}
        for server in servers.value[:SERVERS_WITH_SNAPSHOTS]:
            name, drs = server["sourceServerID"], self._drs[_region_of(server, self._drs)]
            known = asked("drs:DescribeRecoverySnapshots", partial(_newest_points, drs, name))
            if known.value is None:
                return Known(gap=known.gap)
            found[name] = known.value
        return Known(found)

    def _ec2_states(self, instances: Known[list[Json]]) -> Known[dict[str, str]]:
        if instances.value is None:
            return Known(gap=instances.gap)
        found: dict[str, str] = {}
        for region, ec2 in self._ec2.items():
            ids = [item["recoveryInstanceID"] for item in instances.value]
            known = asked(f"ec2:DescribeInstances in {region}", partial(states, ec2, ids))
            if known.value is None:
                return known
            found |= known.value
        return Known(found)

    def _requests(self, now: datetime) -> Known[dict[str, Probe]]:
        """Make the product's own requests, by its own adapter."""

        def all_of_them() -> dict[str, Probe]:
            found = {}
            for region, client in self._drs.items():
                drs, names = Drs(client, client), sorted(self._servers[region])
                for what, call in _product_calls(drs, names, now).items():
                    found[f"{what} in {region}"] = probed(call)
            return found

        return asked("DRS", all_of_them)

    def _unknown_ids(self) -> Known[dict[str, Probe]]:
        def all_of_them() -> dict[str, Probe]:
            region = next(iter(self._drs))
            drs, ec2 = self._drs[region], self._ec2[region]
            filters = {
                "DescribeJobs": ("describe_jobs", {"jobIDs": [NO_JOB]}),
                "DescribeSourceServers": ("describe_source_servers", {"sourceServerIDs": [NO_SERVER]}),
                "DescribeRecoveryInstances by server": (
                    "describe_recovery_instances",
                    {"sourceServerIDs": [NO_SERVER]},
                ),
                "DescribeRecoveryInstances": ("describe_recovery_instances", {"recoveryInstanceIDs": [NO_INSTANCE]}),
            }
            found = {
                name: probed(partial(items, drs, operation, filters=chosen))
                for name, (operation, chosen) in filters.items()
            }
            return {**found, "ec2:DescribeInstances": probed(lambda: states(ec2, [NO_INSTANCE]))}

        return asked("DRS", all_of_them)

    def _defaults(self) -> dict[str, float]:
        found = {}
        for code in (JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA):
            reported = self._quotas.get_aws_default_service_quota(ServiceCode="drs", QuotaCode=code)["Quota"]
            found[code] = float(reported["Value"])
        return found


def _source_servers(drs: Any, wanted: frozenset[str]) -> list[Json]:
    filters = {"sourceServerIDs": sorted(wanted)} if wanted else {}
    return items(drs, "describe_source_servers", filters=filters)[: max(MOST_SERVERS, len(wanted))]


def _newest_points(drs: Any, server: str) -> list[Json]:
    answer = drs.describe_recovery_snapshots(sourceServerID=server, order="DESC", maxResults=SNAPSHOTS_READ)
    points: list[Json] = answer["items"]
    return points


def _product_calls(drs: Drs, names: list[str], now: datetime) -> dict[str, Callable[[], Iterable[Any]]]:
    calls: dict[str, Callable[[], Iterable[Any]]] = {
        "DescribeJobs by date": lambda: drs.recent_jobs(now),
        "DescribeJobs by id": lambda: drs.jobs([NO_JOB])[0],
        "DescribeSourceServers": lambda: drs.source_servers(names or [NO_SERVER]),
        "DescribeRecoveryInstances": lambda: drs.instances(names or [NO_SERVER]),
    }
    if names:
        calls["DescribeRecoverySnapshots"] = lambda: [drs.newest_snapshot(names[0])]
    return calls


def job_log(drs: Any, job_id: str) -> list[Json]:
    """Read a job's log, oldest item first."""
    found = items(drs, "describe_job_log_items", jobID=job_id)
    return sorted(found, key=lambda item: str(known_time(item.get("logDateTime"))))


def states(ec2: Any, ids: Iterable[str]) -> dict[str, str]:
    """Read the states of instances, in EC2's words; one that EC2 does not know is left out."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    reservations = items(
        ec2, "describe_instances", "Reservations", Filters=[{"Name": "instance-id", "Values": wanted[:200]}]
    )
    return {
        instance["InstanceId"]: instance["State"]["Name"] for each in reservations for instance in each["Instances"]
    }


def _region_of(thing: Json, known: Mapping[str, Any]) -> str:
    """Return the Region of a resource by its ARN."""
    region = str(thing.get("arn", ":::")).split(":")[3]
    return region if region in known else next(iter(known))
