"""Whether a plan could run now, judged by facts: each check says PASS, WARN or FAIL of one subject.

FAIL is what the start of a RECOVERY is refused for, what fails a wave, or what misses the plan's objectives; WARN is
what an operator should know before. What stands in the way of a drill alone is a WARN that begins with `drill: `. A
server with impact OPTIONAL never fails its wave, so what is wrong with it is a WARN. What was not seen is a FAIL: no
plan is called ready on facts that are missing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.drs import DESCRIBE_SNAPSHOTS, GET_LAUNCH_CONFIGURATION, START_DRILL
from wavebreak.domain.readiness.launch_checks import launch_checks
from wavebreak.domain.readiness.prints import drift_checks
from wavebreak.domain.readiness.refusals import refusals, refused_to
from wavebreak.domain.readiness.verdicts import DRILL, Check, CheckStatus, Finding, by_impact, each_of, servers
from wavebreak.identifiers import is_drill
from wavebreak.timing import parse_duration, parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from wavebreak.domain.drs import Instance, SourceServer
    from wavebreak.domain.readiness.facts import Facts, Load, Member, SiteFacts

DRILL_IS_OLD_AFTER: Final = timedelta(days=90)

_HEALTHY: Final = frozenset({"CONTINUOUS", "CREATING_SNAPSHOT"})
_CATCHING_UP: Final = {
    "BACKLOG": "replication works through a backlog",
    "RESCAN": "replication scans the disks again",
    "PAUSED": "replication is paused",
}
_BROKEN: Final = {
    "INITIATING": "replication is only being set up: there is nothing to recover from",
    "INITIAL_SYNC": "the initial sync is not done: there is nothing to recover from",
    "STOPPED": "replication is stopped",
    "STALLED": "replication is stalled",
    "DISCONNECTED": "the replication agent is disconnected",
}
_WITHOUT_SNAPSHOTS: Final = frozenset({"INITIATING", "INITIAL_SYNC"})

_EC2: Final = "ec2:"
_OF_A_START: Final = frozenset({"settings", "plan-lock", "recovery-instance", "server-lock"})


def readiness_view(checks: Iterable[Check]) -> dict[str, Any]:
    """Show checks as the API does: `{ready, checks: [{check, subject, status, message}]}`; ready is no FAIL."""
    listed = list(checks)
    return {
        "ready": not any(check.status is CheckStatus.FAIL for check in listed),
        "checks": [
            {"check": check.name, "subject": check.subject, "status": check.status.value, "message": check.message}
            for check in listed
        ],
    }


def names_of(facts: Facts) -> dict[str, str]:
    """Return what people call the plan's servers, by their ids, as far as DRS reported."""
    return {
        identifier: server.name
        for site in facts.sites
        for identifier, server in site.servers.items()
        if server is not None and server.name
    }


def refuses_a_drill(check: Check) -> bool:
    """Return whether a check found what refuses the start of a drill, by itself or because it would be in vain."""
    if check.status is CheckStatus.FAIL:
        return True
    return check.name in _OF_A_START and check.message.startswith(DRILL)


def judge(facts: Facts) -> list[Check]:
    """Make every check of a plan, those of the plan itself first, then Region by Region."""
    checks = [*_settings(facts), _plan_lock(facts), _last_drill(facts)]
    for site in facts.sites:
        checks += _site_checks(facts, site)
    return checks


def in_the_way_of_a_drill(instances: Iterable[Instance]) -> Instance | None:
    """Return an instance that a RECOVERY launched: a drill of its server would end it, and is refused (contract 2)."""
    return next((instance for instance in instances if not instance.is_drill), None)


def has_snapshots(server: SourceServer | None) -> bool:
    """Return whether a server is far enough to have snapshots: before its initial sync is done there are none."""
    return server is not None and server.replication_state not in _WITHOUT_SNAPSHOTS


def _settings(facts: Facts) -> list[Check]:
    refused = [
        Check("settings", refusal["pointer"], CheckStatus.FAIL, refusal["message"], unanswered=facts.unsure)
        for refusal in facts.refusals
    ]
    refused += [
        Check("settings", refusal["pointer"], CheckStatus.WARN, f"{DRILL}{refusal['message']}")
        for refusal in facts.drill_refusals
    ]
    return refused or [Check("settings", facts.plan_id, CheckStatus.PASS, "every setting of the plan can be run")]


def _plan_lock(facts: Facts) -> Check:
    if facts.holder is None:
        return Check("plan-lock", facts.plan_id, CheckStatus.PASS, "no execution holds the plan")
    return Check("plan-lock", facts.plan_id, *_held_by("the plan", facts.holder))


def _held_by(what: str, holder: str) -> Finding:
    """Return what it means that something is held: a drill gives way to a recovery, and nothing else gives way."""
    if is_drill(holder):
        return CheckStatus.WARN, f"{DRILL}{what} is held by {holder}: a recovery takes it over, a drill is refused"
    return CheckStatus.FAIL, f"{what} is held by {holder}"


def _last_drill(facts: Facts) -> Check:
    drill = facts.last_drill
    if drill is None:
        return Check("last-drill", facts.plan_id, CheckStatus.WARN, "no drill of this plan has completed yet")
    age = facts.now - parse_iso(drill.ended_at)
    sentence = f"{drill.execution_id} completed {_ago(age)}"
    if drill.plan_version != facts.plan_version:
        sentence += f", with version {drill.plan_version} of the plan, which is at version {facts.plan_version} now"
    if age > DRILL_IS_OLD_AFTER:
        return Check(
            "last-drill",
            facts.plan_id,
            CheckStatus.WARN,
            f"the last drill is older than {DRILL_IS_OLD_AFTER.days} days: {sentence}",
        )
    return Check("last-drill", facts.plan_id, CheckStatus.PASS, sentence)


def _site_checks(facts: Facts, site: SiteFacts) -> Iterator[Check]:
    """Make the checks of one Region; a check of servers looks at those of which its fact was seen."""
    yield from _access(site)
    yield from refusals(site)
    asked = [member for member in site.members if member.source_server_id in site.servers]
    known = [member for member in asked if site.servers[member.source_server_id] is not None]
    visible = [member for member in site.members if member.source_server_id in site.instances]
    read = [member for member in site.members if member.source_server_id in site.snapshots]
    others = {server: holder for server, holder in site.holders.items() if holder != facts.holder}
    yield from each_of("server", site.where, asked, _exists(site), "known to DRS")
    yield from each_of("replication", site.where, known, _replicates(site), "replicating")
    within = f"at most {facts.rpo_minutes} minutes behind"
    yield from each_of("lag", site.where, known, _lags(site, facts.rpo_minutes), within)
    yield from each_of("snapshot", site.where, read, _has_snapshot(site), "with a recovery snapshot")
    yield from _not_checked(site, known)
    yield from each_of("recovery-instance", site.where, visible, _replaces(site), "without a live recovery instance")
    yield from each_of("server-lock", site.where, site.members, _held(others), "held by no other execution")
    untouched = "with no launch template changed"
    yield from each_of("launch-template", site.where, site.members, _is_changed(site), untouched)
    if site.load is not None:
        yield from each_of("server-job", site.where, site.members, _in_job(site.load), "in no DRS job")
        yield from _quota(site, site.load)
    yield from launch_checks(site, commands=facts.commands, runs_actions=facts.runs_actions)
    baseline, drill = facts.baseline, facts.last_drill
    if baseline is not None and drill is not None and baseline.execution_id == drill.execution_id:
        yield from drift_checks(site, baseline.execution_id, baseline.prints)


def _access(site: SiteFacts) -> Iterator[Check]:
    """Report what DRS or EC2 did not answer and why, once for each operation and reason.

    The permission to read launches is not needed to launch: a missing one is a WARN.
    """
    for trouble in dict.fromkeys(site.troubles):
        about_launches = trouble.operation.startswith(_EC2) or trouble.operation == GET_LAUNCH_CONFIGURATION
        if trouble.denied and about_launches:
            message = f"no permission for {trouble.operation} in {site.where}, so launches are not looked at"
            yield Check("permissions", site.where, CheckStatus.WARN, f"{message}: {trouble.reason}")
        elif trouble.operation.startswith(_EC2):
            message = f"EC2 did not answer {trouble.operation.removeprefix(_EC2)} in {site.where}: {trouble.reason}"
            yield Check("ec2", site.where, CheckStatus.FAIL, message, unanswered=True)
        elif trouble.denied:
            message = f"no permission for {trouble.operation} in {site.where}: {trouble.reason}"
            yield Check("permissions", site.where, CheckStatus.FAIL, message)
        else:
            message = f"DRS did not answer {trouble.operation} in {site.where}: {trouble.reason}"
            yield Check("drs", site.where, CheckStatus.FAIL, message, unanswered=True)
    if not site.troubles:
        yield Check("drs", site.where, CheckStatus.PASS, f"DRS answers in {site.where}")


def _exists(site: SiteFacts) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        if site.servers[member.source_server_id] is not None:
            return None
        return by_impact(member, f"DRS knows no source server of this id in {site.where}")

    return verdict


def _replicates(site: SiteFacts) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        server = site.servers[member.source_server_id]
        state = server.replication_state if server else None
        if state in _HEALTHY:
            return None
        if state in _BROKEN:
            return by_impact(member, f"{_BROKEN[state]} ({state})")
        sentence = _CATCHING_UP.get(state or "", "the state of replication is not one this release knows")
        return CheckStatus.WARN, f"{sentence} ({state})"

    return verdict


def _lags(site: SiteFacts, rpo_minutes: int) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        server = site.servers[member.source_server_id]
        if server is None or not has_snapshots(server):
            return None
        if server.lag is None:
            healthy = server.replication_state in _HEALTHY
            return None if healthy else (CheckStatus.WARN, "DRS does not report how far replication is behind")
        seconds = parse_duration(server.lag)
        if seconds is None:
            return CheckStatus.WARN, f"the lag that DRS reports cannot be read: {server.lag!r}"
        if seconds <= rpo_minutes * 60:
            return None
        behind = _amount(timedelta(seconds=seconds))
        return by_impact(member, f"replication is {behind} behind, the objective is {rpo_minutes} minutes")

    return verdict


def _has_snapshot(site: SiteFacts) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        if site.snapshots[member.source_server_id] is not None:
            return None
        return by_impact(member, "DRS has no recovery snapshot of it")

    return verdict


def _not_checked(site: SiteFacts, known: Sequence[Member]) -> Iterator[Check]:
    """Report for how many servers the snapshots were not read, because DRS returns them one server at a time."""
    left = sum(
        has_snapshots(site.servers[member.source_server_id])
        and member.source_server_id not in site.snapshots
        and not refused_to(site, member.source_server_id, DESCRIBE_SNAPSHOTS)
        for member in known
    )
    if left and not any(trouble.operation == DESCRIBE_SNAPSHOTS for trouble in site.troubles):
        sentence = f"the snapshots of {servers(left)} were not looked at: DRS reports them one server at a time"
        instead = f"{len(site.snapshots)} were asked for, and the state of replication stands for the others"
        yield Check("snapshot", site.where, CheckStatus.WARN, f"{sentence}; {instead}")


def _replaces(site: SiteFacts) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        instances = site.instances[member.source_server_id]
        recovered = in_the_way_of_a_drill(instances)
        if recovered is not None:
            instance = recovered.recovery_instance_id
            return CheckStatus.WARN, (
                f"{DRILL}a RECOVERY launched its live instance {instance}: a drill of it is refused, a recovery"
                " replaces it"
            )
        if instances:
            instance = instances[0].recovery_instance_id
            return CheckStatus.WARN, f"its instance {instance} of an earlier drill will be replaced"
        return None

    return verdict


def _held(holders: Mapping[str, str]) -> Callable[[Member], Finding | None]:
    def verdict(member: Member) -> Finding | None:
        holder = holders.get(member.source_server_id)
        return _held_by("it", holder) if holder else None

    return verdict


def _is_changed(site: SiteFacts) -> Callable[[Member], Finding | None]:
    """Report templates that lead into a drill's network: a recovery puts them back before it launches."""

    def verdict(member: Member) -> Finding | None:
        change = site.changed.get(member.source_server_id)
        if change is None:
            return None
        sentence = f"its launch template is changed for {change.execution_id}"
        if not change.left_behind:
            return CheckStatus.WARN, f"{DRILL}{sentence}, which launches it"
        why = f": {change.trouble}" if change.trouble else ""
        return CheckStatus.FAIL, f"{sentence}, and could not be put back{why}"

    return verdict


def _in_job(load: Load) -> Callable[[Member], Finding | None]:
    job_of = {server: job for job in load.active for server in job.servers}

    def verdict(member: Member) -> Finding | None:
        job = job_of.get(member.source_server_id)
        if job is None:
            return None
        kind = DRILL if job.initiated_by == START_DRILL else ""
        return CheckStatus.WARN, f"{kind}it is in the DRS job {job.job_id}: its launch waits until that ends"

    return verdict


def _quota(site: SiteFacts, load: Load) -> Iterator[Check]:
    """Compare the waves with the room that running jobs leave; a wave that does not fit waits and is not refused."""
    held = sum(len(job.servers) for job in load.active)
    running = f"{len(load.active)} of {load.quotas.jobs} jobs run, with {held} of {load.quotas.servers_in_jobs} servers"
    if load.room == 0:
        yield Check("quota", site.where, CheckStatus.WARN, f"{running}: the first wave waits until a job ends")
        return
    sizes: dict[str, int] = {}
    for member in site.members:
        sizes[member.wave] = sizes.get(member.wave, 0) + 1
    batched = {wave: size for wave, size in sizes.items() if size > load.room}
    for wave, size in batched.items():
        most = load.quotas.servers_in_jobs
        waiting = f", and wait for each other: all jobs together hold {most} servers" if size > most else ""
        sentence = f"wave {wave!r} has {servers(size)}, a job has room for {load.room} now: it will start in batches"
        yield Check("quota", site.where, CheckStatus.WARN, f"{sentence}{waiting}")
    if not batched:
        yield Check("quota", site.where, CheckStatus.PASS, f"{running}; every wave starts in one job")


def _amount(span: timedelta) -> str:
    """Return a span in its largest whole unit."""
    seconds = int(span.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = seconds // size
        if count:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def _ago(age: timedelta) -> str:
    return f"{_amount(max(age, timedelta()))} ago"
