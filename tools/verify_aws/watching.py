"""Looks at DRS, EC2 and SSM beside a drill: what each answered, and when. Nothing here changes anything."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from tools.verify_aws import observations
from tools.verify_aws.evidence import Read, asked
from tools.verify_aws.observations import TERMINATE
from tools.verify_aws.reading import items, job_log, states

from wavebreak.domain.evidence.job_log import LAUNCH_END
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Json
    from tools.verify_aws.stack import Stack

BEFORE: Final = timedelta(minutes=5)
"""How much earlier than the drill jobs are looked for: clocks differ."""


class Watcher:
    """Looks, and keeps what it saw in the drill's record.

    `servers` are those of the plan, by Region; `commands` says whether the plan runs any.
    """

    def __init__(
        self,
        stack: Stack,
        servers: Mapping[str, frozenset[str]],
        record: DrillRecord,
        now: Callable[[], datetime],
        *,
        commands: bool = False,
    ) -> None:
        self.record = record
        self._now = now
        self._servers = {region: names for region, names in servers.items() if names}
        self._drs = {region: stack.client("drs", region) for region in self._servers}
        self._ec2 = {region: stack.client("ec2", region) for region in self._servers}
        self._ssm = {region: stack.client("ssm", region) for region in self._servers} if commands else {}
        self._automations_in = {region: stack.client("ssm", region) for region in self._servers}
        self._templates: dict[str, str] = {}
        """The launch templates of the servers that were read."""
        self._since = now() - BEFORE

    def read(self, *, at_servers: bool = False) -> None:
        """Read everything once; source servers and logs only on request."""
        for region, drs in self._drs.items():
            self._keep(observations.DESCRIBE_JOBS, region, partial(self._jobs, drs, region))
            self._keep(observations.DESCRIBE_INSTANCES, region, partial(self._instances, drs, region))
            if at_servers:
                self.read_logs()
                self._keep(observations.DESCRIBE_SERVERS, region, partial(self._source_servers, drs, region))
                self._keep(observations.DESCRIBE_TEMPLATES, region, partial(self._defaults, drs, region))
            known = self.instance_ids()
            if known:
                self._keep(observations.DESCRIBE_EC2, region, partial(_states, self._ec2[region], known))
            if known and region in self._ssm:
                self._keep(observations.LIST_COMMANDS, region, partial(self._commands, self._ssm[region], known))
            tags = observations.automations(self.record)
            wanted = sorted(tag for tag, (where, _) in tags.items() if where in {None, region})
            if wanted:
                ask = partial(_automations, self._automations_in[region], wanted)
                self._keep(observations.DESCRIBE_AUTOMATIONS, region, ask)

    def instance_ids(self) -> list[str]:
        """Name the drill's instances that are known so far: told by DRS, by the log of a job, or by the product."""
        reported = {
            server["recoveryInstanceId"]
            for wave in (self.record.execution or {}).get("waves", ())
            for server in wave["servers"]
            if server.get("recoveryInstanceId")
        }
        logged = {
            name
            for job_id in self.launch_jobs()
            for item in self.record.logs.get(job_id, ())
            if item["event"] == LAUNCH_END and (name := (item.get("eventData") or {}).get("targetInstanceID"))
        }
        return sorted(reported | logged | observations.drill_instances(self.record).keys())

    def read_logs(self) -> None:
        """Read the logs of the drill's jobs as they are now; one that is not to be had stays as it was."""
        for job_id, job in {**self.launch_jobs(), **observations.drill_jobs(self.record, TERMINATE)}.items():
            region = str(job.get("arn", ":::")).split(":")[3]
            drs = self._drs.get(region) or next(iter(self._drs.values()))
            known = asked("drs:DescribeJobLogItems", partial(job_log, drs, job_id))
            if known.value is not None:
                self.record.logs[job_id] = known.value

    def launch_jobs(self) -> dict[str, Json]:
        """Return the drill's launch jobs that were seen so far."""
        return observations.drill_jobs(self.record, observations.LAUNCH)

    def region_of(self, instance_id: str) -> str:
        """Return in which Region an instance was seen; the first one where none was."""
        seen = observations.drill_instances(self.record).get(instance_id)
        return seen[0][0].region if seen else next(iter(self._drs))

    def drs_in(self, region: str) -> Any:
        """Return the client of DRS in a Region of the plan."""
        return self._drs[region]

    @property
    def regions(self) -> Mapping[str, frozenset[str]]:
        """The plan's servers by Region."""
        return self._servers

    def _keep(self, operation: str, region: str, call: Callable[[], list[Json]]) -> None:
        asked_at = self._now()
        try:
            found, trouble = _in_order(call()), None
        except (BotoCoreError, ClientError) as error:
            found, trouble = None, str(error)
        before = next((x for x in reversed(self.record.reads) if (x.operation, x.region) == (operation, region)), None)
        if before is not None and (before.items, before.trouble) == (found, trouble):
            before.until = asked_at
        else:
            self.record.reads.append(Read(asked_at, asked_at, operation, region, found, trouble))

    def _jobs(self, drs: Any, region: str) -> list[Json]:
        """Return the jobs that these servers take part in, and terminations that name no server."""
        found = items(drs, "describe_jobs", filters={"fromDate": iso(self._since)})
        return [job for job in found if self._concerns(job, region)]

    def _concerns(self, job: Json, region: str) -> bool:
        known, wanted = set(self.instance_ids()), self._servers[region]
        reported = job.get("participatingServers") or []
        names = {each.get("sourceServerID") for each in reported} | {
            each.get("recoveryInstanceID") for each in reported
        }
        nameless = job.get("type") == TERMINATE and self.record.terminate_asked_at is not None and not names - {None}
        return bool(names & (wanted | known)) or nameless

    def _instances(self, drs: Any, region: str) -> list[Json]:
        return items(drs, "describe_recovery_instances", filters={"sourceServerIDs": sorted(self._servers[region])})

    def _source_servers(self, drs: Any, region: str) -> list[Json]:
        found = items(drs, "describe_source_servers", filters={"sourceServerIDs": sorted(self._servers[region])})
        kept = ("sourceServerID", "recoveryInstanceId", "lifeCycle", "lastLaunchResult")
        return [{name: server[name] for name in kept if name in server} for server in found]

    def _defaults(self, drs: Any, region: str) -> list[Json]:
        """Return which version of each server's launch template is the default one."""
        found = []
        for name in sorted(self._servers[region]):
            if name not in self._templates:
                told = drs.get_launch_configuration(sourceServerID=name)
                self._templates[name] = str(told.get("ec2LaunchTemplateID") or "")
            if template := self._templates[name]:
                default = {"LaunchTemplateId": template, "Versions": ["$Default"]}
                found += [
                    {"LaunchTemplateId": template, "VersionNumber": version["VersionNumber"]}
                    for version in items(
                        self._ec2[region], "describe_launch_template_versions", "LaunchTemplateVersions", **default
                    )
                ]
        return found

    def _commands(self, ssm: Any, known: list[str]) -> list[Json]:
        since = iso(self._since)[:19] + "Z"
        found = [
            item
            for name in known
            for item in items(
                ssm,
                "list_command_invocations",
                "CommandInvocations",
                InstanceId=name,
                Filters=[{"key": "InvokedAfter", "value": since}],
            )
        ]
        kept = ("CommandId", "InstanceId", "StatusDetails")
        return [
            {
                **{name: item[name] for name in kept if name in item},
                "RequestedDateTime": iso(item["RequestedDateTime"]),
            }
            for item in found
        ]


def _automations(ssm: Any, tags: list[str]) -> list[Json]:
    """Return the automations that are found by the keys of their tags."""
    return [
        {
            "TagKey": tag,
            "AutomationExecutionId": item["AutomationExecutionId"],
            "ExecutionStartTime": iso(item["ExecutionStartTime"]),
        }
        for tag in tags
        for item in items(
            ssm,
            "describe_automation_executions",
            "AutomationExecutionMetadataList",
            Filters=[{"Key": "TagKey", "Values": [tag]}],
        )
    ]


def _in_order(found: list[Json]) -> list[Json]:
    """Put a list, and the participants of jobs in it, in an order of their own: services promise none."""
    for item in found:
        if "participatingServers" in item:
            item["participatingServers"].sort(key=lambda each: str(each.get("sourceServerID")))
    return sorted(found, key=lambda item: json.dumps(item, sort_keys=True, default=str))


def _states(ec2: Any, known: list[str]) -> list[Json]:
    return [{"InstanceId": name, "State": state} for name, state in sorted(states(ec2, known).items())]
