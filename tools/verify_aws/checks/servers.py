"""Source servers and their recovery points, and how DRS takes and answers requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named

from wavebreak.domain.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA, Quotas
from wavebreak.timing import known_time, parse_duration, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.verify_aws.evidence import Evidence, Json, Probe

_DURATIONS: Final = frozenset({"lagDuration", "elapsedReplicationDuration"})
_MOMENTS: Final = frozenset({"timestamp", "expectedTimestamp"})


def _signals(evidence: Evidence) -> Judgement:
    """Judge whether a source server lets on that it has an instance: a drill looks no further otherwise."""
    pairs = [*_now(evidence), *_in_the_drill(evidence)]
    if not pairs:
        raise NotSeenError("no source server has an instance, or none was looked at for long enough")
    silent = [server["sourceServerID"] for server in pairs if not observations.reports_instance(server)]
    if silent:
        return differs(f"neither recoveryInstanceId nor the type of the last launch is told of {named(silent)}")
    both = sum(bool(server.get("recoveryInstanceId")) for server in pairs)
    return holds(f"{len(pairs)} servers with an instance say so, {both} of them by its id")


def _now(evidence: Evidence) -> list[Json]:
    alive = {item.get("sourceServerID") for item in evidence.instances.value or () if observations.is_alive(item)}
    return [server for server in evidence.source_servers.value or () if server["sourceServerID"] in alive]


def _in_the_drill(evidence: Evidence) -> Iterator[Json]:
    """Return the drill's servers as DRS showed them while their instance lived.

    One that does not report this launch yet counts once it had a minute for it: a read may show what was true before.
    """
    if evidence.drill is None:
        return
    reported, limit = observations.server_views(evidence.drill), evidence.timing.scaled(observations.SIGNAL_SECONDS)
    for seen in observations.drill_instances(evidence.drill).values():
        alive = [(read, item) for read, item in seen if observations.is_alive(item)]
        if not alive:
            continue
        first, last = alive[0][0].at, alive[-1][0].until
        before = [(read, item) for read, item in reported.get(_server(seen), []) if read.at <= last]
        settled = [item for _, item in before if observations.reports(item, alive[-1][1])]
        if settled:
            yield settled[-1]
        elif before and min(before[-1][0].until, last) - first >= limit:
            yield before[-1][1]


def _server(seen: list[tuple[Any, Json]]) -> str:
    return str(seen[-1][1].get("sourceServerID"))


def _direction(evidence: Evidence) -> Judgement:
    servers = evidence.source_servers.get()
    bare = [server["sourceServerID"] for server in servers if not server.get("replicationDirection")]
    if bare:
        return differs(f"not told of {named(bare)}")
    if not servers:
        raise NotSeenError("DRS knows no source server here")
    return holds(f"{len(servers)} source servers: {named(sorted({each['replicationDirection'] for each in servers}))}")


def _unfinished(evidence: Evidence) -> Judgement:
    """Judge whether a recovery point without a time is one that is still being taken, and no other."""
    unfinished, odd = 0, []
    for server, points in evidence.snapshots.get().items():
        newest = max((at for each in points if (at := known_time(each.get("timestamp")))), default=None)
        for each in points:
            expected = known_time(each.get("expectedTimestamp"))
            unfinished += "timestamp" not in each
            if "timestamp" not in each and newest is not None and expected is not None and expected < newest:
                odd.append(f"{each['snapshotID']} of {server}")
    if odd:
        return differs(f"without a timestamp and older than one that has it: {named(odd)}")
    if not unfinished:
        raise NotSeenError("no recovery point was being taken")
    return holds(f"{unfinished} recovery points were being taken, none had a timestamp")


def _descending(evidence: Evidence) -> Judgement:
    compared, odd = 0, []
    for server, points in evidence.snapshots.get().items():
        moments = [known_time(each.get("timestamp") or each.get("expectedTimestamp")) for each in points]
        known = [moment for moment in moments if moment is not None]
        compared += len(known)
        if known != sorted(known, reverse=True):
            odd.append(server)
    if odd:
        return differs(f"not newest first: {named(odd)}")
    if not compared:
        raise NotSeenError("no server has a recovery point")
    return holds(f"{compared} recovery points, newest first")


def _times(evidence: Evidence) -> Judgement:
    answers = (evidence.jobs, evidence.logs, evidence.source_servers, evidence.instances, evidence.snapshots)
    reads = [read.items for read in evidence.drill.reads] if evidence.drill else []
    reported = [pair for each in (*(known.value for known in answers), *reads) for pair in _dated(each)]
    if not reported:
        raise NotSeenError("no answer told a time")
    odd = sorted({f"{name} {text!r}" for name, text in reported if not _is_readable(name, text)})
    return (
        differs(f"cannot be read: {named(odd)}") if odd else holds(f"{len(reported)} times and durations can be read")
    )


def _dated(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case dict():
            for name, value in node.items():
                if name in _DURATIONS or name in _MOMENTS or name.endswith("DateTime"):
                    yield name, value
                else:
                    yield from _dated(value)
        case list():
            for each in node:
                yield from _dated(each)


def _is_readable(name: str, text: Any) -> bool:
    if name in _DURATIONS:
        return parse_duration(str(text)) is not None
    try:
        parse_iso(str(text))
    except ValueError:
        return False
    return True


def _accepted(evidence: Evidence) -> Judgement:
    return _went_well(evidence.requests.get(), "requests in the product's form were taken")


def _left_out(evidence: Evidence) -> Judgement:
    probes = {name: probe for name, probe in evidence.unknown_ids.get().items() if not name.startswith("ec2:")}
    strange = [name for name, probe in probes.items() if probe.items]
    if strange:
        return differs(f"something was told of an id that is none: {named(strange)}")
    return _went_well(probes, "descriptions leave out an id that is none")


def _ec2_left_out(evidence: Evidence) -> Judgement:
    probes = {name: probe for name, probe in evidence.unknown_ids.get().items() if name.startswith("ec2:")}
    return _went_well(probes, "filter for an id that is none gives nothing")


def _went_well(probes: Mapping[str, Probe], what: str) -> Judgement:
    refused = [f"{name}: {probe.code} {probe.message}" for name, probe in probes.items() if probe.code]
    reported = [name for name, probe in probes.items() if not probe.denied]
    if any(probe.code and not probe.denied for probe in probes.values()):
        return differs(named(refused))
    if not reported:
        raise NotSeenError(named(refused) or "nothing was asked")
    return holds(f"{len(reported)} {what}")


def _quotas(evidence: Evidence) -> Judgement:
    reported, ours = evidence.quotas.get(), Quotas()
    wanted = {
        JOBS_QUOTA: ours.jobs,
        SERVERS_A_JOB_QUOTA: ours.servers_a_job,
        SERVERS_IN_JOBS_QUOTA: ours.servers_in_jobs,
    }
    odd = [
        f"{code} is {reported.get(code, 'not known')}, not {value}"
        for code, value in wanted.items()
        if reported.get(code) != value
    ]
    return differs(named(odd)) if odd else holds(f"AWS's defaults of {named(wanted)} are those of the product")


CHECKS: Final = (
    Check("drs-source-signals", "drs", _signals),
    Check("drs-replication-direction", "drs", _direction),
    Check("drs-snapshot-unfinished", "drs", _unfinished),
    Check("drs-snapshot-order", "drs", _descending),
    Check("drs-times", "drs", _times),
    Check("drs-requests", "drs", _accepted),
    Check("drs-unknown-ids", "drs", _left_out),
    Check("ec2-unknown-ids", "ec2", _ec2_left_out),
    Check("drs-quotas", "service-quotas", _quotas),
)
