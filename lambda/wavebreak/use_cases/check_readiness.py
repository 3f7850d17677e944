"""Gathering what the readiness checks look at.

A survey only reads: the table, DRS in every Region of the plan, and the quotas there. It is an answer that somebody
waits for, of a plan of up to 4,000 servers: servers are described 200 a call, and the snapshots, which DRS tells one
server at a time, of the first hundred only, the CRITICAL ones before the others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.drs import DESCRIBE_INSTANCES
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Quotas, Trouble, in_batches, room_for
from wavebreak.domain.executions.creation import freeze, site_of
from wavebreak.domain.executions.findings.model import Objectives
from wavebreak.domain.executions.model import Mode
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness.checks import has_snapshots
from wavebreak.domain.readiness.facts import Drill, Facts, Load, Member, SiteFacts
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.problems import InvalidRequest, Unavailable
from wavebreak.store import keys
from wavebreak.use_cases.networks.left_changed import changed_templates
from wavebreak.use_cases.resolve_selectors import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.aws.drs import Drs
    from wavebreak.domain.drs import Instance, RecentJob, SourceServer
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.site import Site

MOST_SNAPSHOTS: Final = 100
"""Servers of a plan whose snapshots are looked at."""


@dataclass(slots=True)
class _Sight:
    """What is being learnt of one site."""

    site: Site
    drs: Drs | None
    members: tuple[Member, ...]
    servers: dict[str, SourceServer | None] = field(default_factory=dict)
    instances: dict[str, tuple[Instance, ...]] = field(default_factory=dict)
    snapshots: dict[str, str | None] = field(default_factory=dict)
    active: tuple[RecentJob, ...] | None = None
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The source servers."""
        return [member.source_server_id for member in self.members]

    def saw_servers(self, asked: Sequence[str], found: Mapping[str, SourceServer]) -> None:
        """Take the answer to a DescribeSourceServers."""
        self.servers |= {server: found.get(server) for server in asked}

    def saw_instances(self, asked: Sequence[str], found: Iterable[Instance]) -> None:
        """Take the answer to a DescribeRecoveryInstances."""
        self.instances |= _by_server(asked, found)

    def saw_jobs(self, found: Iterable[RecentJob]) -> None:
        """Take the answer to a DescribeJobs."""
        self.active = tuple(found)

    def saw_snapshot(self, server: str, newest: str | None) -> None:
        """Take the answer to a DescribeRecoverySnapshots."""
        self.snapshots[server] = newest


@dataclass(frozen=True, slots=True)
class _Question:
    """A call of DRS, and who takes its answer."""

    sight: _Sight
    operation: str
    call: Callable[[], Any]
    take: Callable[[Any], None]


def survey(app: App, plan_id: str, own: Site) -> Facts:
    """Gather what the checks of a plan look at, and write nothing; raises NotFound.

    `own` is the stack's account and Region. What DRS does not tell becomes a Trouble of its Region.
    """
    now = app.now()
    plan, unresolved = _resolved(app, app.plans.get(plan_id), own)
    sights = [_sight(app, site, members) for site, members in _members(plan, own).items()]
    asking = Asking()
    _ask(asking, [question for sight in sights for question in _questions(sight, now)])
    loads = [_load(app, asking, sight) for sight in sights]
    _ask(asking, _snapshot_questions(sights), spare=True)
    return Facts(
        plan_id=plan_id,
        plan_version=plan.version,
        rpo_minutes=Objectives.of(plan.document.get("objectives")).rpo_minutes,
        now=now,
        sites=tuple(_site(app, sight, load, own, now) for sight, load in zip(sights, loads, strict=True)),
        refusals=unresolved or _refusals(app, plan, own, now),
        holder=app.locks.plan_holder(plan_id, now),
        last_drill=_last_drill(app, plan_id),
    )


def _label(site: Site, own: Site) -> str:
    region = site.region or own.region or "the stack's Region"
    return region if site.account_id is None else f"{region} of account {site.account_id}"


def _members(plan: StoredPlan, own: Site) -> dict[Site, tuple[Member, ...]]:
    """Give the plan's servers by site."""
    found: dict[Site, dict[str, Member]] = defaultdict(dict)
    for wave in plan.document["waves"]:
        site = site_of(wave, own)
        for server in wave.get("servers") or ():
            identifier, impact = server["sourceServerId"], Impact(server.get("impact", Impact.CRITICAL))
            found[site].setdefault(identifier, Member(identifier, impact, wave["name"]))
    return {site: tuple(members.values()) for site, members in found.items()}


def _resolved(app: App, plan: StoredPlan, own: Site) -> tuple[StoredPlan, tuple[Mapping[str, str], ...]]:
    """Fill in what selectors match, or tell why a start would be refused for one."""
    try:
        document, _ = resolve(app, plan, own)
        return replace(plan, document=document), ()
    except InvalidRequest as refusal:
        return plan, tuple(refusal.members["errors"])
    except Unavailable as error:
        return plan, ({"pointer": "/waves", "message": error.detail},)


def _refusals(app: App, plan: StoredPlan, own: Site, now: datetime) -> tuple[Mapping[str, str], ...]:
    """Tell what a start would refuse the plan itself for, by making the execution that it would make."""
    try:
        asked: dict[str, Any] = {
            "requestedBy": "",
            "reason": None,
            "snapshots": {},
            "otherAccounts": app.other_accounts,
        }
        freeze(plan, plan.document["planId"], Mode.DRILL, own, asked, now)
    except InvalidRequest as refusal:
        return tuple(refusal.members["errors"])
    return ()


def _sight(app: App, site: Site, members: tuple[Member, ...]) -> _Sight:
    """Begin to look at a site. Its client is made here, in one thread: making several at a time is not safe."""
    try:
        return _Sight(site, app.brief_drs_at(site), members)
    except UnsupportedSiteError as error:
        return _Sight(site, None, members, troubles=[Trouble("sts:AssumeRole", str(error), denied=True)])


def _questions(sight: _Sight, now: datetime) -> Iterator[_Question]:
    drs = sight.drs
    if drs is None:
        return
    for batch in in_batches(sight.ids):
        take = partial(sight.saw_servers, batch)
        yield _Question(sight, "DescribeSourceServers", partial(drs.source_servers, batch), take)
        yield _Question(sight, DESCRIBE_INSTANCES, partial(drs.instances, batch), partial(sight.saw_instances, batch))
    yield _Question(sight, "DescribeJobs", partial(drs.active_jobs, now), sight.saw_jobs)


def _snapshot_questions(sights: Iterable[_Sight]) -> list[_Question]:
    candidates = [
        (member.impact is Impact.OPTIONAL, sight, sight.drs, member.source_server_id)
        for sight in sights
        for member in sight.members
        if sight.drs is not None and has_snapshots(sight.servers.get(member.source_server_id))
    ]
    candidates.sort(key=lambda candidate: candidate[0])
    return [
        _Question(
            sight,
            "DescribeRecoverySnapshots",
            partial(drs.newest_snapshot, server),
            partial(sight.saw_snapshot, server),
        )
        for _, sight, drs, server in candidates[:MOST_SNAPSHOTS]
    ]


def _ask(asking: Asking, questions: Sequence[_Question], *, spare: bool = False) -> None:
    """Ask, and give each answer to who takes it; `spare` questions may go unasked without being missed."""
    answers = asking.all([Question(each.operation, each.call, each.sight.site) for each in questions])
    for question, answer in zip(questions, answers, strict=True):
        if not isinstance(answer, Trouble):
            question.take(answer)
        elif answer.asked or not spare:
            question.sight.troubles.append(answer)


def _site(app: App, sight: _Sight, load: Load | None, own: Site, now: datetime) -> SiteFacts:
    partitions = {keys.server(sight.site, server): server for server in sight.ids}
    holders = app.locks.server_holders(list(partitions), now)
    return SiteFacts(
        where=_label(sight.site, own),
        members=sight.members,
        servers=sight.servers,
        instances=sight.instances,
        snapshots=sight.snapshots,
        holders={partitions[pk]: holder for pk, holder in holders.items()},
        load=load,
        troubles=tuple(sight.troubles),
        changed=changed_templates(app, sight.site, sight.ids, now),
    )


def _load(app: App, asking: Asking, sight: _Sight) -> Load | None:
    """Tell what runs in a site under which quotas; None when that was not seen.

    Quotas for which there is no time count at AWS's defaults, as those do that cannot be read.
    """
    if sight.active is None:
        return None
    quotas = Quotas() if asking.over else app.quotas_at(sight.site)
    return Load(quotas, sight.active, room_for(quotas, sight.active))


def _last_drill(app: App, plan_id: str) -> Drill | None:
    wanted = {"mode": Mode.DRILL.value, "status": ExecutionStatus.COMPLETED.value}
    found, _ = app.executions.summaries(plan_id=plan_id, filters=wanted, limit=1, token=None)
    for meta in found:
        return Drill(str(meta["executionId"]), int(meta["planVersion"]), str(meta["endedAt"]))
    return None


def _by_server(asked: Iterable[str], found: Iterable[Instance]) -> dict[str, tuple[Instance, ...]]:
    instances: dict[str, tuple[Instance, ...]] = dict.fromkeys(asked, ())
    for instance in found:
        instances[instance.source_server_id] = (*instances.get(instance.source_server_id, ()), instance)
    return instances
