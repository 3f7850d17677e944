"""Each check of what AWS does holds at answers as they should be, and says so when they are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support import aws_answers as answers
from tests.support.aws_answers import EXECUTION, INSTANCES, OLD_JOB, SERVERS, at, evidence, read
from tests.support.odd_answers import (
    DIFFERENT,
    ENDED,
    IDS,
    LAUNCHED,
    drill,
    every,
    found,
    instance_reads,
    job_reads,
    replaced,
)
from tools.verify_aws import observations
from tools.verify_aws.catalogue import CHECKS
from tools.verify_aws.evidence import DrillRecord, Evidence, Known, Probe
from tools.verify_aws.findings import Verdict, examine

from wavebreak.timing import Timing


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
    finding = found("drs-job-shows", evidence(replaced(jobs=job_reads((0, []), (1.6, [LAUNCHED]), until=50))))
    assert finding.verdict is Verdict.DIFFERS

    def unwatched(seen: Evidence) -> None:
        replaced(jobs=[read(observations.DESCRIBE_JOBS, 0, [], 0.9), *job_reads((1.6, [LAUNCHED]))])(seen)

    finding = found("drs-job-shows", evidence(unwatched))
    assert (finding.verdict, "too late to tell" in finding.seen) == (Verdict.NOT_SEEN, True)


def test_a_stale_look_is_no_change_of_mind() -> None:
    stale = answers.job("STARTED", "IN_PROGRESS", "LAUNCHED")
    launching = answers.job("STARTED", "LAUNCHED", "LAUNCHED")
    reads = job_reads((0, []), (1.1, [launching]), (20, [stale]), (24, [LAUNCHED]))
    finding = found("drs-launched-is-final", evidence(replaced(jobs=reads)))
    assert (finding.verdict, "earlier state" in finding.seen) == (Verdict.HOLDS, True)


def test_a_launch_that_its_termination_renames_has_not_changed_its_mind() -> None:
    reads = job_reads((0, []), (24, [LAUNCHED]), (44, [answers.job("COMPLETED", "TERMINATED", "TERMINATED"), ENDED]))
    assert found("drs-launched-is-final", evidence(replaced(jobs=reads))).verdict is Verdict.HOLDS


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
    every(seen, observations.DESCRIBE_JOBS, early)
    assert "times" in found("drs-participant-instance", seen).seen


def test_the_failback_of_fresh_instances_and_their_origin_are_recorded() -> None:
    assert "none is told: 2; origin AWS" in found("drs-failback-fresh", evidence()).seen

    def reported(seen: Evidence) -> None:
        every(seen, observations.DESCRIBE_INSTANCES, lambda one: one.update(failback={"state": "FAILBACK_NOT_STARTED"}))

    assert "FAILBACK_NOT_STARTED: 2" in found("drs-failback-fresh", evidence(reported)).seen


def test_an_instance_that_is_hidden_for_less_than_a_minute_is_no_difference() -> None:
    reads = instance_reads((22, answers.instances()), (25, []), (25.5, answers.instances()), (44, []))
    assert found("drs-two-looks", evidence(replaced(instances=reads))).verdict is Verdict.HOLDS


def test_not_found_of_an_instance_that_runs_differs_and_for_a_moment_is_told() -> None:
    hidden = answers.instances("NOT_FOUND")
    for_long = instance_reads((22, answers.instances()), (25, hidden), (28, answers.instances()), (44, []))
    assert found("drs-two-looks", evidence(replaced(instances=for_long))).verdict is Verdict.DIFFERS
    at_first = instance_reads((22, hidden), (22.5, answers.instances()), (44, []))
    finding = found("drs-two-looks", evidence(replaced(instances=at_first)))
    assert (finding.verdict, "2 were NOT_FOUND" in finding.seen) == (Verdict.HOLDS, True)


def test_an_instance_that_is_shown_when_the_looking_ends_is_not_judged() -> None:
    reads = instance_reads((0, []), (22, answers.instances()), until=45)
    finding = found("drs-terminate-shows", evidence(replaced(instances=reads)))
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
        replaced(servers=[read(observations.DESCRIBE_SERVERS, 20, quiet, 22 + minutes)])(seen)
        seen.source_servers = Known([])

    assert found("drs-source-signals", evidence(silent)).verdict is verdict


def test_what_a_server_told_of_an_earlier_launch_is_a_signal_too() -> None:
    earlier = answers.source_servers(lifeCycle={"lastLaunch": {"initiated": {"type": "DRILL", "jobID": OLD_JOB}}})

    def late(seen: Evidence) -> None:
        replaced(servers=[read(observations.DESCRIBE_SERVERS, 20, earlier, 41)])(seen)
        seen.source_servers = Known([])

    assert found("drs-source-signals", evidence(late)).verdict is Verdict.HOLDS


def test_limits_follow_the_time_scale() -> None:
    def quick(seen: Evidence) -> None:
        seen.timing = Timing(0.1)

    assert found("drs-launch-time", evidence(quick)).verdict is Verdict.DIFFERS
    assert timedelta(minutes=6) == Timing(0.1).scaled(3600)
