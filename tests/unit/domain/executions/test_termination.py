"""The clean-up: when it may be asked for, what it does next, and how it ends."""

from dataclasses import replace

import pytest
from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    TIMING,
    execution,
    instance_id,
    job,
    job_id,
    later,
    seen,
    server,
    view,
    wave,
)

from wavebreak.domain.executions import termination
from wavebreak.domain.executions.audit_trail import Act
from wavebreak.domain.executions.model import Execution, Job, JobKind, JobState, LaunchStatus, Termination
from wavebreak.domain.executions.observation import JobView, Observation
from wavebreak.domain.executions.steering import Refused
from wavebreak.domain.executions.termination import MAX_ATTEMPTS, CleanUp, Sighting
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.site import Place

W, E, T = WaveStatus, ExecutionStatus, TerminationStatus
ACT = Act(OPERATOR, later(5))
NOTHING = Observation()
WEST = Place(None, "us-west-2")


def ended(status: ExecutionStatus = E.COMPLETED, *waves: WaveStatus) -> Execution:
    """An ended execution whose waves launched one server each."""
    made = [
        wave(number, state, servers=(server(number, LaunchStatus.LAUNCHED),))
        for number, state in enumerate(waves or (W.COMPLETED, W.COMPLETED), start=1)
    ]
    jobs = tuple(job(item.number, JobState.ENDED) for item in made)
    return execution(*made, status=status, ended_at=NOW, jobs=jobs)


def cleaning(**fields: object) -> Execution:
    return termination.request(replace(ended(), **fields), ACT)  # type: ignore[arg-type]  # any field


def terminate_job(batch: int, *instances: int, state: JobState = JobState.STARTED, run: int = 1) -> Job:
    return Job(
        wave=0,
        attempt=run,
        batch=batch,
        subjects=tuple(instance_id(number) for number in instances),
        state=state,
        intended_at=NOW,
        check_after=later(75),
        kind=JobKind.TERMINATE,
        job_id=job_id(900 + batch) if state in {JobState.STARTED, JobState.ENDED} else None,
    )


def alive(*numbers: int, observation: Observation = NOTHING) -> Sighting:
    return Sighting(observation, frozenset(instance_id(number) for number in numbers))


def without_west(*numbers: int) -> Sighting:
    return replace(alive(*numbers), unseen=frozenset({WEST}))


@pytest.mark.parametrize("status", [status for status in ExecutionStatus if status in {"COMPLETED", "CANCELLED"}])
def test_s2_7_a_request_begins_the_next_run_and_takes_the_locks(status: ExecutionStatus) -> None:
    asked = termination.request(ended(status), ACT)
    assert asked.termination == Termination(T.IN_PROGRESS, run=1, requested_at=ACT.at, requested_by=OPERATOR)
    assert (asked.status, asked.holds_locks) == (status, True)
    assert termination.request(asked, Act("another", later(9))) is asked


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (replace(ended(), status=E.CANCELLING), "Execution not in terminal state"),
        (execution(wave(1, W.CANCELLED), status=E.CANCELLED), "No recovery instances found"),
        (replace(ended(), termination=Termination(T.COMPLETED)), "Instances already terminated"),
        (ended(E.FAILED, W.FAILED, W.AWAITING_APPROVAL), "Waves still active"),
    ],
)
def test_s2_7_a_refused_request_has_the_exact_reason(subject: Execution, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        termination.request(subject, ACT)
    assert str(refused.value) == reason


def test_s2_7_an_active_wave_does_not_hold_back_a_partial_success() -> None:
    asked = termination.request(ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.IN_PROGRESS), ACT)
    assert asked.termination.status is T.IN_PROGRESS


def test_an_incomplete_clean_up_may_be_asked_for_again() -> None:
    left = replace(ended(), termination=Termination(T.INCOMPLETE, 1, (instance_id(2),), run=1, ended_at=NOW))
    again = termination.request(left, ACT).termination
    assert (again.status, again.run, again.remaining, again.ended_at) == (T.IN_PROGRESS, 2, (), None)


def test_a_clean_up_that_was_not_asked_for_is_finished() -> None:
    assert termination.decide(ended(), alive(1), NOW, TIMING) == (ended(), CleanUp.FINISH)


def test_what_is_alive_is_terminated_and_counted_down_to_completed() -> None:
    after, directive = termination.decide(cleaning(), alive(1, 2), NOW, TIMING)
    assert (directive, after.termination.terminated, len(after.termination.remaining)) == (CleanUp.TERMINATE, 0, 2)
    called = after.with_job(terminate_job(1, 1, 2))
    after, directive = termination.decide(called, alive(2), NOW, TIMING)
    assert (directive, after.termination.terminated) == (CleanUp.SLEEP, 1)
    assert after.termination.remaining == (instance_id(2),)
    after, directive = termination.decide(after, alive(), later(60), TIMING)
    assert (directive, after.termination.status, after.termination.terminated) == (CleanUp.FINISH, T.COMPLETED, 2)
    assert (after.termination.ended_at, after.holds_locks, after.instances_terminated) == (later(60), False, True)


def test_what_is_gone_already_counts_as_terminated() -> None:
    after, directive = termination.decide(cleaning(), alive(), NOW, TIMING)
    assert (directive, after.termination.status, after.termination.terminated) == (CleanUp.FINISH, T.COMPLETED, 2)


def test_waves_of_every_status_count() -> None:
    every = ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.FAILED, W.CANCELLED, W.SKIPPED)
    assert termination.launched_instances(every) == {instance_id(number) for number in (1, 2, 3, 4)}
    asked = termination.request(every, ACT)
    assert termination.due(asked, alive(1, 2, 3, 4).instances) == tuple(map(instance_id, (1, 2, 3, 4)))


def test_an_instance_gets_another_job_only_when_its_last_has_ended() -> None:
    called = cleaning().with_job(terminate_job(1, 1, 2))
    done = seen(job901=JobView(completed=True))
    after, directive = termination.decide(called, alive(1, observation=done), NOW, TIMING)
    assert (directive, termination.due(after, [instance_id(1)])) == (CleanUp.TERMINATE, (instance_id(1),))
    assert next(termination.terminate_jobs(after)).state is JobState.ENDED


def test_a_terminate_job_that_drs_no_longer_names_has_ended() -> None:
    called = cleaning().with_job(terminate_job(1, 1, 2))
    gone = alive(1, observation=Observation(missing=frozenset({job_id(901)})))
    assert termination.decide(called, gone, NOW, TIMING)[1] is CleanUp.TERMINATE


def test_what_outlives_its_attempts_is_named_as_incomplete() -> None:
    current = cleaning()
    for batch in range(1, MAX_ATTEMPTS + 1):
        assert termination.decide(current, alive(2), NOW, TIMING)[1] is CleanUp.TERMINATE
        current = current.with_job(terminate_job(batch, 1, 2, state=JobState.ENDED))
    after, directive = termination.decide(current, alive(2), NOW, TIMING)
    assert (directive, after.termination.status) == (CleanUp.FINISH, T.INCOMPLETE)
    assert (after.termination.remaining, after.termination.terminated) == ((instance_id(2),), 1)
    again = termination.request(after, ACT)
    assert termination.decide(again, alive(2), NOW, TIMING)[1] is CleanUp.TERMINATE


def test_a_clean_up_is_incomplete_after_its_deadline() -> None:
    called = cleaning().with_job(terminate_job(1, 1, 2))
    deadline = ACT.at + TIMING.termination_deadline
    assert termination.decide(called, alive(1), later(3600), TIMING)[1] is CleanUp.SLEEP
    after, directive = termination.decide(called, alive(1), deadline, TIMING)
    assert (directive, after.termination.status, after.termination.remaining) == (
        CleanUp.FINISH,
        T.INCOMPLETE,
        (instance_id(1),),
    )


def test_a_look_that_failed_is_repeated_and_names_everything_at_the_deadline() -> None:
    unseen = Sighting(NOTHING, frozenset(), frozenset({Place()}))
    assert termination.decide(cleaning(), unseen, later(3600), TIMING) == (cleaning(), CleanUp.SLEEP)
    after, directive = termination.decide(cleaning(), unseen, ACT.at + TIMING.termination_deadline, TIMING)
    assert (directive, after.termination.status) == (CleanUp.FINISH, T.INCOMPLETE)
    assert after.termination.remaining == (instance_id(1), instance_id(2))


def test_a_refusal_of_drs_is_waited_out() -> None:
    current = cleaning()
    held = replace(current, termination=replace(current.termination, blocked_until=later(30)))
    assert termination.decide(held, alive(1), later(29), TIMING)[1] is CleanUp.SLEEP
    assert termination.decide(held, alive(1), later(30), TIMING)[1] is CleanUp.TERMINATE


def test_an_intent_without_an_outcome_is_looked_into_when_its_time_is_over() -> None:
    intended = cleaning().with_job(terminate_job(1, 1, 2, state=JobState.INTENDED))
    assert termination.decide(intended, alive(1), later(74), TIMING)[1] is CleanUp.SLEEP
    assert termination.decide(intended, alive(1), later(75), TIMING)[1] is CleanUp.TERMINATE


def test_s2_10_a_job_still_running_is_waited_for_and_what_it_launches_is_terminated_too() -> None:
    older = ended(E.PARTIAL_SUCCESS, W.COMPLETED, W.IN_PROGRESS)
    second = older.wave(2).with_servers(lambda item: replace(item.anew(), launch_status=LaunchStatus.IN_PROGRESS))
    running = termination.request(older.with_job(job(2)).with_waves([second]), ACT)
    after, directive = termination.decide(running, alive(), NOW, TIMING)
    assert (directive, after.termination.status) == (CleanUp.SLEEP, T.IN_PROGRESS)
    launched = seen(job2=view({2: LaunchStatus.LAUNCHED}, completed=True))
    after, directive = termination.decide(after, alive(2, observation=launched), NOW, TIMING)
    assert directive is CleanUp.TERMINATE
    assert termination.launched_instances(after) == {instance_id(1), instance_id(2)}
    assert after.wave(2).status is W.IN_PROGRESS


def in_two_places() -> Execution:
    """A clean-up of two waves, the second one's server in another Region."""
    asked = cleaning()
    moved = replace(asked.wave(2), place=WEST)
    return asked.with_waves([moved]).with_job(replace(job(2, JobState.ENDED), place=WEST))


def test_s3_1_a_region_that_does_not_answer_holds_up_no_other_but_the_end() -> None:
    current = in_two_places()
    after, directive = termination.decide(current, without_west(1), NOW, TIMING)
    assert (directive, after.termination.remaining) == (CleanUp.TERMINATE, (instance_id(1), instance_id(2)))
    after, directive = termination.decide(after.with_job(terminate_job(1, 1)), without_west(), later(60), TIMING)
    assert (directive, after.termination.status) == (CleanUp.SLEEP, T.IN_PROGRESS)
    assert (after.termination.terminated, after.termination.remaining) == (1, (instance_id(2),))
    late, directive = termination.decide(after, without_west(), ACT.at + TIMING.termination_deadline, TIMING)
    assert (directive, late.termination.status, late.termination.terminated) == (CleanUp.FINISH, T.INCOMPLETE, 1)
    assert late.termination.remaining == (instance_id(2),)
    seen_again, directive = termination.decide(after, alive(2), later(90), TIMING)
    assert (directive, seen_again.termination.remaining) == (CleanUp.TERMINATE, (instance_id(2),))


def test_an_intent_in_a_region_that_does_not_answer_is_not_looked_into_over_and_over() -> None:
    intent = replace(terminate_job(1, 2, state=JobState.INTENDED), place=WEST)
    asked = in_two_places().with_job(intent)
    assert termination.decide(asked, without_west(), later(75), TIMING)[1] is CleanUp.SLEEP
    assert termination.decide(asked, alive(2), later(75), TIMING)[1] is CleanUp.TERMINATE


def test_attempts_used_up_in_one_region_do_not_end_the_clean_up_while_another_is_not_seen() -> None:
    asked = in_two_places()
    for batch in range(1, MAX_ATTEMPTS + 1):
        asked = asked.with_job(terminate_job(batch, 1, state=JobState.ENDED))
    after, directive = termination.decide(asked, without_west(1), NOW, TIMING)
    assert (directive, after.termination.status) == (CleanUp.SLEEP, T.IN_PROGRESS)
