"""EC2 and DRS of one account and Region in small, and strict. EC2 is as it is at this moment, looks at DRS are late.

A launch notes where the template leads at the moment that DRS reads it.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from tests.support.execution_builders import NOW, job_id
from tests.support.unasked import UnaskedDrs, UnaskedTemplates

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import RecentJob, SourceServer, Trouble
from wavebreak.domain.executions.launching.launch_tags import key_of
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import JobView, Observation, ServerView
from wavebreak.domain.launch_templates.changing import interfaces_of
from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion
from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from tests.support.network_world import NetworkWorld

    from drs_simulator.manners import Lens
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server

HOME: Final = "subnet-home"
LATE: Final = timedelta(seconds=60)
"""How late a read of EC2 may be."""


@dataclass
class Template:
    """A launch template: its versions by number, and which is the default."""

    versions: dict[int, tuple[dict[str, Any], str]]
    default: int = 1
    latest: int = 1
    made: dict[str, int] = field(default_factory=dict)
    """Versions by their tokens."""
    chosen: int = 0
    """What somebody last put into a version and made the default, 0 while nobody did."""
    before: int = 1
    """What was the default before the present one: a late read shows it."""
    since: datetime = NOW
    """When the present one was chosen: a read is a minute late at most."""
    hidden: bool = False
    """Whether a read may yet be late where somebody else had a hand in it: of two reads in a row, one shows it."""
    replaced: set[int] = field(default_factory=set)
    """Versions of ours that were put back, whole, and then served as an original, or were replaced by somebody."""
    born: dict[int, datetime] = field(default_factory=dict)
    """When versions were made."""
    own_subnet: str | None = None
    """The subnet that they chose with it."""


class Ec2(UnaskedTemplates):
    """EC2 as it is at this moment. A call may fail before or after it is carried out."""

    def __init__(self, world: NetworkWorld) -> None:
        self.world = world
        self.calls: Counter[str] = Counter()
        self.templates = {f"lt-{number}": Template({1: (original(number), "")}) for number in (1, 2, 3)}
        self.windows: set[str] = set()
        """Calls that have read the defaults and may change one by what they read."""
        self.refused: set[str] = set()
        """Templates whose default nobody may change."""
        self.reads_late: Callable[[], bool] = lambda: False
        self.wanted: list[tuple[str, bool]] = []
        """What somebody is about to choose. Between a read and the change that follows nobody can see it."""

    def _called(self, operation: str) -> None:
        self.world.stage.meanwhile(operation)
        self.calls[operation] += 1
        if self.world.ec2_fails == "before":
            raise Unavailable(f"{operation}: EC2 is away")

    def _answered(self, operation: str) -> None:
        self.world.stage.meanwhile(f"{operation} done")
        if self.world.ec2_fails == "after":
            raise Unavailable(f"{operation}: no answer of EC2")

    def others_choose(self) -> None:
        """Have others make their versions, where no call of ours is about to change what it has read."""
        self.windows &= set(self.world.stage.calls)
        if self.windows - {self.world.stage.current}:
            return
        for template_id, own_subnet in self.wanted:
            template = self.templates[template_id]
            data = deepcopy(template.versions[template.default][0])
            template.chosen += 1
            data["UserData"] = str(template.chosen)
            template.own_subnet = None
            if own_subnet:
                template.own_subnet = f"subnet-own-{template.chosen}"
                data["NetworkInterfaces"][0]["SubnetId"] = template.own_subnet
            if data["NetworkInterfaces"][0]["Groups"] == ["sg-home"]:
                template.replaced.add(template.default)
            self._choose(template, self._add(template, data, ""))
        self.wanted.clear()

    def _add(self, template: Template, data: dict[str, Any], description: str) -> int:
        template.latest += 1
        template.versions[template.latest] = (data, description)
        template.born[template.latest] = self.world.now
        return template.latest

    def _choose(self, template: Template, number: int) -> None:
        if number != template.default:
            template.before, template.since, template.hidden = template.default, self.world.now, True
        template.default = number

    def defaults(self, template_ids: Collection[str], /) -> dict[str, TemplateVersion]:
        """Return default versions."""
        self._called("DescribeLaunchTemplateVersions")
        self.others_choose()
        self.windows.add(self.world.stage.current)
        return {each: self._version(each, self._seen_default(self.templates[each])) for each in template_ids}

    def _seen_default(self, template: Template) -> int:
        """Give the default as a read shows it: perhaps the one before, while that exists."""
        young = self.world.now - template.since < LATE
        may_be_late = young and template.before in template.versions and (template.hidden or not template.chosen)
        late = may_be_late and self.reads_late()
        if late:
            template.hidden = False
        return template.before if late else template.default

    def _version(self, template_id: str, number: int) -> TemplateVersion:
        template = self.templates[template_id]
        data, description = template.versions[number]
        born = template.born.get(number, NOW)
        return TemplateVersion(template_id, number, number == template.default, deepcopy(data), description, born)

    def versions_from(self, template_id: str, least: int, /) -> list[TemplateVersion]:
        """Return versions from a number on."""
        self._called("DescribeLaunchTemplateVersions")
        return [
            self._version(template_id, number) for number in self.templates[template_id].versions if number >= least
        ]

    def create_version(
        self, template_id: str, source: int, data: Mapping[str, Any], description: str, token: str, /
    ) -> int:
        """Make a version from another one."""
        self._called("CreateLaunchTemplateVersion")
        template = self.templates[template_id]
        if template.versions[source][1]:
            template.replaced.add(source)  # what an earlier put-back left is the original of the next drill
        if token not in template.made:
            template.made[token] = self._add(template, deepcopy({**template.versions[source][0], **data}), description)
        self._answered("CreateLaunchTemplateVersion")
        return template.made[token]

    def make_default(self, template_id: str, number: int, /) -> int:
        """Have a version be the default, and tell the newest."""
        self._called("ModifyLaunchTemplate")
        if template_id in self.refused:
            raise _refusal("UnauthorizedOperation", template_id)
        template = self.templates[template_id]
        if number not in template.versions:
            raise _refusal("InvalidLaunchTemplateId.VersionNotFound", str(number))
        self._choose(template, number)
        newest = max(template.versions)
        self._answered("ModifyLaunchTemplate")
        return newest

    def delete_version(self, template_id: str, number: int, /, *, shown: bool = True) -> bool:  # noqa: ARG002  it shows all
        """Delete a version unless it is the default."""
        self._called("DeleteLaunchTemplateVersions")
        template = self.templates[template_id]
        if template.default == number:
            return False
        template.versions.pop(number, None)
        self._answered("DeleteLaunchTemplateVersions")
        return True

    def subnets(self, subnet_ids: Collection[str], /) -> dict[str, Subnet]:
        """Return subnets, which all have room."""
        return {each: Subnet(each, "vpc-drill", "a", "10.1.0.0/16", 1000) for each in subnet_ids}

    def zones_of(self, instance_types: Collection[str], /) -> dict[str, frozenset[str]]:
        """Return zones: every type is offered."""
        return {each: frozenset("a") for each in instance_types}


def _refusal(code: str, about: str) -> ClientError:
    status: Any = {"HTTPStatusCode": 400}
    return ClientError({"Error": {"Code": code, "Message": about}, "ResponseMetadata": status}, "ModifyLaunchTemplate")


def original(number: int) -> dict[str, Any]:
    interface = {"DeviceIndex": 0, "SubnetId": HOME, "Groups": ["sg-home"], "PrivateIpAddress": f"10.0.0.{number}"}
    return {"InstanceType": "m5.large", "NetworkInterfaces": [interface]}


@dataclass
class Started:
    """A DRS job; its phases count: 1 has read the templates, 2 has launched, 3 has ended."""

    job_id: str
    servers: tuple[str, ...]
    tags: Mapping[str, str]
    drill: bool
    begun: datetime
    reached: list[datetime] = field(default_factory=list)
    """When it came to each phase."""

    @property
    def phase(self) -> int:
        """The phase that it is in."""
        return len(self.reached)

    def phase_at(self, moment: datetime) -> int:
        """Return the phase that it had come to by a moment."""
        return sum(reached <= moment for reached in self.reached)


@dataclass(frozen=True)
class Landing:
    """Where a launch led: in which mode, of which server, into which subnets."""

    drill: bool
    server: str
    subnets: frozenset[str | None]
    others_chose: bool


class Drs(UnaskedDrs):
    """DRS, which launches by what the templates say when it comes to that; what a look shows may be a while old."""

    def __init__(self, world: NetworkWorld, lens: Lens) -> None:
        self.world = world
        self.lens = lens
        self.started: list[Started] = []
        self.landings: list[Landing] = []

    def recent_jobs(self, _now: datetime, /) -> list[RecentJob]:
        """List jobs."""
        return [
            RecentJob(
                each.job_id,
                "LAUNCH",
                frozenset(each.servers),
                each.tags,
                phase > 2,
                initiated_by="START_DRILL" if each.drill else "START_RECOVERY",
                ended_at=each.reached[-1] if phase > 2 else None,
            )
            for each, phase in self._shown()
        ]

    def _shown(self) -> list[tuple[Started, int]]:
        """Return the jobs that a look shows, each with the phase that it shows."""
        looks = [(each, self.lens.moment(each.job_id)) for each in self.started]
        return [(each, each.phase_at(moment)) for each, moment in looks if each.begun <= moment]

    def find_launches(self, execution_id: str, intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]:
        """Find the jobs of intents by their tags."""
        wanted = {each.key for each in intents}
        found = {key_of(execution_id, each.tags): each.job_id for each, _ in self._shown()}
        return {key: name for key, name in found.items() if key is not None and key in wanted}

    def launches_of(
        self, execution_id: str, _since: datetime, /
    ) -> dict[str, tuple[tuple[int, int, int], frozenset[str]]]:
        """List the jobs of an execution."""
        keyed = ((each, key_of(execution_id, each.tags)) for each, _ in self._shown())
        return {each.job_id: (key, frozenset(each.servers)) for each, key in keyed if key is not None}

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]:
        """Describe servers: those that have a template."""
        known = [name for name in ids if f"lt-{int(name[2:])}" in self.world.ec2.templates]
        return {name: SourceServer(name, "CONTINUOUS") for name in known}

    def every_instance(self, _ids: Sequence[str], /) -> list[Instance]:
        """Show no instance: drills of what a recovery launched are no matter here."""
        return []

    def instances(self, _ids: Sequence[str], /) -> list[Instance]:
        """Likewise."""
        return []

    def launch_configurations(
        self, names: Iterable[str], _over: Callable[[], bool], /
    ) -> Mapping[str, LaunchConfiguration | Trouble]:
        """Read launch configurations."""
        return {name: LaunchConfiguration(name, f"lt-{int(name[2:])}") for name in names}

    def start_recovery(self, servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Start a job, unless one of its servers is in another."""
        self.world.stage.meanwhile("StartRecovery")
        names = tuple(each.source_server_id for each in servers)
        busy = {name for each in self.started if each.phase < 3 for name in each.servers}
        if busy & set(names) or self.world.drs_fails == "refuses":
            raise CallRejectedError("ConflictException", "a job of its server is running", status=409)
        self.started.append(Started(job_id(len(self.started) + 1), names, dict(tags), is_drill, self.world.now))
        started = self.started[-1].job_id
        self.world.stage.meanwhile("StartRecovery done")
        if self.world.drs_fails == "is silent":
            raise OutcomeUnknownError("no answer")
        return started

    def go_on(self, started: Started) -> None:
        """Have a job go on by a phase; in the first it reads the templates."""
        started.reached.append(self.world.now)
        if started.phase == 1:
            for name in started.servers:
                template = self.world.ec2.templates[f"lt-{int(name[2:])}"]
                interfaces = interfaces_of(template.versions[template.default][0])
                subnets = frozenset(each.get("SubnetId") for each in interfaces)
                self.landings.append(Landing(started.drill, name, subnets, template.chosen > 0))

    def described(self) -> Observation:
        """Read every job by its id, as DescribeJobs does."""
        views = {each.job_id: self.view(each, phase) for each, phase in self._shown()}
        return Observation(views, frozenset(each.job_id for each in self.started) - views.keys())

    def view(self, started: Started, phase: int) -> JobView:
        """Return a job as it was in a phase."""
        status = {0: LaunchStatus.PENDING, 1: LaunchStatus.IN_PROGRESS}.get(phase, LaunchStatus.LAUNCHED)
        servers = {name: ServerView(status, f"i-{started.job_id[-3:]}{name[-14:]}") for name in started.servers}
        return JobView(phase > 2, servers)
