"""Recovery instances while they live, as DescribeRecoveryInstances reports them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named
from tools.verify_aws.observations import COMPLETED, EC2_RUNS

from wavebreak.timing import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from tools.verify_aws.evidence import DrillRecord, Evidence, Json, Read

LEARNING_SECONDS: Final = 600
"""How long after a job's end the product looks for the instances that it launched."""
SECOND_READ_SECONDS: Final = 60
"""How far apart the two reads are after which an instance that DRS does not show is held to be gone (contract 2)."""
_UNTOUCHED: Final = frozenset({None, "FAILBACK_NOT_STARTED"})


def _by_job(evidence: Evidence) -> Judgement:
    record, limit = observations.drill_of(evidence), evidence.timing.scaled(LEARNING_SECONDS)
    shown = {
        (item.get("jobID"), item.get("sourceServerID")): read
        for seen in reversed(list(observations.drill_instances(record).values()))
        for read, item in reversed(seen)
    }
    late, waits = [], []
    for job, server in observations.launched(record):
        end = _ended(record, job)
        read = shown.get((job, server))
        last = max(each.until for each in record.of(observations.DESCRIBE_INSTANCES))
        waited = (_before(record, read).until if read else last) - end if end else None
        if waited is not None and waited > limit:
            late.append(f"{server} of {job}")
        elif read is None:
            raise NotSeenError(f"DRS showed no instance of {server} of {job} as long as it was looked for")
        waits.append(max(read.at - end, limit * 0) if read and end else limit * 0)
    if late:
        return differs(f"not shown under its job within {duration(limit.total_seconds())} of its end: {named(late)}")
    return holds(f"{len(waits)} instances, {max(waits).total_seconds():.1f} s after their job's end or sooner")


def _ended(record: DrillRecord, job_id: str) -> datetime | None:
    reported = observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]
    return next((read.at for read, item in reported if item.get("status") == COMPLETED), None)


def _before(record: DrillRecord, read: Read) -> Read:
    """Return the look before another one of the same kind; that one itself where it is the first."""
    reads = [each for each in record.of(read.operation) if each.region == read.region]
    place = reads.index(read)
    return reads[place - 1] if place else read


def _is_of_ec2(evidence: Evidence) -> Judgement:
    instances = observations.all_instances(evidence)
    reported = [(item["recoveryInstanceID"], item.get("ec2InstanceID")) for item in instances]
    other = [f"{ours} is {theirs}" for ours, theirs in reported if theirs and theirs != ours]
    if other:
        return differs(f"recoveryInstanceID is not the id of the EC2 instance: {named(other)}")
    known = observations.states(evidence)
    by_ec2 = sum(ours in known for ours, _ in reported)
    if not by_ec2 and not any(theirs for _, theirs in reported):
        raise NotSeenError("DRS tells no ec2InstanceID, and EC2 was not asked")
    return holds(f"{len(reported)} instances, EC2 knows {by_ec2} of them by that id")


def _is_called_drill(evidence: Evidence) -> Judgement:
    instances = observations.some_drill_instances(observations.drill_of(evidence))
    odd = [
        f"{name} {reported}" for name, seen in instances.items() if (reported := seen[-1][1].get("isDrill")) is not True
    ]
    return differs(f"isDrill of a drill's instance: {named(odd)}") if odd else holds(f"{len(instances)} instances")


def _is_in_no_failback(evidence: Evidence) -> Judgement:
    fresh = [item for item in observations.all_instances(evidence) if item.get("isDrill")]
    ours = observations.drill_instances(evidence.drill) if evidence.drill else {}
    reported = {item["recoveryInstanceID"]: {_failback(item)} for item in fresh}
    for name, seen in ours.items():
        reported[name] = {_failback(item) for _, item in seen if observations.is_alive(item)} or {None}
    if not reported:
        raise NotSeenError("no instance of a drill is there")
    odd = [f"{name} {state}" for name, states in reported.items() for state in states - _UNTOUCHED]
    if odd:
        return differs(f"failback of an instance that nobody fails back: {named(odd)}")
    counted = Counter(state or "none is told" for states in reported.values() for state in states)
    shown = [*fresh, *(seen[-1][1] for seen in ours.values())]
    origins = named(sorted({str(item.get("originEnvironment")) for item in shown}))
    words = ", ".join(f"{state}: {number}" for state, number in counted.items())
    return holds(f"{len(reported)} instances of drills, failback {words}; origin {origins}")


def _failback(item: Json) -> str | None:
    state: str | None = (item.get("failback") or {}).get("state")
    return state


def _has_point(evidence: Evidence) -> Judgement:
    instances = observations.all_instances(evidence)
    bare = [item["recoveryInstanceID"] for item in instances if not item.get("pointInTimeSnapshotDateTime")]
    return differs(f"not told of {named(bare)}") if bare else holds(f"{len(instances)} instances")


def _replaces(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    if not record.earlier:
        raise NotSeenError("the plan's servers had no instance of an earlier drill (REPLACE=yes lets one be replaced)")
    servers = {server for _, server in observations.launched(record)}
    reported = observations.views(record, observations.DESCRIBE_INSTANCES, "recoveryInstanceID")
    last = list(record.of(observations.DESCRIBE_INSTANCES))[-1]
    stays = [
        name
        for name, server in record.earlier.items()
        if server in servers
        and any(read is last and observations.is_alive(item) for read, item in reported.get(name, []))
    ]
    if stays:
        return differs(f"still there after a new launch of its server: {named(stays)}")
    return holds(f"{len(record.earlier)} earlier instances went with the launch")


def _two_reads(evidence: Evidence) -> Judgement:
    record, apart = observations.drill_of(evidence), evidence.timing.scaled(SECOND_READ_SECONDS)
    hidden, early, running = [], 0, False
    for name, seen in observations.some_drill_instances(record).items():
        runs = list(_runs_in_ec2(record, name))
        running |= bool(runs)
        early += any(item.get("ec2InstanceState") == "NOT_FOUND" for _, item in seen)
        for begin, end in _absences(record, name):
            if end - begin >= apart and any(read.at < end and begin < read.until for read in runs):
                hidden.append(f"{name} for {_s(end - begin)}")
    if hidden:
        return differs(f"not shown by DRS, and running in EC2: {named(hidden)}")
    if not running:
        raise NotSeenError("EC2 showed no instance of the drill running")
    reported = f"; {early} were NOT_FOUND for a while" if early else ""
    return holds(f"what DRS did not show for {_s(apart)} did not run{reported}")


def _runs_in_ec2(record: DrillRecord, name: str) -> Iterator[Read]:
    for read in record.of(observations.DESCRIBE_EC2):
        if any(item["InstanceId"] == name and item["State"] in EC2_RUNS for item in read.items or ()):
            yield read


def _absences(record: DrillRecord, name: str) -> Iterator[tuple[datetime, datetime]]:
    """Return the spans in which an instance was not shown, after it had been shown and before its end."""
    region = observations.drill_instances(record)[name][0][0].region
    known, since, until = False, None, None
    for read in record.of(observations.DESCRIBE_INSTANCES):
        if read.region != region or (record.terminate_asked_at and read.at >= record.terminate_asked_at):
            continue
        if any(item["recoveryInstanceID"] == name and observations.is_alive(item) for item in read.items or ()):
            if since is not None and until is not None:
                yield since, until
            known, since = True, None
        elif known:
            since, until = since or read.at, read.until
    if since is not None and until is not None:
        yield since, until


def _s(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"


CHECKS: Final = (
    Check("drs-instance-by-job", "drs", _by_job, needs_drill=True),
    Check("drs-instance-is-ec2", "drs", _is_of_ec2),
    Check("drs-is-drill", "drs", _is_called_drill, needs_drill=True),
    Check("drs-failback-fresh", "drs", _is_in_no_failback),
    Check("drs-point-in-time", "drs", _has_point),
    Check("drs-replaces", "drs", _replaces, needs_drill=True),
    Check("drs-two-looks", "drs", _two_reads, needs_drill=True),
)
