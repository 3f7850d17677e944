"""What jobs do not report is learnt: instances, recovery points, and what their logs say (contract 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    execution,
    instance_id,
    job,
    job_id,
    later,
    server,
    server_id,
    statuses,
    wave,
)

from wavebreak.domain.executions.engine import Decision, Directive, decide
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.observing import learning
from wavebreak.domain.executions.observing.launches import InstanceView, JobLog, JobView, Observation, ServerView
from wavebreak.domain.executions.observing.learning import Due
from wavebreak.domain.executions.stepping.wave_steps import planned
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import WaveStatus as W
from wavebreak.site import Site
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution

L = LaunchStatus
ELSEWHERE = Site(None, "us-west-2")


def view(*numbers: int, completed: bool, status: LaunchStatus = L.LAUNCHED) -> JobView:
    """A job as real DRS shows it: it names no instance."""
    return JobView(completed, {server_id(number): ServerView(status) for number in numbers})


def running(*numbers: int, **fields: Any) -> Execution:
    """One wave of these servers, in one job."""
    members = tuple(server(number, L.IN_PROGRESS) for number in numbers)
    return execution(wave(1, W.IN_PROGRESS, servers=members, **fields)).with_job(
        job(1, subjects=tuple(map(server_id, numbers)))
    )


def seen(*numbers: int, job_number: int = 1, **fields: Any) -> Observation:
    """Instances as DescribeRecoveryInstances shows them."""
    views = {(job_id(job_number), server_id(n)): InstanceView(instance_id(n), NOW, **fields) for n in numbers}
    return Observation(instances=views, instances_read=frozenset({job_id(job_number)}))


def whole_log(*numbers: int, **fields: Any) -> JobLog:
    """A log that has come to its end, and to a word for each of these servers."""
    return JobLog(reported=frozenset(map(server_id, numbers)), ended=True, **fields)


def known(subject: Execution, number: int = 1) -> list[str | None]:
    return [each.recovery_instance_id for each in subject.wave(number).servers]


def due(subject: Execution, seconds: float = 0, site: Site | None = None) -> Due:
    return learning.due(subject, site or Site(), later(seconds), TIMING)


def ended(*numbers: int, **fields: Any) -> Execution:
    """The job of these servers has ended, and named none of their instances."""
    return decide(
        running(*numbers, **fields), Observation({job_id(1): view(*numbers, completed=True)}), NOW, TIMING
    ).execution


def decide_round(subject: Execution, observation: Observation, seconds: float = 0) -> Decision:
    return decide(subject, observation, later(seconds), TIMING)


def test_while_a_job_runs_nothing_is_asked_for() -> None:
    launching = decide_round(running(1, 2), Observation({job_id(1): view(1, completed=False)})).execution
    assert due(launching) == Due()


def test_an_ended_job_costs_one_look_and_one_log_however_many_servers() -> None:
    assert due(ended(*range(1, 101))) == Due(tuple(map(server_id, range(1, 101))), frozenset({job_id(1)}), (job_id(1),))
    assert due(ended(1), site=ELSEWHERE) == Due()


def test_instances_are_learnt_by_the_job_that_launched_them_and_the_end_waits_for_them() -> None:
    subject = ended(1, 2)
    first = decide_round(subject, Observation())
    assert (first.directive, first.brief) == (Directive.SLEEP, True)
    strange = Observation(
        instances={(job_id(9), server_id(1)): InstanceView(instance_id(9))}, instances_read=frozenset({job_id(9)})
    )
    assert known(decide_round(subject, strange).execution) == [None, None]
    done = decide_round(subject, replace(seen(1, 2), logs={job_id(1): whole_log(1, 2)}))
    assert known(done.execution) == [instance_id(1), instance_id(2)]
    assert {each.snapshot_at for each in done.execution.wave(1).servers} == {NOW}
    assert done.directive is Directive.FINISH
    assert due(done.execution) == Due()


def test_what_drs_does_not_show_yet_is_asked_for_again_and_only_that() -> None:
    subject = decide_round(ended(1, 2), replace(seen(1), logs={job_id(1): whole_log(1, 2)})).execution
    assert due(subject, 5) == Due((server_id(2),), frozenset({job_id(1)}))
    waiting = decide_round(subject, Observation(), 5)
    assert (waiting.directive, waiting.brief) == (Directive.SLEEP, True)
    assert decide_round(subject, seen(2), 10).directive is Directive.FINISH


def test_the_log_of_an_ended_job_names_instances_too() -> None:
    reported = whole_log(1, instances={server_id(1): instance_id(1)})
    done = decide_round(ended(1), Observation(instances_read=frozenset({job_id(1)}), logs={job_id(1): reported}))
    assert known(done.execution) == [instance_id(1)]
    assert done.directive is Directive.FINISH


def test_the_end_waits_a_minute_and_no_longer() -> None:
    subject = decide_round(
        ended(1), Observation(instances_read=frozenset({job_id(1)}), logs={job_id(1): whole_log(1)})
    ).execution
    assert decide_round(subject, Observation(), 59).directive is Directive.SLEEP
    assert decide_round(subject, Observation(), 60).directive is Directive.FINISH


def test_a_wave_without_commands_waits_for_nothing() -> None:
    first, second = wave(1, W.IN_PROGRESS, servers=(server(1, L.IN_PROGRESS),)), wave(2)
    subject = execution(first, second).with_job(job(1))
    done = decide_round(subject, Observation({job_id(1): view(1, completed=True)}))
    assert statuses(done.execution) == ["COMPLETED", "IN_PROGRESS"]
    assert (done.directive, done.waves) == (Directive.START, (2,))


def test_what_was_not_learnt_in_ten_minutes_stays_unknown() -> None:
    first, second = wave(1, W.IN_PROGRESS, servers=(server(1, L.IN_PROGRESS),)), wave(2, requires_approval=True)
    subject = decide_round(
        execution(first, second).with_job(job(1)), Observation({job_id(1): view(1, completed=True)})
    ).execution
    assert due(subject, 599).servers == (server_id(1),)
    assert due(subject, 600) == Due()
    calm = decide_round(subject, Observation(), 90)
    assert (calm.directive, calm.brief) == (Directive.SLEEP, False)


def test_a_command_of_the_wave_waits_for_the_instances_while_the_job_runs_on() -> None:
    commands = planned([], [{"command": "status"}])
    subject = decide_round(
        running(1, 2, steps=commands), Observation({job_id(1): view(1, 2, completed=False)})
    ).execution
    first = decide_round(subject, Observation())
    assert (first.directive, first.brief) == (Directive.SLEEP, True)
    assert due(subject) == Due((server_id(1), server_id(2)), frozenset({job_id(1)}), running=frozenset({job_id(1)}))
    for seconds in (0, 5):
        subject = decide_round(subject, Observation(instances_read=frozenset({job_id(1)})), seconds).execution
    assert due(subject, 10).logs == (job_id(1),), "after two looks the log is read for them"
    assert decide_round(subject, seen(1), 10).directive is Directive.SLEEP
    assert decide_round(subject, seen(1, 2), 10).directive is Directive.COMMAND
    assert decide_round(subject, Observation(), 60).directive is Directive.COMMAND
    assert due(decide_round(subject, Observation(), 60).execution, 60) == Due()


def test_a_command_before_a_wave_waits_for_the_instances_of_the_waves_it_runs_on() -> None:
    before = planned([{"command": "status"}], [])
    first, second = wave(1, W.IN_PROGRESS, servers=(server(1, L.IN_PROGRESS),)), wave(2, steps=before)
    subject = execution(first, second).with_job(job(1))
    opened = decide_round(subject, Observation({job_id(1): view(1, completed=False)}))
    assert statuses(opened.execution) == ["COMPLETED", "IN_PROGRESS"]
    assert (opened.directive, opened.brief) == (Directive.SLEEP, True)
    assert due(opened.execution).servers == (server_id(1),)
    assert decide_round(opened.execution, seen(1)).directive is Directive.COMMAND


@pytest.mark.parametrize("status", [W.FAILED, W.SKIPPED])
def test_a_step_before_a_wave_waits_no_longer_for_a_job_that_outlived_its_wave(status: W) -> None:
    """Wave 1 was given up while one of its servers is still being launched: wave 2 goes on all the same."""
    members = (server(1, L.LAUNCHED, recovery_instance_id=None), server(2, L.IN_PROGRESS))
    first = wave(1, status, servers=members, on_failure=OnFailure.CONTINUE, ended_at=NOW)
    second = wave(2, W.IN_PROGRESS, servers=(server(3),), steps=planned([{"command": "status"}], []))
    subject = execution(first, second).with_job(job(1, subjects=(server_id(1), server_id(2))))
    opened = decide_round(subject, Observation({job_id(1): view(1, completed=False)}))
    assert opened.directive is Directive.SLEEP
    assert due(opened.execution).servers == (server_id(1),)
    assert decide_round(opened.execution, Observation(), 60).directive is Directive.COMMAND


def test_a_place_that_does_not_answer_makes_a_command_wait_no_longer_than_that() -> None:
    commands = planned([], [{"command": "status"}])
    subject = decide_round(running(1, steps=commands), Observation({job_id(1): view(1, completed=False)})).execution
    assert decide_round(subject, Observation(), 59).directive is Directive.SLEEP
    assert decide_round(subject, Observation(), 60).directive is Directive.COMMAND


def test_of_several_jobs_of_a_server_the_last_one_tells_its_instance() -> None:
    again = replace(
        ended(1, 2),
        waves=(wave(1, W.IN_PROGRESS, servers=(server(1, L.IN_PROGRESS), server(2, L.LAUNCHED)), attempt=2),),
    )
    again = again.with_job(job(1, attempt=2, job_id=job_id(2)))
    done = decide_round(again, Observation({job_id(2): view(1, completed=True)})).execution
    both = Observation(
        instances={
            (job_id(1), server_id(1)): InstanceView(instance_id(8)),
            (job_id(2), server_id(1)): InstanceView(instance_id(1)),
        },
        instances_read=frozenset({job_id(1), job_id(2)}),
    )
    assert known(decide_round(done, both).execution)[0] == instance_id(1)


def test_what_a_retry_launches_anew_is_learnt_anew() -> None:
    learnt = Server(server_id(1), snapshot_at=NOW, older_snapshot=True, recovery_instance_id="i-1", error="x")
    assert learnt.reset() == Server(server_id(1))


def test_t6_t12_why_a_server_failed_is_kept_whole_up_to_a_thousand_characters() -> None:
    subject = decide_round(running(1), Observation({job_id(1): view(1, completed=True, status=L.FAILED)})).execution
    assert subject.wave(1).servers[0].error == f"DRS could not launch this server (job {job_id(1)})"
    short = decide_round(
        subject, Observation(logs={job_id(1): whole_log(1, failures={server_id(1): "LAUNCH_FAILED: no capacity"})})
    ).execution
    assert short.wave(1).servers[0].error == "LAUNCH_FAILED: no capacity"
    whole = decide_round(
        subject, Observation(logs={job_id(1): whole_log(1, failures={server_id(1): "e" * 65_536})})
    ).execution
    assert len(str(whole.wave(1).servers[0].error)) == 1000
    assert str(whole.wave(1).servers[0].error).endswith(f"(cut; the log of {job_id(1)} has all 65,536 characters)")


def failed(*numbers: int, **fields: Any) -> Execution:
    """The job of these servers has ended, and launched none of them."""
    reported = Observation({job_id(1): view(*numbers, completed=True, status=L.FAILED)})
    return decide_round(running(*numbers, **fields), reported).execution


def test_a_log_that_has_no_end_or_no_word_of_a_server_yet_is_read_again() -> None:
    subject = failed(1, 2)
    half = {server_id(1): "LAUNCH_FAILED: no capacity"}
    reported_one = frozenset({server_id(1)})
    for log in (JobLog(), JobLog(half, reported=reported_one), JobLog(half, reported=reported_one, ended=True)):
        waiting = decide_round(subject, Observation(logs={job_id(1): log}), 5)
        assert due(waiting.execution, 5).logs == (job_id(1),)
        assert (waiting.directive, waiting.brief) == (Directive.SLEEP, True), "the end waits for the rest of it"
    rest = decide_round(
        waiting.execution, Observation(logs={job_id(1): whole_log(1, 2, failures={server_id(2): "x"})}), 10
    )
    assert [each.error for each in rest.execution.wave(1).servers] == [*half.values(), "x"]
    assert due(rest.execution, 10).logs == ()
    assert rest.directive is Directive.FINISH


def test_a_log_that_is_never_whole_holds_up_the_end_for_a_minute_and_is_read_for_ten() -> None:
    subject = decide_round(failed(1), Observation(logs={job_id(1): JobLog(ended=True)})).execution
    assert decide_round(subject, Observation(logs={job_id(1): JobLog(ended=True)}), 59).directive is Directive.SLEEP
    assert decide_round(subject, Observation(logs={job_id(1): JobLog(ended=True)}), 60).directive is Directive.FINISH
    assert due(subject, 599).logs == (job_id(1),)
    assert due(subject, 600) == Due()


def test_a_log_needs_no_word_of_a_server_that_a_later_job_launches() -> None:
    """The first job failed both; the second one, of a retry, has launched one of them by now."""
    members = (server(1, L.LAUNCHED), server(2, L.FAILED))
    retried = execution(wave(1, W.IN_PROGRESS, servers=members, attempt=2))
    both, one = (server_id(1), server_id(2)), (server_id(1),)
    retried = retried.with_job(job(1, subjects=both).ended(NOW)).with_job(
        job(1, attempt=2, job_id=job_id(2), subjects=one)
    )
    after = decide_round(retried, Observation(logs={job_id(1): whole_log(2)})).execution
    assert [each.logged for each in after.launch_jobs(1)] == [True, False]


def test_t16_an_older_recovery_point_is_remembered() -> None:
    log = whole_log(1, 2, older=frozenset({server_id(2)}))
    done = decide_round(ended(1, 2), replace(seen(1, 2), logs={job_id(1): log})).execution
    assert [each.older_snapshot for each in done.wave(1).servers] == [False, True]


def test_t23_an_instance_that_was_left_stopped_is_told() -> None:
    done = decide_round(ended(1), replace(seen(1, stopped=True), logs={job_id(1): whole_log(1)})).execution
    assert "STOPPED" in str(done.wave(1).servers[0].error)
    assert done.wave(1).status is W.COMPLETED


def test_b2_with_post_launch_actions_a_launch_is_over_when_its_job_is_and_not_between_launch_and_discovery() -> None:
    waits = JobView(completed=False, servers={server_id(1): ServerView(L.LAUNCHED, actions_running=True)})
    subject = decide_round(running(1), Observation({job_id(1): waits})).execution
    assert statuses(subject) == ["IN_PROGRESS"]
    assert statuses(decide_round(subject, Observation({job_id(1): view(1, completed=True)})).execution) == ["COMPLETED"]


def test_t4_a_failed_post_launch_action_is_told_by_its_server_and_fails_nothing() -> None:
    words = "Post-launch action http-check failed: HTTP 503"
    reported = JobView(completed=False, servers={server_id(1): ServerView(L.LAUNCHED, error=words)})
    done = decide_round(running(1), Observation({job_id(1): reported})).execution
    assert (statuses(done), done.wave(1).servers[0].error) == (["COMPLETED"], words)
    kept = decide_round(done, replace(seen(1), jobs={job_id(1): view(1, completed=True)})).execution
    assert kept.wave(1).servers[0].error == words


def test_a_job_of_an_older_record_holds_up_no_end() -> None:
    old = execution(wave(1, W.COMPLETED)).with_job(job(1, JobState.ENDED))
    assert decide_round(old, Observation()).directive is Directive.FINISH


def test_commands_go_on_as_ever_when_the_job_names_its_instances() -> None:
    commands = planned([], [{"command": "status"}])
    named = JobView(completed=False, servers={server_id(1): ServerView(L.LAUNCHED, instance_id(1))})
    done = decide_round(running(1, steps=commands), Observation({job_id(1): named}))
    assert done.directive is Directive.COMMAND
