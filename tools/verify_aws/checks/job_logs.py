"""Logs of jobs, as DescribeJobLogItems reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named
from tools.verify_aws.observations import COMPLETED, FAILED, LAUNCHED

from wavebreak.domain.evidence.job_log import JOB_END, LAUNCH_END, Phase, read_job_log
from wavebreak.timing import Timing, known_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.verify_aws.evidence import Evidence, Json

_OF_A_SERVER: Final = ("CLEANUP_", "CONVERSION_", "LAUNCH_", "SERVER_SKIPPED", "SNAPSHOT_", "USING_PREVIOUS_SNAPSHOT")
_EXPECTED: Final = (Phase.CONVERSION, Phase.LAUNCH)
"""Phases of every launch. The snapshot is left out where a recovery point was chosen."""


def _end_names_instance(evidence: Evidence) -> Judgement:
    ends = [
        (job, item.get("eventData") or {})
        for job, items in observations.all_logs(evidence).items()
        for item in items
        if item["event"] == LAUNCH_END
    ]
    if not ends:
        launches = _launches(evidence)
        if launches:
            return differs(
                f"no {LAUNCH_END} in the logs of {len(launches)} launches, {named(job for job, _ in launches)}"
            )
        raise NotSeenError("no log that was read has the end of a launch")
    known = {
        (item.get("jobID"), item.get("sourceServerID")): item["recoveryInstanceID"] for item in _instances(evidence)
    }
    nameless = [job for job, data in ends if not data.get("targetInstanceID")]
    wrong = [
        f"{job} says {data['targetInstanceID']}, DescribeRecoveryInstances {known[key]}"
        for job, data in ends
        if (key := (job, data.get("sourceServerID"))) in known
        and data.get("targetInstanceID", known[key]) != known[key]
    ]
    if nameless or wrong:
        return differs(named(wrong) if wrong else f"without targetInstanceID: {named(nameless)}")
    compared = sum((job, data.get("sourceServerID")) in known for job, data in ends)
    return holds(f"{len(ends)} ends of launches name their instance, {compared} could be compared")


def _instances(evidence: Evidence) -> list[Json]:
    try:
        return observations.all_instances(evidence)
    except NotSeenError:
        return []


def _launches(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the servers that ended jobs launched whose logs were read, each with its job."""
    logs = observations.all_logs(evidence)
    return [
        (job["jobID"], member["sourceServerID"])
        for job, member in observations.members(observations.all_jobs(evidence))
        if job["jobID"] in logs and job.get("status") == COMPLETED and member.get("launchStatus") == LAUNCHED
    ]


def _names_servers(evidence: Evidence) -> Judgement:
    items = [item for each in observations.all_logs(evidence).values() for item in each]
    concerned = [item for item in items if item["event"].startswith(_OF_A_SERVER)]
    bare = sorted({item["event"] for item in concerned if not (item.get("eventData") or {}).get("sourceServerID")})
    if bare:
        return differs(f"without sourceServerID: {named(bare)}")
    if not concerned:
        raise NotSeenError("no log that was read tells of a server")
    return holds(f"{len(concerned)} items of servers")


def _has_phases(evidence: Evidence) -> Judgement:
    logs, launches = observations.all_logs(evidence), _launches(evidence)
    if not launches:
        raise NotSeenError("no job has ended that launched a server")
    odd = [f"{server} of {job}" for job, server in launches if not _in_order(logs[job], server)]
    if odd:
        return differs(f"conversion and launch do not both begin and end, in this order, for {named(odd)}")
    return holds(f"conversion and launch of {len(launches)} servers, in this order")


def _in_order(items: list[Json], server: str) -> bool:
    log = read_job_log(items).servers.get(server)
    ends = {span.phase: (span.started_at, span.ended_at) for span in (log.spans if log else ())}
    moments = [moment for phase in _EXPECTED for moment in ends.get(phase, (None,))]
    known = [moment for moment in moments if moment is not None]
    return len(known) == len(moments) and known == sorted(known)


def _reports_failures(evidence: Evidence) -> Judgement:
    logs = observations.all_logs(evidence)
    failed = [
        (job["jobID"], member["sourceServerID"])
        for job, member in observations.members(observations.all_jobs(evidence))
        if job["jobID"] in logs and job.get("status") == COMPLETED and member.get("launchStatus") == FAILED
    ]
    if not failed:
        raise NotSeenError("no launch failed in the jobs whose logs were read")
    silent = [f"{server} of {job}" for job, server in failed if not any(_failures(logs[job], server))]
    return differs(f"no word of {named(silent)}") if silent else holds(f"{len(failed)} failures are told")


def _failures(items: list[Json], server: str) -> Iterator[str]:
    for item in items:
        event = item["event"]
        if (item.get("eventData") or {}).get("sourceServerID") == server and (
            event.endswith(("_FAIL", "_FAILED")) or event == "SERVER_SKIPPED"
        ):
            yield event


def _is_whole_in_time(evidence: Evidence) -> Judgement:
    logs = observations.all_logs(evidence)
    jobs = {
        job["jobID"]: [member for member in job.get("participatingServers", ()) if member.get("sourceServerID")]
        for job in observations.all_jobs(evidence)
        if job["jobID"] in logs and job.get("type") == observations.LAUNCH and _ended_long_ago(job, evidence)
    }
    if not jobs:
        raise NotSeenError("no launch ended longer ago than the product goes on to read its log")
    endless = [job_id for job_id in jobs if all(item["event"] != JOB_END for item in logs[job_id])]
    silent = [
        f"{member['sourceServerID']} of {job_id}"
        for job_id, members in jobs.items()
        for member in members
        if member.get("launchStatus") in {LAUNCHED, FAILED} and not _outcomes(logs[job_id], member["sourceServerID"])
    ]
    if endless or silent:
        return differs(f"without {JOB_END}: {named(endless)}" if endless else f"no word of {named(silent)}")
    return holds(f"{len(jobs)} logs tell the end of their job and what became of each server")


def _ended_long_ago(job: Json, evidence: Evidence) -> bool:
    ended = known_time(job.get("endDateTime"))
    return job.get("status") == COMPLETED and ended is not None and evidence.at >= ended + Timing().learning


def _outcomes(items: list[Json], server: str) -> bool:
    launched = any(
        item["event"] == LAUNCH_END and (item.get("eventData") or {}).get("sourceServerID") == server for item in items
    )
    return launched or any(_failures(items, server))


def _stays(evidence: Evidence) -> Judgement:
    ended = [job for job in observations.all_jobs(evidence) if job.get("status") == COMPLETED]
    logs = observations.all_logs(evidence)
    read = sorted((job for job in ended if job["jobID"] in logs), key=lambda job: job["creationDateTime"])
    if not read:
        raise NotSeenError("no job has ended yet")
    empty = [job["jobID"] for job in read if not logs[job["jobID"]]]
    if empty:
        return differs(f"the log is empty of {named(empty)}")
    age = evidence.at - observations.created_at(read[0])
    return holds(f"{len(read)} ended jobs have their log, the oldest is {age.days} days old")


CHECKS: Final = (
    Check("drs-launch-end-names", "drs", _end_names_instance),
    Check("drs-log-names-server", "drs", _names_servers),
    Check("drs-log-phases", "drs", _has_phases),
    Check("drs-failed-is-told", "drs", _reports_failures),
    Check("drs-log-whole", "drs", _is_whole_in_time),
    Check("drs-log-stays", "drs", _stays),
)
