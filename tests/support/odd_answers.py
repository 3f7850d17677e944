"""Answers of AWS that differ, each in one thing, from those that the product relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import aws_answers as answers
from tests.support.aws_answers import LAUNCH_JOB, OLD_JOB, SERVERS, at, read
from tools.verify_aws import observations
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.evidence import Evidence, Known, Probe
from tools.verify_aws.findings import Finding, examine

from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable


IDS = [check.id for check in CHECKS]


BY_ID = {check.id: check for check in CHECKS}


def found(check: str, seen: Evidence) -> Finding:
    (finding,) = examine([BY_ID[check]], seen)
    return finding


def drill(seen: Evidence) -> Any:
    assert seen.drill is not None
    return seen.drill


def every(seen: Evidence, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change every item of every look at something."""
    for each in drill(seen).of(operation):
        for item in each.items:
            change(item)


def replaced(**reads: Any) -> Callable[[Evidence], None]:
    """See something else in the drill, but the same events, logs and so on."""

    def change(seen: Evidence) -> None:
        drill(seen).reads = answers.drill(**reads).reads

    return change


def job_reads(*views: tuple[float, list[dict[str, Any]]], until: float = 50) -> list[Any]:
    """Look at jobs at these minutes; each look lasts until just before the next one."""
    ends = [minutes - 0.1 for minutes, _ in views[1:]] + [until]
    return [
        read(observations.DESCRIBE_JOBS, minutes, items, end) for (minutes, items), end in zip(views, ends, strict=True)
    ]


def instance_reads(*views: tuple[float, list[dict[str, Any]]], until: float = 50) -> list[Any]:
    ends = [minutes - 0.1 for minutes, _ in views[1:]] + [until]
    return [
        read(observations.DESCRIBE_INSTANCES, minutes, items, end)
        for (minutes, items), end in zip(views, ends, strict=True)
    ]


LAUNCHED = answers.job("COMPLETED", "LAUNCHED", "LAUNCHED")


ENDED = answers.end_job("COMPLETED")


def job_never_ends(seen: Evidence) -> None:
    seen.jobs = Known([answers.old_job(status="STARTED")])


def new_word(seen: Evidence) -> None:
    seen.jobs = Known([answers.old_job(status="PAUSED")])


def newest_left_out(seen: Evidence) -> None:
    seen.jobs_since = Known([])


def no_tags(seen: Evidence) -> None:
    every(seen, observations.DESCRIBE_JOBS, lambda job: job.pop("tags"))


def shown_late(seen: Evidence) -> None:
    replaced(jobs=job_reads((0, []), (1.5, [LAUNCHED])))(seen)


def became_failed(seen: Evidence) -> None:
    launching = answers.job("STARTED", "LAUNCHED", "LAUNCHED")
    over = answers.job("COMPLETED", "LAUNCHED", "FAILED")
    replaced(jobs=job_reads((0, []), (1.1, [launching]), (20, [over])))(seen)


def names_another_instance(seen: Evidence) -> None:
    def change(job: dict[str, Any]) -> None:
        job["participatingServers"][0]["recoveryInstanceID"] = "i-0000000000000000f"

    every(seen, observations.DESCRIBE_JOBS, change)


def a_recovery_it_says(seen: Evidence) -> None:
    every(seen, observations.DESCRIBE_JOBS, lambda job: job.update(initiatedBy="START_RECOVERY"))


def launches_for_hours(seen: Evidence) -> None:
    drill(seen).logs = {LAUNCH_JOB: [*answers.log()[:-2], answers.item("LAUNCH_END", 100, SERVERS[1])]}


def completed_while_actions_run(seen: Evidence) -> None:
    def change(job: dict[str, Any]) -> None:
        for member in job["participatingServers"]:
            member["launchActionsStatus"] = {"runs": [{"runId": "run", "status": "IN_PROGRESS"}]}

    every(seen, observations.DESCRIBE_JOBS, change)


def end_without_instance(seen: Evidence) -> None:
    drill(seen).logs = {LAUNCH_JOB: [answers.item("LAUNCH_END", 22, SERVERS[0])]}


def item_without_server(seen: Evidence) -> None:
    drill(seen).logs[LAUNCH_JOB].append(answers.item("CONVERSION_START", 3))


def no_conversion(seen: Evidence) -> None:
    kept = [item for item in answers.log() if not item["event"].startswith("CONVERSION")]
    drill(seen).logs = {LAUNCH_JOB: kept}


def silent_failure(seen: Evidence) -> None:
    seen.logs = Known({OLD_JOB: [item for item in answers.failed_log() if item["event"] != "LAUNCH_FAILED"]})


def endless_log(seen: Evidence) -> None:
    seen.logs = Known({OLD_JOB: [item for item in answers.failed_log() if item["event"] != "JOB_END"]})


def log_gone(seen: Evidence) -> None:
    seen.logs = Known({OLD_JOB: []})


def no_signal(seen: Evidence) -> None:
    seen.source_servers = Known([{"sourceServerID": SERVERS[0], "lifeCycle": {}}])


def no_direction(seen: Evidence) -> None:
    seen.source_servers = Known([{"sourceServerID": SERVERS[0]}])


def old_point_without_time(seen: Evidence) -> None:
    points = seen.snapshots.get()[SERVERS[0]]
    del points[2]["timestamp"]


def oldest_first(seen: Evidence) -> None:
    seen.snapshots.get()[SERVERS[0]].reverse()


def odd_time(seen: Evidence) -> None:
    seen.source_servers = Known(answers.source_servers(dataReplicationInfo={"lagDuration": "12 s"}))


def request_refused(seen: Evidence) -> None:
    seen.requests = Known({"DescribeJobs": Probe("ValidationException", 400, "fromDate")})


def unknown_job_refused(seen: Evidence) -> None:
    seen.unknown_ids = Known({"DescribeJobs": Probe("ResourceNotFoundException", 404, "no such job")})


def unknown_instance_refused(seen: Evidence) -> None:
    seen.unknown_ids = Known({"ec2:DescribeInstances": Probe("InvalidInstanceID.NotFound", 400, "none")})


def fewer_jobs(seen: Evidence) -> None:
    seen.quotas.get().popitem()


def instance_shown_late(seen: Evidence) -> None:
    replaced(instances=instance_reads((0, []), (36, answers.instances())))(seen)


def other_ec2_id(seen: Evidence) -> None:
    seen.instances = Known(answers.instances(ec2InstanceID="i-0000000000000000f"))
    replaced(instances=instance_reads((0, [])))(seen)


def drill_not_reported(seen: Evidence) -> None:
    every(seen, observations.DESCRIBE_INSTANCES, lambda instance: instance.pop("isDrill"))


def in_failback(seen: Evidence) -> None:
    every(seen, observations.DESCRIBE_INSTANCES, lambda one: one.update(failback={"state": "FAILBACK_IN_PROGRESS"}))


def no_point(seen: Evidence) -> None:
    every(seen, observations.DESCRIBE_INSTANCES, lambda instance: instance.pop("pointInTimeSnapshotDateTime"))


def earlier_stays(seen: Evidence) -> None:
    earlier = {**answers.instances()[0], "recoveryInstanceID": "i-0000000000000000e", "jobID": OLD_JOB}
    reads = instance_reads((0, [earlier]), (22, [*answers.instances(), earlier]), (44, [earlier]))
    replaced(instances=reads)(seen)


def hidden_while_it_runs(seen: Evidence) -> None:
    reads = instance_reads((22, answers.instances()), (25, []), (28, answers.instances()), (44, []))
    replaced(instances=reads)(seen)


def nameless_termination(seen: Evidence) -> None:
    nameless = answers.end_job("STARTED", participatingServers=[])
    replaced(jobs=job_reads((0, []), (1.1, [LAUNCHED]), (41.1, [LAUNCHED, nameless]), (44, [LAUNCHED, ENDED])))(seen)


def shown_long_after(seen: Evidence) -> None:
    reads = instance_reads((0, []), (22, answers.instances()), (60, []), until=70)
    replaced(instances=reads)(seen)


def ec2_runs_on(seen: Evidence) -> None:
    replaced(ec2=[read(observations.DESCRIBE_EC2, 22, answers.ec2("running", "running"), 50)])(seen)


def taken_again(seen: Evidence) -> None:
    drill(seen).terminated_again = Known(Probe(items=1))


def bad_definition(seen: Evidence) -> None:
    reported = {"code": "DUPLICATE_STATE_NAME", "message": "RunTarget", "location": "/States/RunTarget"}
    seen.definitions = Known({"command": {"result": "FAIL", "diagnostics": [reported]}})


def long_history(seen: Evidence) -> None:
    drill(seen).history = Known(answers.history(rounds=4, others=30))


def cut_name(seen: Evidence) -> None:
    seen.names = Known({"ObserveFunctionRole": "wavebrea-ObserveFunctionRole-1A"})


def new_account(seen: Evidence) -> None:
    seen.concurrency = Known(10)


def plain_json(seen: Evidence) -> None:
    seen.refusals.get()[0]["contentType"] = "application/json"


def right_missing(seen: Evidence) -> None:
    seen.denied = Known(["wavebreak-StartWaveFunctionRole: ec2:RunInstances on * (explicitDeny, by the organisation)"])


def launch_unauthorised(seen: Evidence) -> None:
    words = "You are not authorized to perform this operation. Encoded authorization failure message: abc"
    drill(seen).logs[LAUNCH_JOB].append(answers.item("LAUNCH_FAILED", 20, SERVERS[0], rawError=words))


def call_refused(seen: Evidence) -> None:
    refused = {
        "eventSource": "drs.amazonaws.com",
        "eventName": "DescribeReplicationConfigurationTemplates",
        "errorCode": "AccessDenied",
    }
    drill(seen).calls_of_drs.get().append(refused)


def event_of_another_form(seen: Evidence) -> None:
    drill(seen).launch_events = Known([{"unreadable": True, "event": "{'detail': {'jobId': 'drsjob-1'}}"}])


def command_listed_late(seen: Evidence) -> None:
    for each in drill(seen).of(observations.LIST_COMMANDS):
        for item in each.items:
            item["RequestedDateTime"] = iso(at(29))


def other_stream(seen: Evidence) -> None:
    drill(seen).log_streams.get()[0]["streams"] = ["something/else/stdout"]


def default_replaced(seen: Evidence) -> None:
    looks = [
        read(observations.DESCRIBE_TEMPLATES, 0, answers.template(1), 0.9),
        read(observations.DESCRIBE_TEMPLATES, 24, answers.template(2), 50),
    ]
    replaced(templates=looks)(seen)


def automation_found_late(seen: Evidence) -> None:
    found_late = answers.automations(begun=30.5)
    looks = [
        read(observations.DESCRIBE_AUTOMATIONS, 30.6, [], 31),
        read(observations.DESCRIBE_AUTOMATIONS, 31.1, found_late, 41),
    ]
    replaced(automations=looks)(seen)


def two_automations(seen: Evidence) -> None:
    both = answers.automations(answers.AUTOMATION, "33333333-4444-5555-6666-777777777777")
    replaced(automations=[read(observations.DESCRIBE_AUTOMATIONS, 31.1, both, 41)])(seen)


DIFFERENT: dict[str, Callable[[Evidence], None]] = {
    "drs-job-ends": job_never_ends,
    "drs-job-words": new_word,
    "drs-job-tags": no_tags,
    "drs-jobs-since": newest_left_out,
    "drs-job-shows": shown_late,
    "drs-launched-is-final": became_failed,
    "drs-participant-instance": names_another_instance,
    "drs-initiated-by": a_recovery_it_says,
    "drs-launch-time": launches_for_hours,
    "drs-completed-after-actions": completed_while_actions_run,
    "drs-launch-end-names": end_without_instance,
    "drs-log-names-server": item_without_server,
    "drs-log-phases": no_conversion,
    "drs-failed-is-told": silent_failure,
    "drs-log-whole": endless_log,
    "drs-log-stays": log_gone,
    "drs-source-signals": no_signal,
    "drs-replication-direction": no_direction,
    "drs-snapshot-unfinished": old_point_without_time,
    "drs-snapshot-order": oldest_first,
    "drs-times": odd_time,
    "drs-requests": request_refused,
    "drs-unknown-ids": unknown_job_refused,
    "ec2-unknown-ids": unknown_instance_refused,
    "drs-quotas": fewer_jobs,
    "drs-instance-by-job": instance_shown_late,
    "drs-instance-is-ec2": other_ec2_id,
    "drs-is-drill": drill_not_reported,
    "drs-failback-fresh": in_failback,
    "drs-point-in-time": no_point,
    "drs-replaces": earlier_stays,
    "drs-two-looks": hidden_while_it_runs,
    "drs-terminate-names": nameless_termination,
    "drs-terminate-shows": shown_long_after,
    "drs-terminate-ends-ec2": ec2_runs_on,
    "drs-terminate-refuses": taken_again,
    "sfn-definitions": bad_definition,
    "sfn-history": long_history,
    "cfn-names": cut_name,
    "lambda-concurrency": new_account,
    "apigateway-problems": plain_json,
    "iam-roles": right_missing,
    "drs-borrows": launch_unauthorised,
    "drs-calls-as-caller": call_refused,
    "drs-launch-events": event_of_another_form,
    "ssm-command-shows": command_listed_late,
    "ssm-log-streams": other_stream,
    "drs-template-kept": default_replaced,
    "ssm-automation-tag": automation_found_late,
    "ssm-automation-token": two_automations,
}
