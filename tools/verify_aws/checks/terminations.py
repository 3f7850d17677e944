"""How the end of a recovery instance shows: in its job, in DRS, in EC2."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named
from tools.verify_aws.observations import COMPLETED, EC2_ENDS, TERMINATE

from wavebreak.timing import duration

if TYPE_CHECKING:
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Evidence, Json, Read

LONGEST_SECONDS: Final = 600
"""How long after its terminate job's end DRS may show an instance as if nothing had happened, before it is odd."""


def _names(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    jobs = _terminations(record)
    reads = [
        item for job_id in jobs for _, item in observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]
    ]
    empty = sorted({job["jobID"] for job in reads if not any(map(_known_by, job.get("participatingServers") or ()))})
    if empty:
        return differs(f"neither an instance nor a server is named in some look at {named(empty)}")
    reported = [each for job in jobs.values() for each in job.get("participatingServers") or ()]
    by_instance = sum("recoveryInstanceID" in each for each in reported)
    words = named(sorted({str(each.get("launchStatus")) for each in reported}))
    return holds(f"{len(reported)} participants, {by_instance} by their instance, launchStatus {words}")


def _known_by(member: Json) -> bool:
    return bool(member.get("recoveryInstanceID") or member.get("sourceServerID"))


def _shows(evidence: Evidence) -> Judgement:
    record, limit = observations.drill_of(evidence), evidence.timing.scaled(LONGEST_SECONDS)
    end = _end(record)
    alive, slow = [], []
    histories = {}
    for name, seen in observations.some_drill_instances(record).items():
        last = [read for read in record.of(observations.DESCRIBE_INSTANCES) if read.region == seen[0][0].region][-1]
        living = [read for read, item in seen if observations.is_alive(item)]
        if living and living[-1] is last:
            alive.append(name)
        if living and living[-1].until - end > limit:
            slow.append(name)
        histories[_history(seen, last)] = name
    if slow:
        return differs(f"shown {duration(limit.total_seconds())} after the end of their terminate job: {named(slow)}")
    if alive:
        raise NotSeenError(f"still shown when the last look was made: {named(alive)}")
    return holds(f"instances went like this: {named(histories)}")


def _history(seen: list[tuple[Read, Json]], last: Read) -> str:
    words = [str(item.get("ec2InstanceState")) for _, item in seen]
    if seen[-1][0] is not last:
        words.append("not shown")
    return " → ".join(word for word, _ in groupby(words))


def _ends_ec2(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    _end(record)
    reads = list(record.of(observations.DESCRIBE_EC2))
    if not reads:
        raise NotSeenError("EC2 told nothing")
    reported = observations.views(record, observations.DESCRIBE_EC2, "InstanceId")
    runs, states = [], []
    for name in observations.some_drill_instances(record):
        if name not in reported:
            raise NotSeenError(f"EC2 never showed {name}")
        state = reported[name][-1][1]["State"] if reported[name][-1][0] is reads[-1] else "not shown"
        states.append(state)
        runs += [f"{name} {state}"] if state not in {*EC2_ENDS, "not shown"} else []
    if runs:
        return differs(f"the terminate job has ended, EC2 says {named(runs)}")
    return holds(f"EC2 says of {len(states)} instances: {named(sorted(set(states)))}")


def _refused_again(evidence: Evidence) -> Judgement:
    probe = observations.drill_of(evidence).terminated_again.get()
    if probe.denied:
        raise NotSeenError("no permission: drs:TerminateRecoveryInstances")
    if probe.code is None:
        return differs("a second TerminateRecoveryInstances of an instance that is gone was taken")
    if not 400 <= probe.status < 500:  # noqa: PLR2004  the HTTP class of refusals
        return differs(f"answered by {probe.code} ({probe.status}), which says nothing of what happened")
    return holds(f"refused: {probe.code} ({probe.status}): {probe.message}")


def _terminations(record: DrillRecord) -> dict[str, Json]:
    jobs = observations.drill_jobs(record, TERMINATE)
    if not jobs:
        raise NotSeenError("DRS showed no terminate job of the drill")
    return jobs


def _end(record: DrillRecord) -> datetime:
    """Return when the last terminate job of the drill was first seen to have ended."""
    ends = []
    for job_id in _terminations(record):
        reported = observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]
        ended = [read.at for read, item in reported if item.get("status") == COMPLETED]
        if not ended:
            raise NotSeenError(f"{job_id} was not seen to end")
        ends.append(ended[0])
    return max(ends)


CHECKS: Final = (
    Check("drs-terminate-names", "drs", _names, needs_drill=True),
    Check("drs-terminate-shows", "drs", _shows, needs_drill=True),
    Check("drs-terminate-ends-ec2", "drs", _ends_ec2, needs_drill=True),
    Check("drs-terminate-refuses", "drs", _refused_again, needs_drill=True),
)
