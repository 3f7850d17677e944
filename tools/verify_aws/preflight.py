"""Whether a drill of a plan may be made to look at AWS with: small, of this account, and in nobody's way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from tools.verify_aws.observations import COMPLETED
from tools.verify_aws.reading import items

from wavebreak.resilience.aws_errors import is_dependency_fault
from wavebreak_cli.client.request import path_of
from wavebreak_cli.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tools.verify_aws.evidence import Json
    from tools.verify_aws.stack import Stack

    from wavebreak_cli.client.api import Api

MOST_SERVERS: Final = 3
"""Servers that a drill may launch unless an option says otherwise."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be known of a plan: its source servers by Region, and what a drill of it would wait for."""

    plan_id: str
    servers: Mapping[str, frozenset[str]]
    accounts: frozenset[str]
    """Accounts other than the stack's own."""
    selectors: tuple[str, ...]
    """Waves whose servers are found by tags when an execution starts."""
    approvals: tuple[str, ...]
    """Waves that wait for an approval."""
    has_commands: bool = False

    @property
    def all_servers(self) -> frozenset[str]:
        """The source servers of all Regions."""
        return frozenset().union(*self.servers.values())


def read_plan(api: Api, plan_id: str, region: str, account: str) -> Plan:
    """Read a plan; raise RefusedError where there is none, Unavailable where the API does not answer."""
    waves: list[Json] = api.get(path_of("plans", plan_id))["plan"]["waves"]
    servers: dict[str, set[str]] = {}
    for wave in waves:
        here = servers.setdefault(wave.get("region") or region, set())
        here |= {each["sourceServerId"] for each in wave.get("servers") or ()}
    return Plan(
        plan_id,
        {name: frozenset(found) for name, found in servers.items()},
        frozenset(wave["accountId"] for wave in waves if wave.get("accountId") not in {None, account}),
        tuple(wave["name"] for wave in waves if wave.get("selector")),
        tuple(wave["name"] for wave in waves if wave.get("requiresApproval") or wave.get("approval")),
        any(_commands(wave) for wave in waves),
    )


def _commands(wave: Json) -> bool:
    steps = [step for name in ("before", "after") for step in wave.get(name) or ()]
    return any("command" in step for step in steps)


@dataclass(frozen=True, slots=True)
class Preflight:
    """Looks at a plan before a drill of it; `most` servers may be launched, with `replace` earlier drills' ones too."""

    stack: Stack
    api: Api
    plan: Plan
    most: int = MOST_SERVERS
    replace: bool = False

    def check(self) -> dict[str, str]:
        """Refuse what must not be drilled (Misconfigured); return the instances of earlier drills with their server.

        What may not be checked is refused: it would be unknown whether a recovered server would be ended.
        """
        reasons = [*self._by_the_plan()]
        if not reasons:
            reasons += self._by_validation()
        earlier: dict[str, str] = {}
        for region, servers in self.plan.servers.items() if not reasons else ():
            drs = self.stack.client("drs", region)
            reasons += _in_a_job(drs, servers)
            reasons += _launched_into(drs, servers)
            found = _seen("drs:DescribeRecoveryInstances", partial(_instances, drs, servers))
            reasons += self._with_instances(found)
            reasons += _hidden(drs, servers, {item["recoveryInstanceID"] for item in found})
            earlier |= {item["recoveryInstanceID"]: item["sourceServerID"] for item in found}
        if reasons:
            raise ConfigError.because("no drill is made of this plan: " + "; ".join(reasons))
        return earlier

    def _by_the_plan(self) -> Iterator[str]:
        if self.plan.selectors:
            yield f"waves find their servers by tags ({', '.join(self.plan.selectors)}): name the servers"
        if len(self.plan.all_servers) > self.most:
            yield f"it has {len(self.plan.all_servers)} servers, {self.most} are the most (SERVERS=... allows more)"
        if self.plan.accounts:
            yield f"it recovers into other accounts ({', '.join(sorted(self.plan.accounts))}), not to be seen from here"
        if self.plan.approvals:
            yield f"waves wait for an approval ({', '.join(self.plan.approvals)})"

    def _by_validation(self) -> Iterator[str]:
        reported = self.api.post(f"{path_of('plans', self.plan.plan_id)}/validate")
        for check in reported["checks"]:
            if check["status"] == "FAIL":
                yield f"{check['subject']}: {check['message']}"

    def _with_instances(self, found: list[Json]) -> Iterator[str]:
        for item in found:
            what = f"{item.get('sourceServerID')} has the instance {item['recoveryInstanceID']}"
            if item.get("isDrill") is not True:
                yield f"{what}, which a recovery launched: a drill would end it"
            elif not self.replace:
                yield f"{what} of an earlier drill, which a launch may end (REPLACE=yes lets it)"


def _instances(drs: Any, servers: frozenset[str]) -> list[Json]:
    """Return the servers' instances but for those that are surely gone: DRS may say NOT_FOUND of one that is new."""
    found = items(drs, "describe_recovery_instances", filters={"sourceServerIDs": sorted(servers)})
    return [item for item in found if item.get("ec2InstanceState") != "TERMINATED"]


def _hidden(drs: Any, servers: frozenset[str], shown: set[str]) -> Iterator[str]:
    """Name servers that have an instance, as they say themselves, which DRS does not show."""
    filters = {"sourceServerIDs": sorted(servers)}
    for server in _seen("drs:DescribeSourceServers", partial(items, drs, "describe_source_servers", filters=filters)):
        instance = server.get("recoveryInstanceId")
        if instance and instance not in shown:
            yield f"{server['sourceServerID']} names its instance {instance}, which DRS does not show"


def _in_a_job(drs: Any, servers: frozenset[str]) -> Iterator[str]:
    for job in _seen("drs:DescribeJobs", partial(items, drs, "describe_jobs")):
        taken = servers & {each.get("sourceServerID") for each in job.get("participatingServers") or ()}
        if job.get("status") != COMPLETED and taken:
            yield f"{', '.join(sorted(taken))} is in the DRS job {job['jobID']}"


def _launched_into(drs: Any, servers: frozenset[str]) -> Iterator[str]:
    for server in sorted(servers):
        reported = _seen("drs:GetLaunchConfiguration", partial(drs.get_launch_configuration, sourceServerID=server))
        into = (reported.get("launchIntoInstanceProperties") or {}).get("launchIntoEC2InstanceID")
        if into:
            yield f"{server} is launched into the existing instance {into}"


def _seen(action: str, call: Callable[[], Any]) -> Any:
    """Ask for what has to be known; raise ConfigError where it may not be seen, Unavailable without an answer."""
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        if is_dependency_fault(error):
            raise UnavailableError.unreachable("DRS", str(error)) from error
        raise ConfigError.because(f"no drill without {action}: {error}") from error
