"""Which waves start, and when: dependencies, waits, batches, approvals."""

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    asked_to_cancel,
    decide_round,
    execution,
    job,
    later,
    launching,
    seen,
    server,
    statuses,
    view,
    wave,
)

from wavebreak.domain.executions.engine import (
    MAX_WAVES_A_ROUND,
    Directive,
    decide,
    finalise,
    is_over,
    servers_to_launch,
)
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.steering import cancel
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.timing import Timing
from wavebreak.values import replace

LAUNCHED = LaunchStatus.LAUNCHED
W = WaveStatus


def three_tiers() -> Execution:
    return execution(wave(1), wave(2), wave(3), status=ExecutionStatus.PENDING)


def test_s2_11_a_linear_plan_runs_wave_after_wave_to_completed() -> None:
    now, current = NOW, three_tiers()
    for number in (1, 2, 3):
        ended = seen(**{f"job{number - 1}": view({number - 1: LAUNCHED}, completed=True)})
        decision = decide(current, ended, now, TIMING)
        assert (decision.directive, decision.waves) == (Directive.START, (number,))
        assert statuses(decision.execution) == ["COMPLETED"] * (number - 1) + ["IN_PROGRESS"] + ["NOT_STARTED"] * (
            3 - number
        )
        current = launching(decision.execution, [number], now)
        assert decide_round(current, now).directive is Directive.SLEEP
        now = later(60 * number)
    decision = decide_round(current, now, job3=view({3: LAUNCHED}, completed=True))
    assert decision.directive is Directive.FINISH
    assert decision.execution.status is ExecutionStatus.IN_PROGRESS
    final = finalise(decision.execution, now)
    assert (final.status, final.ended_at) == (ExecutionStatus.COMPLETED, now)
    assert [wave.ended_at for wave in final.waves] == [later(60), later(120), later(180)]


def test_the_branches_of_a_diamond_overlap_and_their_join_waits_for_both() -> None:
    current = execution(
        wave(1, W.COMPLETED), wave(2, depends_on=(1,)), wave(3, depends_on=(1,)), wave(4, depends_on=(2, 3))
    )
    decision = decide_round(current)
    assert decision.waves == (2, 3)
    current = launching(decision.execution, (2, 3))
    decision = decide_round(current, job2=view({2: LAUNCHED}, completed=True))
    assert statuses(decision.execution) == ["COMPLETED", "COMPLETED", "IN_PROGRESS", "NOT_STARTED"]
    assert decision.directive is Directive.SLEEP
    decision = decide_round(decision.execution, job3=view({3: LAUNCHED}, completed=True))
    assert (decision.directive, decision.waves) == (Directive.START, (4,))


def test_independent_waves_start_together() -> None:
    current = execution(*(wave(number, depends_on=()) for number in (1, 2, 3)))
    assert decide_round(current).waves == (1, 2, 3)


def test_an_empty_depends_on_starts_beside_a_chain() -> None:
    current = execution(wave(1), wave(2), wave(3, depends_on=()))
    assert statuses(decide_round(current).execution) == ["IN_PROGRESS", "NOT_STARTED", "IN_PROGRESS"]


@pytest.mark.parametrize("status", WaveStatus)
def test_a_dependant_starts_after_completed_and_skipped_only(status: WaveStatus) -> None:
    other = wave(3, W.IN_PROGRESS, depends_on=())
    current = launching(execution(wave(1, status), wave(2), other), (1, 3))
    started = decide_round(current).execution.wave(2).status is W.IN_PROGRESS
    assert started is (status in {W.COMPLETED, W.SKIPPED})


def test_one_round_names_no_more_waves_than_the_payload_allows() -> None:
    current = execution(*(wave(number, depends_on=()) for number in range(1, 81)))
    decision = decide_round(current)
    assert decision.waves == tuple(range(1, MAX_WAVES_A_ROUND + 1))
    assert set(statuses(decision.execution)) == {"IN_PROGRESS"}
    after = launching(decision.execution, decision.waves)
    assert decide_round(after).waves == tuple(range(MAX_WAVES_A_ROUND + 1, 2 * MAX_WAVES_A_ROUND + 1))


def test_a_wait_before_holds_the_launch_back_and_not_the_wave() -> None:
    decision = decide_round(execution(wave(1, wait_before_seconds=90)))
    assert statuses(decision.execution) == ["IN_PROGRESS"]
    assert decision.directive is Directive.SLEEP
    assert decide_round(decision.execution, later(89)).directive is Directive.SLEEP
    assert decide_round(decision.execution, later(90)).directive is Directive.START


def test_waits_follow_the_time_scale_and_are_at_least_a_second() -> None:
    hundredth = Timing(scale=0.01)
    started = decide_round(execution(wave(1, wait_before_seconds=300)), timing=hundredth).execution
    assert decide_round(started, later(2.9), hundredth).directive is Directive.SLEEP
    assert decide_round(started, later(3), hundredth).directive is Directive.START
    short = decide_round(execution(wave(1, wait_before_seconds=5)), timing=hundredth).execution
    assert decide_round(short, later(0.9), hundredth).directive is Directive.SLEEP
    assert decide_round(short, later(1), hundredth).directive is Directive.START


def test_a_wave_without_room_is_left_alone_until_its_time() -> None:
    blocked = wave(1, W.IN_PROGRESS, blocked_until=later(30))
    assert decide_round(execution(blocked), later(29)).directive is Directive.SLEEP
    assert decide_round(execution(blocked), later(30)).directive is Directive.START


def test_a_job_that_ends_makes_room_for_blocked_waves() -> None:
    blocked = wave(2, W.IN_PROGRESS, depends_on=(), blocked_until=later(30))
    current = launching(execution(wave(1, W.IN_PROGRESS), blocked), [1])
    assert decide_round(current).directive is Directive.SLEEP
    decision = decide_round(current, job1=view({1: LAUNCHED}, completed=True))
    assert (decision.directive, decision.waves) == (Directive.START, (2,))


def test_a_wave_goes_on_in_batches_until_none_of_its_servers_waits() -> None:
    big = wave(1, W.IN_PROGRESS, servers=(server(1), server(2)))
    first = execution(big).with_job(job(1))
    assert [item.source_server_id for item in servers_to_launch(first, big)] == [server(2).source_server_id]
    assert decide_round(first).directive is Directive.START
    decision = decide_round(first, job1=view({1: LAUNCHED}, completed=True))
    assert (decision.directive, statuses(decision.execution)) == (Directive.START, ["IN_PROGRESS"])


def test_pause_and_stop_hold_back_waves_and_never_a_batch() -> None:
    big = wave(1, W.IN_PROGRESS, servers=(server(1), server(2)))
    waiting = wave(3, depends_on=())
    paused = execution(big, wave(2), waiting, status=ExecutionStatus.PAUSED).with_job(job(1))
    stopped = execution(big, wave(2, W.FAILED, depends_on=()), waiting).with_job(job(1))
    for current in (paused, stopped):
        decision = decide_round(current)
        assert (decision.directive, decision.waves) == (Directive.START, (1,))
        assert decision.execution.wave(3).status is W.NOT_STARTED


@pytest.mark.parametrize("state", JobState)
def test_servers_of_a_call_that_came_to_nothing_are_free_and_those_of_any_other_are_not(state: JobState) -> None:
    current = execution(wave(1, W.IN_PROGRESS)).with_job(job(1, state))
    assert bool(servers_to_launch(current, current.wave(1))) is (state in {JobState.REFUTED, JobState.REFUSED})


@pytest.mark.parametrize(("state", "free"), [(JobState.ENDED, True), (JobState.STARTED, False)])
def test_servers_of_an_earlier_attempt_are_free_once_its_job_has_ended(state: JobState, free: bool) -> None:
    current = execution(wave(1, W.IN_PROGRESS, attempt=2)).with_job(job(1, state))
    assert bool(servers_to_launch(current, current.wave(1))) is free


def test_a_stale_intent_is_looked_into_whatever_the_wave_became() -> None:
    for status in (W.IN_PROGRESS, W.FAILED, W.SKIPPED):
        current = execution(wave(1, status)).with_job(job(1, JobState.INTENDED, check_after=later(75)))
        assert decide_round(current, later(74)).directive is Directive.SLEEP
        decision = decide_round(current, later(75))
        assert (decision.directive, decision.waves) == (Directive.START, (1,))


def test_a_stale_intent_waits_while_drs_does_not_answer() -> None:
    blocked = wave(1, W.IN_PROGRESS, blocked_until=later(105))
    current = execution(blocked).with_job(job(1, JobState.INTENDED, check_after=later(75)))
    assert decide_round(current, later(104)).directive is Directive.SLEEP
    assert decide_round(current, later(105)).directive is Directive.START


def test_a_wave_that_needs_approval_waits_and_the_execution_stays_in_progress() -> None:
    decision = decide_round(execution(wave(1, requires_approval=True), wave(2)))
    assert statuses(decision.execution) == ["AWAITING_APPROVAL", "NOT_STARTED"]
    assert (decision.execution.status, decision.directive) == (ExecutionStatus.IN_PROGRESS, Directive.SLEEP)
    assert decide_round(decision.execution, later(10**7)).execution == decision.execution


def test_an_approval_is_asked_for_only_when_the_wave_could_start() -> None:
    gated = wave(2, requires_approval=True)
    assert statuses(decide_round(execution(wave(1), gated)).execution) == ["IN_PROGRESS", "NOT_STARTED"]
    assert statuses(decide_round(execution(wave(1, W.COMPLETED), gated)).execution) == [
        "COMPLETED",
        "AWAITING_APPROVAL",
    ]


def test_a_recorded_approval_starts_the_wave_once_it_may() -> None:
    approved = wave(1, W.AWAITING_APPROVAL, requires_approval=True, approved=True)
    paused = execution(approved, status=ExecutionStatus.PAUSED)
    assert decide_round(paused).execution == paused
    decision = decide_round(replace(paused, status=ExecutionStatus.IN_PROGRESS), later(5))
    assert decision.execution.wave(1).started_at == later(5)
    assert decision.directive is Directive.START


def test_a_paused_execution_starts_no_wave_and_ends_when_all_have_ended() -> None:
    paused = execution(wave(1, W.COMPLETED), wave(2), status=ExecutionStatus.PAUSED)
    assert decide_round(paused).directive is Directive.SLEEP
    over = execution(wave(1, W.COMPLETED), wave(2, W.SKIPPED), status=ExecutionStatus.PAUSED)
    assert decide_round(over).directive is Directive.FINISH
    assert finalise(over, NOW).status is ExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    "status",
    [status for status in ExecutionStatus if status in {"COMPLETED", "FAILED", "PARTIAL_SUCCESS", "CANCELLED"}],
)
def test_a_terminal_execution_is_never_moved(status: ExecutionStatus) -> None:
    ended = execution(wave(1, W.IN_PROGRESS), wave(2), status=status, ended_at=NOW)
    decision = decide_round(ended, later(10**7))
    assert (decision.execution, decision.directive) == (ended, Directive.FINISH)
    assert finalise(ended, later(1)) is ended


def test_s2_11_an_execution_is_not_over_while_anything_is_in_flight() -> None:
    for state in (JobState.INTENDED, JobState.STARTED):
        late = execution(wave(1, W.COMPLETED)).with_job(job(1, state))
        assert not is_over(late)
        assert finalise(late, NOW) is late
    assert is_over(execution(wave(1, W.COMPLETED)).with_job(job(1, JobState.ENDED)))


def test_finalise_closes_an_approval_that_can_no_longer_come() -> None:
    stopped = execution(wave(1, W.FAILED), wave(2, W.AWAITING_APPROVAL, depends_on=()), wave(3))
    ended = finalise(stopped, later(9))
    assert (ended.status, statuses(ended)) == (ExecutionStatus.FAILED, ["FAILED", "FAILED", "NOT_STARTED"])
    assert (ended.wave(2).ended_at, ended.wave(2).rejected) == (later(9), True)


@pytest.mark.parametrize(
    ("approved", "error"),
    [
        (False, "Not approved before the execution ended"),
        (True, "Approved, and held back by a failed wave until the execution ended"),
    ],
)
def test_a_closed_approval_tells_whether_it_had_come(approved: bool, error: str) -> None:
    waiting = wave(2, W.AWAITING_APPROVAL, depends_on=(), approved=approved)
    ended = finalise(execution(wave(1, W.FAILED), waiting), later(9))
    assert (ended.wave(2).status, ended.wave(2).error) == (W.FAILED, error)
    assert (ended.wave(2).rejected, ended.wave(2).approved) == (True, False)


def test_deciding_twice_decides_the_same_while_a_start_is_under_way_and_asks_again_for_one_that_got_lost() -> None:
    first = decide_round(three_tiers())
    assert (first.directive, first.waves, first.brief) == (Directive.START, (1,), True)
    again = decide_round(first.execution)
    assert (again.execution, again.directive, again.brief) == (first.execution, Directive.SLEEP, True)
    lost = decide_round(first.execution, NOW + TIMING.start_begins)
    assert (lost.directive, lost.waves) == (Directive.START, (1,))


def test_more_waves_than_a_round_names_follow_at_once() -> None:
    waves = [wave(number, depends_on=()) for number in range(1, 15)]
    first = decide_round(execution(*waves))
    assert (len(first.waves), first.brief) == (10, False)
    rest = decide_round(first.execution)
    assert (rest.waves, rest.brief) == ((11, 12, 13, 14), True)


def test_a_wave_whose_starts_are_under_way_is_ended_by_a_cancel_all_the_same() -> None:
    started = decide_round(three_tiers()).execution
    assert decide_round(cancel(started, asked_to_cancel())).directive is Directive.FINISH
