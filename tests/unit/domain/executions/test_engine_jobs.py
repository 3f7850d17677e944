"""What DRS says of jobs and servers, and what a wave becomes by it."""

from typing import Any

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    asked_to_cancel,
    decide_round,
    execution,
    job,
    job_id,
    later,
    launching,
    server,
    server_id,
    statuses,
    view,
    wave,
)

from wavebreak.domain.executions.ending.instances_left import launched_count
from wavebreak.domain.executions.engine import Directive, decide, finalise
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import JobView, Observation
from wavebreak.domain.plans.model import Impact
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.timing import Timing

W, L = WaveStatus, LaunchStatus


def running(*servers: int, **fields: Any) -> Execution:
    """A wave with one job for all of its servers, and one that depends on it."""
    members = tuple(server(number) for number in servers)
    return launching(execution(wave(1, W.IN_PROGRESS, servers=members, **fields), wave(2, servers=(server(9),))), [1])


def launches(subject: Execution) -> list[str]:
    return [item.launch_status.value for item in subject.wave(1).servers]


def test_a_wave_completes_when_its_servers_are_launched_before_the_job_ends() -> None:
    decision = decide_round(running(1, 2), later(40), job1=view({1: L.LAUNCHED, 2: L.LAUNCHED}))
    first = decision.execution.wave(1)
    assert (first.status, first.ended_at) == (W.COMPLETED, later(40))
    assert decision.execution.wave(2).status is W.IN_PROGRESS
    assert decision.execution.wave_in_flight(1)


def test_post_launch_actions_hold_the_wave_until_they_or_the_job_end() -> None:
    held = decide_round(running(1), job1=view({1: L.LAUNCHED}, actions_running=True)).execution
    assert (launches(held), held.wave(1).status) == (["LAUNCHED"], W.IN_PROGRESS)
    assert decide_round(held, job1=view({1: L.LAUNCHED})).execution.wave(1).status is W.COMPLETED
    ended = decide_round(held, job1=view({1: L.LAUNCHED}, completed=True, actions_running=True)).execution
    assert ended.wave(1).status is W.COMPLETED


def test_a_wave_goes_on_while_one_server_is_under_way() -> None:
    decision = decide_round(running(1, 2), job1=view({1: L.LAUNCHED, 2: L.IN_PROGRESS}))
    assert (decision.directive, statuses(decision.execution)) == (Directive.SLEEP, ["IN_PROGRESS", "NOT_STARTED"])
    assert launches(decision.execution) == ["LAUNCHED", "IN_PROGRESS"]


@pytest.mark.parametrize("left", [L.PENDING, L.IN_PROGRESS, None])
def test_a_server_that_a_completed_job_left_unlaunched_has_failed(left: LaunchStatus | None) -> None:
    after = decide_round(running(1, 2), job1=view({1: L.LAUNCHED, 2: left}, completed=True)).execution
    assert launches(after) == ["LAUNCHED", "FAILED"]
    assert after.wave(1).status is W.FAILED
    assert job_id(1) in str(after.wave(1).servers[1].error)


def test_a_completed_job_that_names_no_servers_launched_none() -> None:
    after = decide_round(running(1, 2), job1=JobView(completed=True)).execution
    assert launches(after) == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    ("first", "second", "impact", "becomes"),
    [
        (L.LAUNCHED, L.LAUNCHED, Impact.CRITICAL, "COMPLETED"),
        (L.LAUNCHED, L.FAILED, Impact.CRITICAL, "FAILED"),
        (L.LAUNCHED, L.TERMINATED, Impact.CRITICAL, "FAILED"),
        (L.LAUNCHED, L.FAILED, Impact.OPTIONAL, "COMPLETED"),
        (L.LAUNCHED, L.TERMINATED, Impact.OPTIONAL, "COMPLETED"),
        (L.FAILED, L.LAUNCHED, Impact.OPTIONAL, "FAILED"),
        (L.FAILED, L.FAILED, Impact.OPTIONAL, "FAILED"),
    ],
)
def test_only_a_critical_server_fails_its_wave(
    first: LaunchStatus, second: LaunchStatus, impact: Impact, becomes: str
) -> None:
    members = (server(1), server(2, impact=impact))
    current = launching(execution(wave(1, W.IN_PROGRESS, servers=members)), [1])
    assert statuses(decide_round(current, job1=view({1: first, 2: second})).execution) == [becomes]


def test_a_wave_whose_optional_servers_all_fail_completes() -> None:
    members = (server(1, impact=Impact.OPTIONAL), server(2, impact=Impact.OPTIONAL))
    current = launching(execution(wave(1, W.IN_PROGRESS, servers=members)), [1])
    assert statuses(decide_round(current, job1=view({1: L.FAILED, 2: L.FAILED}, completed=True)).execution) == [
        "COMPLETED"
    ]


def test_a_critical_failure_waits_for_the_other_servers() -> None:
    after = decide_round(running(1, 2), job1=view({1: L.FAILED, 2: L.IN_PROGRESS})).execution
    assert after.wave(1).status is W.IN_PROGRESS
    after = decide_round(after, job1=view({1: L.FAILED, 2: L.LAUNCHED})).execution
    assert after.wave(1).status is W.FAILED
    assert server(1).source_server_id in str(after.wave(1).error)


def test_the_error_of_a_wave_names_three_servers_and_counts_the_rest() -> None:
    numbers = range(1, 6)
    after = decide_round(running(*numbers), job1=view(dict.fromkeys(numbers, L.FAILED))).execution
    error = str(after.wave(1).error)
    assert error.startswith("5 critical")
    assert error.count("s-0") == 3
    assert error.endswith("and 2 more")


def test_what_drs_says_of_a_failure_is_kept() -> None:
    after = decide_round(
        running(1), job1=view({1: L.FAILED}, completed=True, error="LAUNCH_FAILED: no capacity")
    ).execution
    assert after.wave(1).servers[0].error == "LAUNCH_FAILED: no capacity"


def test_unknown_words_of_drs_change_nothing() -> None:
    before = decide_round(running(1, 2), job1=view({1: L.LAUNCHED, 2: L.IN_PROGRESS})).execution
    decision = decide_round(before, job1=view({1: None, 2: None}))
    assert decision.execution == before
    assert decision.directive is Directive.SLEEP


def test_a_look_that_saw_nothing_changes_nothing() -> None:
    before = running(1)
    decision = decide_round(before, later(600))
    assert (decision.execution, decision.directive) == (before, Directive.SLEEP)


def test_strangers_in_a_job_are_passed_over() -> None:
    after = decide_round(running(1), job1=view({1: L.LAUNCHED, 77: L.FAILED})).execution
    assert launches(after) == ["LAUNCHED"]


def test_a_job_that_drs_no_longer_names_is_given_up_long_after_the_deadline() -> None:
    current = running(1)
    gone = Observation(missing=frozenset({job_id(1)}))
    deadline, grace = 3600, 3600
    waiting = decide(current, gone, later(deadline - 1), TIMING).execution
    assert waiting == current
    timed_out = decide(current, gone, later(deadline + grace - 1), TIMING)
    assert (statuses(timed_out.execution)[0], timed_out.execution.in_flight) == ("FAILED", True)
    assert timed_out.directive is Directive.SLEEP
    given_up = decide(timed_out.execution, gone, later(deadline + grace), TIMING)
    assert given_up.execution.jobs[0].state is JobState.ENDED
    assert launches(given_up.execution) == ["FAILED"]
    assert given_up.directive is Directive.FINISH


def test_a_job_that_turns_up_late_changes_none_that_was_written_down_meanwhile() -> None:
    ended = execution(wave(1, W.COMPLETED), wave(2, W.IN_PROGRESS)).with_job(job(1, JobState.ENDED))
    found = Observation(found={(1, 1, 1): job_id(7)})
    assert decide(ended, found, NOW, TIMING).execution.jobs == ended.jobs


@pytest.mark.parametrize(
    "reported",
    [view({1: L.FAILED}), view({1: L.IN_PROGRESS}, completed=True), view({1: L.TERMINATED}, completed=True)],
)
def test_a7_a_vain_try_that_turns_up_late_takes_nothing_back_of_what_another_job_launched(reported: JobView) -> None:
    """DRS started it though it said that it did not, and the server was launched by the next call."""
    first = running(1)
    launched = decide_round(first, later(5), job1=view({1: L.LAUNCHED}, completed=True)).execution
    both = launch_steps.adopted(launched, job_id(7), (1, 1, 9), [server_id(1)])
    after = decide(both, Observation({job_id(7): reported}), later(9), TIMING).execution
    assert after.wave(1).servers[0].launch_status is L.LAUNCHED
    assert after.wave(1).servers[0].error is None


def test_a_deadline_counts_from_the_start_without_the_wait_before() -> None:
    current = running(1, wait_before_seconds=600, timeout_minutes=10)
    assert decide_round(current, later(1199)).execution.wave(1).status is W.IN_PROGRESS
    failed = decide_round(current, later(1200)).execution.wave(1)
    assert (failed.status, failed.ended_at) == (W.FAILED, later(1200))
    assert "10 minute" in str(failed.error)


def test_a_deadline_follows_the_time_scale() -> None:
    tenth = Timing(scale=0.1)
    current = running(1, wait_before_seconds=100, timeout_minutes=1)
    assert decide_round(current, later(15.9), tenth).execution.wave(1).status is W.IN_PROGRESS
    assert decide_round(current, later(16), tenth).execution.wave(1).status is W.FAILED


def test_what_a_late_job_launches_is_recorded_before_the_execution_ends() -> None:
    late = decide_round(running(1, timeout_minutes=1), later(60))
    assert (late.directive, statuses(late.execution)) == (Directive.SLEEP, ["FAILED", "NOT_STARTED"])
    assert finalise(late.execution, later(61)) is late.execution
    launched = decide_round(late.execution, later(90), job1=view({1: L.LAUNCHED}))
    assert (launched.directive, launched_count(launched.execution)) == (Directive.SLEEP, 1)
    over = decide_round(launched.execution, later(99), job1=view({1: L.LAUNCHED}, completed=True))
    assert (over.directive, statuses(over.execution)) == (Directive.FINISH, ["FAILED", "NOT_STARTED"])
    assert finalise(over.execution, later(99)).status is ExecutionStatus.FAILED


def test_servers_that_never_started_fail_with_their_wave_and_are_named_so() -> None:
    members = (server(1), server(2))
    current = execution(wave(1, W.IN_PROGRESS, servers=members, timeout_minutes=1)).with_job(job(1))
    after = decide_round(current, later(60)).execution
    assert launches(after) == ["PENDING", "FAILED"]
    assert after.wave(1).servers[1].error == "Not started before the wave timed out"


def test_a_launch_that_is_over_at_the_deadline_counts() -> None:
    after = decide_round(running(1, timeout_minutes=1), later(61), job1=view({1: L.LAUNCHED})).execution
    assert after.wave(1).status is W.COMPLETED


def test_s2_5_a_cancelled_wave_ends_with_its_job_even_if_all_of_it_launched() -> None:
    current = launching(
        execution(wave(1, W.IN_PROGRESS), status=ExecutionStatus.CANCELLING, cancel=asked_to_cancel()), [1]
    )
    assert decide_round(current, later(10**6)).execution == current
    launched = decide_round(current, later(50), job1=view({1: L.LAUNCHED})).execution
    assert (launches(launched), statuses(launched)) == (["LAUNCHED"], ["IN_PROGRESS"])
    over = decide_round(launched, later(60), job1=view({1: L.LAUNCHED}, completed=True))
    assert (over.directive, statuses(over.execution)) == (Directive.FINISH, ["CANCELLED"])
    ended = finalise(over.execution, later(60))
    assert (ended.status, launched_count(ended)) == (ExecutionStatus.CANCELLED, 1)


def test_s2_5_a_cancelled_execution_never_starts_another_batch() -> None:
    big = wave(1, W.IN_PROGRESS, servers=(server(1), server(2)))
    current = execution(big, status=ExecutionStatus.CANCELLING, cancel=asked_to_cancel()).with_job(job(1))
    assert decide_round(current, NOW).directive is Directive.SLEEP


def test_s2_5_an_intent_without_an_outcome_is_looked_into_under_a_cancel_too() -> None:
    current = execution(wave(1, W.IN_PROGRESS), status=ExecutionStatus.CANCELLING, cancel=asked_to_cancel())
    waiting = current.with_job(job(1, JobState.INTENDED, check_after=later(75)))
    assert decide_round(waiting, later(75)).directive is Directive.START
    refuted = current.with_job(job(1, JobState.REFUTED))
    assert decide_round(refuted).directive is Directive.FINISH


def test_an_execution_does_not_end_before_a_job_of_a_refused_call_would_show() -> None:
    """The last look for such jobs is made once: earlier it could miss one."""
    failed = wave(1, W.FAILED, servers=(server(1, LaunchStatus.FAILED),))
    refused = job(1, JobState.REFUSED, check_after=later(15))
    current = execution(failed, jobs=(refused,))

    before, then = (decide(current, Observation(), later(seconds), TIMING) for seconds in (14, 15))

    assert (before.directive, before.brief) == (Directive.SLEEP, True)
    assert before.reason == "a job of a refused call could still show up"
    assert then.directive is Directive.FINISH
