"""The facts for the readiness checks.

A survey reads the table, DRS in every Region of the plans, and the quotas there; it writes nothing but what selectors
resolve to. Several plans are checked together: servers are described 200 a call, whichever plan they are of, and
what DRS reports one server at a time is asked for so many of each plan, the CRITICAL ones before the others.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.drs import Quotas, room_for
from wavebreak.domain.executions.creation import freeze, site_of
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.findings import Objectives
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.domain.executions.networking.start import networks_of
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness.checks import has_snapshots
from wavebreak.domain.readiness.coverage import in_turn
from wavebreak.domain.readiness.facts import Baseline, Drill, Facts, Load, Member, SiteFacts, runs_commands
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.problems import InvalidRequest, Unavailable
from wavebreak.store import keys
from wavebreak.use_cases.networks.left_changed import changed_templates
from wavebreak.use_cases.readiness import site_reads
from wavebreak.use_cases.readiness.launches import configuration_question, read_places
from wavebreak.use_cases.resolve_selectors import resolve
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.launch_templates.model import DrillNetwork
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.site import Site
    from wavebreak.use_cases.readiness.site_reads import Ask, SiteReads

    Refusals = tuple[Mapping[str, str], ...]
    from wavebreak.ports.capabilities import (
        HasExecutions,
        HasLocks,
        HasOtherAccounts,
        HasPlaces,
        HasPostLaunchActions,
        HasQuotas,
        HasReadiness,
        HasTemplates,
        HasVcpus,
    )
    from wavebreak.use_cases.resolve_selectors import Ports as ResolveSelectorsPorts

    class Ports(
        ResolveSelectorsPorts,
        HasExecutions,
        HasLocks,
        HasOtherAccounts,
        HasPlaces,
        HasPostLaunchActions,
        HasQuotas,
        HasReadiness,
        HasTemplates,
        HasVcpus,
        Protocol,
    ):
        """What checking readiness needs."""


MOST_SNAPSHOTS: Final = 300
"""Servers of a plan that are asked for one by one while somebody waits: their launches, and their snapshots.

Eight questions at a time, of which each server has two, end within three quarters of the limit where a call takes
75 ms. What there is no time for is left out.
"""
_FOR_PLACES: Final = 0.25
"""The part of the time that is left to ask EC2 where the servers that were asked for land."""
_NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


class _PlannedSurvey(Value):
    """A plan as a start would take it, and what would be refused."""

    plan: StoredPlan
    members: Mapping[Site, tuple[Member, ...]]
    networks: Mapping[Site, DrillNetwork]
    refusals: Refusals
    drill_refusals: Refusals
    unsure: bool


def survey(app: Ports, plan: StoredPlan, own: Site) -> Facts:
    """Gather the facts for the checks of a plan, while a caller waits.

    `own` is the stack's account and Region. What DRS does not report becomes a Trouble of its Region.
    """
    [facts] = survey_plans(app, [plan], own, Asking(), MOST_SNAPSHOTS)
    return facts


def survey_plans(
    app: Ports, plans: Sequence[StoredPlan], own: Site, asking: Asking, most: int, begin: Mapping[str, str] = _NOWHERE
) -> list[Facts]:
    """Gather the facts for the checks of plans, in their order; of each plan `most` servers are asked for one by one.

    `begin` names, by plan, the server to begin with.
    """
    now = app.now()
    tags: dict[Site, Any] = {}
    planned = [_planned(app, plan, own, now, tags) for plan in plans]
    ids: dict[Site, dict[str, None]] = defaultdict(dict)
    for plan_survey in planned:
        for site, members in plan_survey.members.items():
            ids[site].update(dict.fromkeys(member.source_server_id for member in members))
    seen = {site: site_reads.site_reads_of(app, site, list(servers)) for site, servers in ids.items()}
    for plan_survey in planned:
        for site in seen.keys() & plan_survey.networks.keys():
            seen[site].networks.append(plan_survey.networks[site])
    for site, changed in changed_templates(app, ids, now).items():
        seen[site].changed = changed
    site_reads.put(asking, [question for reads in seen.values() for question in site_reads.questions(reads, now)])
    loads = {site: _load(app, asking, reads) for site, reads in seen.items()}
    one_by_one = [ask for site, server in _chosen(planned, seen, most, begin) for ask in _of_one(seen[site], server)]
    site_reads.put(asking, one_by_one, spare=True, spared=_FOR_PLACES)
    read_places(app, asking, seen)
    baselines = app.readiness.baselines(plan.document["planId"] for plan in plans)
    return [
        replace(_facts(app, plan_survey, seen, loads, own, now), baseline=_baseline(baselines, plan_survey.plan))
        for plan_survey in planned
    ]


def _baseline(known: Mapping[str, tuple[str, Mapping[str, str]]], plan: StoredPlan) -> Baseline | None:
    found = known.get(plan.document["planId"])
    return None if found is None else Baseline(*found)


def _facts(
    app: Ports,
    plan_survey: _PlannedSurvey,
    seen: Mapping[Site, SiteReads],
    loads: Mapping[Site, Load | None],
    own: Site,
    now: datetime,
) -> Facts:
    plan = plan_survey.plan
    plan_id = plan.document["planId"]
    return Facts(
        plan_id=plan_id,
        plan_version=plan.version,
        rpo_minutes=Objectives.of(plan.document.get("objectives")).rpo_minutes,
        now=now,
        sites=tuple(_site(app, plan_survey, seen[site], loads[site], own, now) for site in plan_survey.members),
        refusals=plan_survey.refusals,
        drill_refusals=plan_survey.drill_refusals,
        unsure=plan_survey.unsure,
        commands=runs_commands(plan.document),
        runs_actions=app.post_launch_actions,
        holder=app.locks.plan_holder(plan_id, now),
        last_drill=_last_drill(app, plan_id),
    )


def _label(site: Site, own: Site) -> str:
    region = site.region or own.region or "the stack's Region"
    return region if site.account_id is None else f"{region} of account {site.account_id}"


def _members(plan: StoredPlan, own: Site) -> dict[Site, tuple[Member, ...]]:
    """Return the plan's servers by site."""
    found: dict[Site, dict[str, Member]] = defaultdict(dict)
    for wave in plan.document["waves"]:
        site = site_of(wave, own)
        for server in wave.get("servers") or ():
            identifier, impact = server["sourceServerId"], Impact(server.get("impact", Impact.CRITICAL))
            found[site].setdefault(identifier, Member(identifier, impact, wave["name"]))
    return {site: tuple(members.values()) for site, members in found.items()}


def _planned(app: Ports, plan: StoredPlan, own: Site, now: datetime, tags: dict[Site, Any]) -> _PlannedSurvey:
    """Check a plan as a start would; what only a drill is refused for blocks no recovery."""
    resolved, refusals, drill_refusals, unsure = _resolved(app, plan, own, tags)
    networks = {each.site: each for each in networks_of(Mode.DRILL, resolved.document, own)}
    found = refusals or _refusals(app, resolved, own, now)
    return _PlannedSurvey(resolved, _members(resolved, own), networks, found, drill_refusals, unsure)


def _resolved(
    app: Ports, plan: StoredPlan, own: Site, tags: dict[Site, Any]
) -> tuple[StoredPlan, Refusals, Refusals, bool]:
    """Return the plan with what selectors match, and why any start, or that of a drill, would be refused for one.

    The last part says whether any start would be refused only because DRS does not answer.
    """
    refused: list[Refusals] = []
    unsure = False
    for falls_back in (False, True):
        try:
            document, _ = resolve(app, plan, own, falls_back=falls_back, known_tags=tags)
        except InvalidRequest as refusal:
            refused.append(tuple(refusal.members["errors"]))
            unsure = False
        except Unavailable as error:
            refused.append(({"pointer": "/waves", "message": error.detail},))
            unsure = True
        else:
            return replace(plan, document=document), (), refused[0] if refused else (), False
    return plan, refused[-1], (), unsure


def _refusals(app: Ports, plan: StoredPlan, own: Site, now: datetime) -> Refusals:
    """Return what a start would refuse the plan itself for, by making the execution that it would make."""
    try:
        asked = StartRequest(requested_by="")
        freeze(plan, plan.document["planId"], Mode.RECOVERY, own, asked, now, other_accounts=app.other_accounts)
    except InvalidRequest as refusal:
        return tuple(refusal.members["errors"])
    return ()


def _chosen(
    planned: Iterable[_PlannedSurvey], seen: Mapping[Site, SiteReads], most: int, begin: Mapping[str, str]
) -> list[tuple[Site, str]]:
    """Return the servers that are asked for one by one: the first of each plan that DRS knows, and none twice."""
    chosen: dict[tuple[Site, str], None] = {}
    for plan_survey in planned:
        candidates = [
            (member.impact, member.source_server_id, (site, member.source_server_id))
            for site, members in plan_survey.members.items()
            for member in members
            if seen[site].servers.get(member.source_server_id) is not None
        ]
        chosen.update(dict.fromkeys(in_turn(candidates, begin.get(plan_survey.plan.document["planId"]))[:most]))
    return list(chosen)


def _of_one(reads: SiteReads, server: str) -> Iterator[Ask]:
    """Ask for all that DRS reports one server at a time; one that cannot have snapshots is not asked for any."""
    yield from configuration_question(reads, server)
    if reads.drs is not None and has_snapshots(reads.servers.get(server)):
        yield site_reads.snapshot_question(reads, reads.drs, server)


def _site(
    app: Ports, plan_survey: _PlannedSurvey, reads: SiteReads, load: Load | None, own: Site, now: datetime
) -> SiteFacts:
    members = plan_survey.members[reads.site]
    ids = [member.source_server_id for member in members]
    partitions = {keys.server(reads.site, server): server for server in ids}
    holders = app.locks.server_holders(list(partitions), now)
    return SiteFacts(
        where=_label(reads.site, own),
        members=members,
        servers={server: reads.servers[server] for server in ids if server in reads.servers},
        instances={server: reads.instances[server] for server in ids if server in reads.instances},
        snapshots={server: reads.snapshots[server] for server in ids if server in reads.snapshots},
        holders={partitions[pk]: holder for pk, holder in holders.items()},
        load=load,
        troubles=tuple(reads.troubles),
        refused={server: tuple(reads.refused[server]) for server in ids if server in reads.refused},
        changed={server: reads.changed[server] for server in ids if server in reads.changed},
        network=plan_survey.networks.get(reads.site),
        launches=reads.launches,
    )


def _load(app: Ports, asking: Asking, reads: SiteReads) -> Load | None:
    """Return what runs in a site under which quotas; None when that was not seen.

    Quotas for which there is no time count at AWS's defaults, as those do that cannot be read.
    """
    if reads.active is None:
        return None
    quotas = Quotas() if asking.over else app.quotas_at(reads.site)
    return Load(quotas, reads.active, room_for(quotas, reads.active))


def _last_drill(app: Ports, plan_id: str) -> Drill | None:
    wanted = {"mode": Mode.DRILL.value, "status": ExecutionStatus.COMPLETED.value}
    found, _ = app.executions.summaries(plan_id=plan_id, filters=wanted, limit=1, token=None)
    for meta in found:
        return Drill(str(meta["executionId"]), int(meta["planVersion"]), str(meta["endedAt"]))
    return None
