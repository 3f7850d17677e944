"""Each check of what AWS does holds at answers as they should be, and says so when they are not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import aws_answers as answers
from tests.support.aws_answers import EXECUTION, INSTANCES, LAUNCH_JOB, OLD_JOB, SERVERS, at, evidence, look
from tools.verify_aws import sightings
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.evidence import DrillRecord, Evidence, Known, Probe
from tools.verify_aws.findings import Finding, Verdict, examine

from wavebreak.timing import Timing, iso

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


def replaced(**looks: Any) -> Callable[[Evidence], None]:
    """See something else in the drill, but the same events, logs and so on."""

    def change(seen: Evidence) -> None:
        drill(seen).looks = answers.drill(**looks).looks

    return change


def job_looks(*views: tuple[float, list[dict[str, Any]]], until: float = 50) -> list[Any]:
    """Look at jobs at these minutes; each look lasts until just before the next one."""
    ends = [minutes - 0.1 for minutes, _ in views[1:]] + [until]
    return [
        look(sightings.DESCRIBE_JOBS, minutes, items, end) for (minutes, items), end in zip(views, ends, strict=True)
    ]


def instance_looks(*views: tuple[float, list[dict[str, Any]]], until: float = 50) -> list[Any]:
    ends = [minutes - 0.1 for minutes, _ in views[1:]] + [until]
    return [
        look(sightings.DESCRIBE_INSTANCES, minutes, items, end)
        for (minutes, items), end in zip(views, ends, strict=True)
    ]


LAUNCHED = answers.job("COMPLETED", "LAUNCHED", "LAUNCHED")
ENDED = answers.end_job("COMPLETED")


def job_never_ends(seen: Evidence) -> None:
    seen.jobs = Known([answers.old_job(status="STARTED")])


def new_word(seen: Evidence) -> None:
    seen.jobs = Known([answers.old_job(status="PAUSED")])


def no_tags(seen: Evidence) -> None:
    every(seen, sightings.DESCRIBE_JOBS, lambda job: job.pop("tags"))


def shown_late(seen: Evidence) -> None:
    replaced(jobs=job_looks((0, []), (1.5, [LAUNCHED])))(seen)


def became_failed(seen: Evidence) -> None:
    launching = answers.job("STARTED", "LAUNCHED", "LAUNCHED")
    over = answers.job("COMPLETED", "LAUNCHED", "FAILED")
    replaced(jobs=job_looks((0, []), (1.1, [launching]), (20, [over])))(seen)


def names_another_instance(seen: Evidence) -> None:
    def change(job: dict[str, Any]) -> None:
        job["participatingServers"][0]["recoveryInstanceID"] = "i-0000000000000000f"

    every(seen, sightings.DESCRIBE_JOBS, change)


def a_recovery_it_says(seen: Evidence) -> None:
    every(seen, sightings.DESCRIBE_JOBS, lambda job: job.update(initiatedBy="START_RECOVERY"))


def launches_for_hours(seen: Evidence) -> None:
    drill(seen).logs = {LAUNCH_JOB: [*answers.log()[:-2], answers.item("LAUNCH_END", 100, SERVERS[1])]}


def completed_while_actions_run(seen: Evidence) -> None:
    def change(job: dict[str, Any]) -> None:
        for member in job["participatingServers"]:
            member["launchActionsStatus"] = {"runs": [{"runId": "run", "status": "IN_PROGRESS"}]}

    every(seen, sightings.DESCRIBE_JOBS, change)


def end_without_instance(seen: Evidence) -> None:
    drill(seen).logs = {LAUNCH_JOB: [answers.item("LAUNCH_END", 22, SERVERS[0])]}


def item_without_server(seen: Evidence) -> None:
    drill(seen).logs[LAUNCH_JOB].append(answers.item("CONVERSION_START", 3))


def no_conversion(seen: Evidence) -> None:
    kept = [item for item in answers.log() if not item["event"].startswith("CONVERSION")]
    drill(seen).logs = {LAUNCH_JOB: kept}


def silent_failure(seen: Evidence) -> None:
    seen.logs = Known({OLD_JOB: [item for item in answers.failed_log() if item["event"] != "LAUNCH_FAILED"]})


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
    replaced(instances=instance_looks((0, []), (36, answers.instances())))(seen)


def other_ec2_id(seen: Evidence) -> None:
    seen.instances = Known(answers.instances(ec2InstanceID="i-0000000000000000f"))
    replaced(instances=instance_looks((0, [])))(seen)


def drill_not_told(seen: Evidence) -> None:
    every(seen, sightings.DESCRIBE_INSTANCES, lambda instance: instance.pop("isDrill"))


def in_failback(seen: Evidence) -> None:
    every(seen, sightings.DESCRIBE_INSTANCES, lambda one: one.update(failback={"state": "FAILBACK_IN_PROGRESS"}))


def no_point(seen: Evidence) -> None:
    every(seen, sightings.DESCRIBE_INSTANCES, lambda instance: instance.pop("pointInTimeSnapshotDateTime"))


def earlier_stays(seen: Evidence) -> None:
    earlier = {**answers.instances()[0], "recoveryInstanceID": "i-0000000000000000e", "jobID": OLD_JOB}
    looks = instance_looks((0, [earlier]), (22, [*answers.instances(), earlier]), (44, [earlier]))
    replaced(instances=looks)(seen)


def hidden_while_it_runs(seen: Evidence) -> None:
    looks = instance_looks((22, answers.instances()), (25, []), (28, answers.instances()), (44, []))
    replaced(instances=looks)(seen)


def nameless_termination(seen: Evidence) -> None:
    nameless = answers.end_job("STARTED", participatingServers=[])
    replaced(jobs=job_looks((0, []), (1.1, [LAUNCHED]), (41.1, [LAUNCHED, nameless]), (44, [LAUNCHED, ENDED])))(seen)


def shown_long_after(seen: Evidence) -> None:
    looks = instance_looks((0, []), (22, answers.instances()), (60, []), until=70)
    replaced(instances=looks)(seen)


def ec2_runs_on(seen: Evidence) -> None:
    replaced(ec2=[look(sightings.DESCRIBE_EC2, 22, answers.ec2("running", "running"), 50)])(seen)


def taken_again(seen: Evidence) -> None:
    drill(seen).terminated_again = Known(Probe(items=1))


def bad_definition(seen: Evidence) -> None:
    told = {"code": "DUPLICATE_STATE_NAME", "message": "RunTarget", "location": "/States/RunTarget"}
    seen.definitions = Known({"command": {"result": "FAIL", "diagnostics": [told]}})


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
    for each in drill(seen).of(sightings.LIST_COMMANDS):
        for item in each.items:
            item["RequestedDateTime"] = iso(at(29))


def other_stream(seen: Evidence) -> None:
    drill(seen).log_streams.get()[0]["streams"] = ["something/else/stdout"]


DIFFERENT: dict[str, Callable[[Evidence], None]] = {
    "drs-job-ends": job_never_ends,
    "drs-job-words": new_word,
    "drs-job-tags": no_tags,
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
    "drs-is-drill": drill_not_told,
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
}


def test_every_check_has_answers_that_differ() -> None:
    assert sorted(DIFFERENT) == sorted(IDS)


@pytest.mark.parametrize("check", IDS)
def test_a_check_holds_at_answers_as_they_should_be(check: str) -> None:
    finding = found(check, evidence())
    assert finding.verdict is Verdict.HOLDS, finding.seen


@pytest.mark.parametrize("check", IDS)
def test_a_check_says_that_an_answer_differs(check: str) -> None:
    finding = found(check, evidence(DIFFERENT[check]))
    assert finding.verdict is Verdict.DIFFERS, finding.seen


@pytest.mark.parametrize("check", IDS)
def test_a_check_that_sees_nothing_says_so(check: str) -> None:
    finding = found(check, Evidence(at(0), drill=DrillRecord(frozenset(SERVERS), EXECUTION)))
    assert finding.verdict is Verdict.NOT_SEEN, finding.seen
    assert finding.seen


@pytest.mark.parametrize("check", [check.id for check in CHECKS if check.needs_drill])
def test_what_only_a_drill_shows_is_not_seen_without_one(check: str) -> None:
    finding = found(check, evidence(with_drill=False))
    assert (finding.verdict, "DRILL=yes" in finding.seen) == (Verdict.NOT_SEEN, True)


@pytest.mark.parametrize("check", [check.id for check in CHECKS if not check.needs_drill])
def test_what_reading_shows_is_judged_without_a_drill(check: str) -> None:
    assert found(check, evidence(with_drill=False)).verdict is Verdict.HOLDS


def test_an_emulator_is_no_witness() -> None:
    seen = evidence()
    seen.local = True
    silent = {each.check for each in examine(CHECKS, seen) if "emulator" in each.seen}
    assert {"sfn-definitions", "iam-roles", "lambda-concurrency"} <= silent
    assert not {check.id for check in CHECKS if check.service == "drs"} & silent


def test_an_answer_that_cannot_be_read_differs() -> None:
    def odd(seen: Evidence) -> None:
        seen.jobs = Known([{"jobID": OLD_JOB, "status": "COMPLETED"}])
        seen.drill = None

    finding = found("drs-job-words", evidence(odd))
    assert (finding.verdict, "cannot be read" in finding.seen) == (Verdict.DIFFERS, True)


@pytest.mark.parametrize("check", ["drs-requests", "drs-unknown-ids", "drs-terminate-refuses"])
def test_a_missing_right_says_nothing_of_the_service(check: str) -> None:
    def denied(seen: Evidence) -> None:
        refusal = Probe("AccessDeniedException", 403, "not authorized")
        seen.requests = seen.unknown_ids = Known({"DescribeJobs": refusal})
        drill(seen).terminated_again = Known(refusal)

    assert found(check, evidence(denied)).verdict is Verdict.NOT_SEEN


def test_what_was_looked_at_too_late_is_not_judged() -> None:
    """Between the last look without the job and the first with it lie thirty seconds: nobody knows when it showed."""
    finding = found("drs-job-shows", evidence(replaced(jobs=job_looks((0, []), (1.6, [LAUNCHED]), until=50))))
    assert finding.verdict is Verdict.DIFFERS

    def unwatched(seen: Evidence) -> None:
        replaced(jobs=[look(sightings.DESCRIBE_JOBS, 0, [], 0.9), *job_looks((1.6, [LAUNCHED]))])(seen)

    finding = found("drs-job-shows", evidence(unwatched))
    assert (finding.verdict, "too late to tell" in finding.seen) == (Verdict.NOT_SEEN, True)


def test_a_stale_look_is_no_change_of_mind() -> None:
    stale = answers.job("STARTED", "IN_PROGRESS", "LAUNCHED")
    launching = answers.job("STARTED", "LAUNCHED", "LAUNCHED")
    looks = job_looks((0, []), (1.1, [launching]), (20, [stale]), (24, [LAUNCHED]))
    finding = found("drs-launched-is-final", evidence(replaced(jobs=looks)))
    assert (finding.verdict, "earlier state" in finding.seen) == (Verdict.HOLDS, True)


def test_a_launch_that_its_termination_renames_has_not_changed_its_mind() -> None:
    looks = job_looks((0, []), (24, [LAUNCHED]), (44, [answers.job("COMPLETED", "TERMINATED", "TERMINATED"), ENDED]))
    assert found("drs-launched-is-final", evidence(replaced(jobs=looks))).verdict is Verdict.HOLDS


def test_that_no_job_names_an_instance_is_no_difference() -> None:
    def nameless(seen: Evidence) -> None:
        for job in seen.jobs.get():
            for member in job["participatingServers"]:
                member.pop("recoveryInstanceID", None)

    finding = found("drs-participant-instance", evidence(nameless))
    assert (finding.verdict, "none of 3 launched servers" in finding.seen) == (Verdict.NOT_SEEN, True)


def test_whether_a_job_names_its_instances_while_it_runs_is_recorded() -> None:
    def early(job: dict[str, Any]) -> None:
        for member, instance in zip(job["participatingServers"], INSTANCES, strict=True):
            member["recoveryInstanceID"] = instance

    seen = evidence()
    assert "never" in found("drs-participant-instance", seen).seen
    every(seen, sightings.DESCRIBE_JOBS, early)
    assert "times" in found("drs-participant-instance", seen).seen


def test_the_failback_of_fresh_instances_and_their_origin_are_recorded() -> None:
    assert "none is told: 2; origin AWS" in found("drs-failback-fresh", evidence()).seen

    def told(seen: Evidence) -> None:
        every(seen, sightings.DESCRIBE_INSTANCES, lambda one: one.update(failback={"state": "FAILBACK_NOT_STARTED"}))

    assert "FAILBACK_NOT_STARTED: 2" in found("drs-failback-fresh", evidence(told)).seen


def test_an_instance_that_is_hidden_for_less_than_a_minute_is_no_difference() -> None:
    looks = instance_looks((22, answers.instances()), (25, []), (25.5, answers.instances()), (44, []))
    assert found("drs-two-looks", evidence(replaced(instances=looks))).verdict is Verdict.HOLDS


def test_not_found_of_an_instance_that_runs_differs_and_for_a_moment_is_told() -> None:
    hidden = answers.instances("NOT_FOUND")
    for_long = instance_looks((22, answers.instances()), (25, hidden), (28, answers.instances()), (44, []))
    assert found("drs-two-looks", evidence(replaced(instances=for_long))).verdict is Verdict.DIFFERS
    at_first = instance_looks((22, hidden), (22.5, answers.instances()), (44, []))
    finding = found("drs-two-looks", evidence(replaced(instances=at_first)))
    assert (finding.verdict, "2 were NOT_FOUND" in finding.seen) == (Verdict.HOLDS, True)


def test_an_instance_that_is_shown_when_the_looking_ends_is_not_judged() -> None:
    looks = instance_looks((0, []), (22, answers.instances()), until=45)
    finding = found("drs-terminate-shows", evidence(replaced(instances=looks)))
    assert (finding.verdict, "still shown" in finding.seen) == (Verdict.NOT_SEEN, True)


def test_how_a_termination_shows_is_recorded() -> None:
    seen = found("drs-terminate-shows", evidence()).seen
    assert "PENDING → RUNNING → SHUTTING-DOWN → not shown" in seen


def test_an_event_that_did_not_come_is_within_best_effort() -> None:
    def none_came(seen: Evidence) -> None:
        drill(seen).launch_events = Known([])

    finding = found("drs-launch-events", evidence(none_came))
    assert (finding.verdict, "best effort" in finding.seen) == (Verdict.NOT_SEEN, True)


def test_a_server_error_tells_nothing_of_a_second_termination() -> None:
    def failed(seen: Evidence) -> None:
        drill(seen).terminated_again = Known(Probe("InternalServerException", 500, ""))

    assert found("drs-terminate-refuses", evidence(failed)).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("minutes", "verdict"), [(0.5, Verdict.NOT_SEEN), (0.9, Verdict.NOT_SEEN), (1, Verdict.DIFFERS)]
)
def test_a_server_that_does_not_tell_of_its_instance_yet_gets_a_minute(minutes: float, verdict: Verdict) -> None:
    """Its instance is shown in minute 22, and is alive for long."""
    quiet = [{"sourceServerID": name, "lifeCycle": {}} for name in SERVERS]

    def silent(seen: Evidence) -> None:
        replaced(servers=[look(sightings.DESCRIBE_SERVERS, 20, quiet, 22 + minutes)])(seen)
        seen.source_servers = Known([])

    assert found("drs-source-signals", evidence(silent)).verdict is verdict


def test_what_a_server_told_of_an_earlier_launch_is_a_signal_too() -> None:
    earlier = answers.source_servers(lifeCycle={"lastLaunch": {"initiated": {"type": "DRILL", "jobID": OLD_JOB}}})

    def late(seen: Evidence) -> None:
        replaced(servers=[look(sightings.DESCRIBE_SERVERS, 20, earlier, 41)])(seen)
        seen.source_servers = Known([])

    assert found("drs-source-signals", evidence(late)).verdict is Verdict.HOLDS


def test_limits_follow_the_time_scale() -> None:
    def quick(seen: Evidence) -> None:
        seen.timing = Timing(0.1)

    assert found("drs-launch-time", evidence(quick)).verdict is Verdict.DIFFERS
    assert timedelta(minutes=6) == Timing(0.1).scaled(3600)
