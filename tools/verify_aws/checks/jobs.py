"""Jobs of DRS, as DescribeJobs reports them."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named
from tools.verify_aws.observations import COMPLETED, FAILED, LAUNCH, LAUNCHED, TERMINATE

from wavebreak.domain.evidence.job_log import LAUNCH_END, read_job_log
from wavebreak.timing import duration

if TYPE_CHECKING:
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Evidence, Json, Read

LONGEST_JOB: Final = timedelta(days=3)
"""How far back the product looks for jobs that have not ended."""
LONGEST_LAUNCH_SECONDS: Final = 3600
"""The time that a wave has unless its plan says otherwise."""


def _ends(evidence: Evidence) -> Judgement:
    jobs = observations.all_jobs(evidence)
    old = [
        job["jobID"]
        for job in jobs
        if job.get("status") != COMPLETED and observations.created_at(job) < evidence.at - LONGEST_JOB
    ]
    if old:
        return differs(f"not ended after three days: {named(old)}")
    ended = sum(job.get("status") == COMPLETED for job in jobs)
    if not ended:
        raise NotSeenError("no job has ended yet")
    return holds(f"{ended} of {len(jobs)} jobs are COMPLETED, none is older than three days without it")


@cache
def _words(shape: str) -> frozenset[str]:
    model: Any = botocore.session.Session().get_service_model("drs")
    return frozenset(model.shape_for(shape).enum)


def _are_known(evidence: Evidence) -> Judgement:
    reported: set[tuple[str, str]] = set()
    for job in observations.all_jobs(evidence):
        reported |= {("JobStatus", job["status"]), ("JobType", job["type"]), ("InitiatedBy", job["initiatedBy"])}
        reported |= {("LaunchStatus", each["launchStatus"]) for each in job.get("participatingServers") or ()}
    for items in [*(evidence.logs.value or {}).values(), *(evidence.drill.logs.values() if evidence.drill else ())]:
        reported |= {("JobLogEvent", item["event"]) for item in items}
    known = {"JobLogEvent": _words("JobLogEvent") | {LAUNCH_END}}
    strange = sorted(f"{shape} {word}" for shape, word in reported if word not in known.get(shape, _words(shape)))
    if strange:
        return differs(f"words that the product does not know: {named(strange, 10)}")
    return holds(f"{len(reported)} different words, all known")


def _reports_tags(evidence: Evidence) -> Judgement:
    if evidence.drill is not None:
        launches = observations.drill_jobs(evidence.drill, LAUNCH)
        reported = observations.views(evidence.drill, observations.DESCRIBE_JOBS, "jobID").keys()
        bare = (reported & _jobs_that_the_product_knows(evidence.drill)) - launches.keys()
        if bare:
            return differs(f"without the tags that StartRecovery was given: {named(sorted(bare))}")
    tagged = [
        job["jobID"] for job in observations.all_jobs(evidence) if observations.TAG_EXECUTION in job.get("tags", {})
    ]
    if not tagged:
        raise NotSeenError("no job of this product's is there")
    return holds(f"on {len(tagged)} launch jobs of this product's")


def _are_chosen_by_date(evidence: Evidence) -> Judgement:
    reported = evidence.jobs_since.get()
    newest = max(evidence.jobs.get(), key=observations.created_at)
    earlier = [job["jobID"] for job in reported if observations.created_at(job) < observations.created_at(newest)]
    if newest["jobID"] not in {job["jobID"] for job in reported}:
        return differs(f"fromDate leaves out {newest['jobID']}, which was made at that moment")
    if earlier:
        return differs(f"fromDate gives jobs from before: {named(earlier)}")
    return holds(f"fromDate gives {newest['jobID']}, made at that moment, and none from before")


def _jobs_that_the_product_knows(record: DrillRecord) -> set[str]:
    return {job_id for wave in (record.execution or {}).get("waves", ()) for job_id in wave.get("jobIds", ())}


def _shows_soon(evidence: Evidence) -> Judgement:
    record, limit = observations.drill_of(evidence), evidence.timing.settle
    lags = {
        job_id: _lag(record, job_id, observations.created_at(job))
        for kind in (LAUNCH, TERMINATE)
        for job_id, job in observations.drill_jobs(record, kind).items()
    }
    if not lags:
        raise NotSeenError("the drill had no job")
    late = [f"{job_id} after more than {_s(least)}" for job_id, (least, _) in lags.items() if least > limit]
    if late:
        return differs(f"not shown within {_s(limit)}: {named(late)}")
    slowest = max(most for _, most in lags.values())
    if slowest > limit:
        raise NotSeenError(f"first looked for {_s(slowest)} after the call: too late to tell")
    return holds(f"{len(lags)} jobs were shown {_s(slowest)} after they were made, or sooner")


def _lag(record: DrillRecord, job_id: str, made: datetime) -> tuple[timedelta, timedelta]:
    """Return how long a job was surely not shown, and how long it may have been not shown; launches with their tags."""
    least = timedelta()
    for read in record.of(observations.DESCRIBE_JOBS):
        shown = next((item for item in read.items or () if item["jobID"] == job_id), None)
        if shown is not None and (shown["type"] != LAUNCH or observations.is_ours(record, shown)):
            return least, max(read.at - made, timedelta())
        least = max(least, read.until - made)
    raise NotSeenError(f"{job_id} was never shown with its tags")


def _stays(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    changed, back, over = [], 0, 0
    for job_id, job in observations.drill_jobs(record, LAUNCH).items():
        reported = [item for _, item in observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]]
        for member in job.get("participatingServers") or ():
            server, last = member["sourceServerID"], member.get("launchStatus")
            words = [word for item in reported if (word := _word(item, server)) is not None]
            ends = [index for index, word in enumerate(words) if word in {LAUNCHED, FAILED}]
            over += bool(ends)
            after = {last} - ({"TERMINATED"} if record.terminate_asked_at else set())
            if ends and len({words[index] for index in ends} | after) > 1:
                changed.append(f"{server} was {words[ends[0]]} and became {last}")
            back += bool(ends) and len(words) - ends[0] != len(ends)
    if changed:
        return differs(named(changed))
    if not over:
        raise NotSeenError("no launch of the drill ended")
    older = f"; of {back} a later look showed an earlier state" if back else ""
    return holds(f"{over} servers stayed what they had become{older}")


def _word(job: Json, server: str) -> str | None:
    found = [each for each in job.get("participatingServers") or () if each["sourceServerID"] == server]
    return found[0].get("launchStatus") if found else None


def _names_the_right_one(evidence: Evidence) -> Judgement:
    instances = {
        (item["jobID"], item["sourceServerID"]): item["recoveryInstanceID"]
        for item in observations.all_instances(evidence)
        if "jobID" in item and "sourceServerID" in item
    }
    over = [(job, each) for job, each in observations.members(observations.all_jobs(evidence)) if _is_launched(each)]
    reported = [(job["jobID"], each["sourceServerID"], each.get("recoveryInstanceID")) for job, each in over]
    wrong = [
        f"{job} says {name} of {server}, DescribeRecoveryInstances {instances[job, server]}"
        for job, server, name in reported
        if name and instances.get((job, server), name) != name
    ]
    if wrong:
        return differs(named(wrong))
    by_name = sum(name is not None for _, _, name in reported)
    while_running = _named_while_running(evidence.drill) if evidence.drill else ""
    if not by_name:
        raise NotSeenError(f"none of {len(reported)} launched servers is named with its instance{while_running}")
    return holds(f"{by_name} of {len(reported)} launched servers are named with their instance{while_running}")


def _is_launched(member: Json) -> bool:
    return member.get("launchStatus") == LAUNCHED


def _named_while_running(record: DrillRecord) -> str:
    reads: list[tuple[Read, Json]] = [
        seen
        for job_id in observations.drill_jobs(record, LAUNCH)
        for seen in observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]
    ]
    running = [item for _, item in reads if item.get("status") != COMPLETED]
    times = sum("recoveryInstanceID" in each for item in running for each in item.get("participatingServers") or ())
    return f"; while a job of the drill ran, {times} times" if times else "; while a job of the drill ran, never"


def _says_by_whom(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    wanted = {LAUNCH: "START_DRILL", TERMINATE: "TERMINATE_RECOVERY_INSTANCES"}
    jobs = [(kind, job) for kind in wanted for job in observations.drill_jobs(record, kind).values()]
    if not jobs:
        raise NotSeenError("the drill had no job")
    wrong = [f"{job['jobID']} {job.get('initiatedBy')}" for kind, job in jobs if job.get("initiatedBy") != wanted[kind]]
    return differs(named(wrong)) if wrong else holds(f"{len(jobs)} jobs of the drill")


def _takes_less_than_an_hour(evidence: Evidence) -> Judgement:
    record, limit = observations.drill_of(evidence), evidence.timing.scaled(LONGEST_LAUNCH_SECONDS)
    made = {job_id: observations.created_at(job) for job_id, job in observations.drill_jobs(record, LAUNCH).items()}
    ends = {
        (job_id, server): log.launched_at
        for job_id, items in record.logs.items()
        for server, log in read_job_log(items).servers.items()
        if job_id in made
    }
    took = {key: at - made[key[0]] for key, at in ends.items() if at is not None}
    if not took:
        raise NotSeenError("the logs of the drill's jobs tell no end of a launch")
    slowest = max(took, key=lambda key: took[key])
    phases = read_job_log(record.logs[slowest[0]]).servers[slowest[1]].spans
    reported = ", ".join(
        f"{span.phase} {duration((span.ended_at - span.started_at).total_seconds())}"
        for span in phases
        if span.started_at and span.ended_at
    )
    text = f"{len(took)} launches, the slowest took {duration(took[slowest].total_seconds())} ({reported})"
    return differs(text) if took[slowest] > limit else holds(text)


def _comes_after_actions(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    runs, open_ones = 0, []
    for job_id in observations.drill_jobs(record, LAUNCH):
        for _, item in observations.views(record, observations.DESCRIBE_JOBS, "jobID")[job_id]:
            reported = [run for each in item.get("participatingServers") or () for run in _runs(each)]
            runs = max(runs, len(reported))
            if item.get("status") == COMPLETED:
                open_ones += [run.get("runId") for run in reported if run.get("status") == "IN_PROGRESS"]
    if open_ones:
        return differs(f"COMPLETED while these ran: {named(dict.fromkeys(open_ones))}")
    if not runs:
        raise NotSeenError("no post-launch action ran")
    return holds(f"{runs} runs had ended when their job was COMPLETED")


def _runs(member: Json) -> list[Json]:
    runs: list[Json] = (member.get("launchActionsStatus") or {}).get("runs") or []
    return runs


def _s(span: timedelta) -> str:
    return f"{span.total_seconds():.1f} s"


CHECKS: Final = (
    Check("drs-job-ends", "drs", _ends),
    Check("drs-job-words", "drs", _are_known),
    Check("drs-job-tags", "drs", _reports_tags),
    Check("drs-jobs-since", "drs", _are_chosen_by_date),
    Check("drs-job-shows", "drs", _shows_soon, needs_drill=True),
    Check("drs-launched-is-final", "drs", _stays, needs_drill=True),
    Check("drs-participant-instance", "drs", _names_the_right_one),
    Check("drs-initiated-by", "drs", _says_by_whom, needs_drill=True),
    Check("drs-launch-time", "drs", _takes_less_than_an_hour, needs_drill=True),
    Check("drs-completed-after-actions", "drs", _comes_after_actions, needs_drill=True),
)
