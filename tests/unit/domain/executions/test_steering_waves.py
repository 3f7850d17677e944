"""What each call does to a wave in each status, and what a retry takes up again."""

from collections.abc import Callable

import pytest
from tests.support.execution_builders import (
    asked_to_cancel,
    decide_round,
    execution,
    instance_id,
    job,
    job_id,
    later,
    launching,
    says,
    seen,
    server,
    statuses,
    view,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.audit_trail import status_changes
from wavebreak.domain.executions.engine import Directive, decide, finalise, servers_to_launch
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.timing import Timing
from wavebreak.values import replace

W, E, L = WaveStatus, ExecutionStatus, LaunchStatus
NOON = later(5)
CALLS: dict[str, Callable[[Execution], Execution]] = {
    "approve": lambda current: steering.approve(current, 1, says(NOON)),
    "reject": lambda current: steering.reject(current, 1, NOON, "too early"),
    "retry": lambda current: steering.retry(current, 1, NOON),
    "skip": lambda current: steering.skip(current, 1, NOON),
    "cancel": lambda current: steering.cancel(current, asked_to_cancel(at=NOON)),
}
COLUMNS = ["approve", "reject", "retry", "skip", "cancel"]

# A dash is 409; any other word is the wave's status after the call. The wave has nothing in flight.
TABLE = """
                   approve      reject  retry        skip     cancel
NOT_STARTED        -            -       -            SKIPPED  CANCELLED
AWAITING_APPROVAL  IN_PROGRESS  FAILED  -            SKIPPED  CANCELLED
IN_PROGRESS        -            -       -            -        CANCELLED
COMPLETED          -            -       -            -        COMPLETED
FAILED             -            -       IN_PROGRESS  SKIPPED  FAILED
CANCELLED          -            -       -            -        CANCELLED
SKIPPED            -            -       -            -        SKIPPED
"""
CELLS = [
    (row[0], call, outcome)
    for row in (line.split() for line in TABLE.strip().splitlines()[1:])
    for call, outcome in zip(COLUMNS, row[1:], strict=True)
]


def test_s2_6_the_table_has_a_row_for_every_status() -> None:
    assert {row for row, _, _ in CELLS} == set(WaveStatus)


@pytest.mark.parametrize(("row", "call", "outcome"), CELLS)
def test_s2_6_what_each_call_does_to_a_wave_in_each_status(row: str, call: str, outcome: str) -> None:
    before = execution(wave(1, WaveStatus(row)), wave(2))
    if outcome == "-":
        with pytest.raises(NotAllowedError, match=row):
            CALLS[call](before)
        return
    after = CALLS[call](before)
    assert after.wave(1).status == outcome
    status_changes(before, after)


@pytest.mark.parametrize("call", ["approve", "reject", "retry", "skip"])
@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_wave_that_the_plan_does_not_have_is_a_key_error(call: str, number: int) -> None:
    steps = {
        "approve": lambda current: steering.approve(current, number, says(NOON)),
        "reject": lambda current: steering.reject(current, number, NOON, None),
        "retry": lambda current: steering.retry(current, number, NOON),
        "skip": lambda current: steering.skip(current, number, NOON),
    }
    with pytest.raises(KeyError):
        steps[call](execution(wave(1), wave(2)))


def test_an_approved_wave_starts_when_it_is_approved() -> None:
    after = steering.approve(execution(wave(1, W.AWAITING_APPROVAL, requires_approval=True)), 1, says(NOON))
    assert (after.wave(1).status, after.wave(1).started_at) == (W.IN_PROGRESS, NOON)
    assert decide_round(after, NOON).directive is Directive.START


@pytest.mark.parametrize(("reason", "error"), [("too early", "Rejected: too early"), (None, "Rejected")])
def test_a_rejected_wave_has_failed_and_tells_why(reason: str | None, error: str) -> None:
    after = steering.reject(execution(wave(1, W.AWAITING_APPROVAL), wave(2)), 1, NOON, reason)
    assert (after.wave(1).error, after.wave(1).ended_at, after.wave(1).rejected) == (error, NOON, True)


@pytest.mark.parametrize(
    ("on_failure", "status", "next_wave", "directive"),
    [
        (OnFailure.STOP, E.IN_PROGRESS, W.NOT_STARTED, Directive.FINISH),
        (OnFailure.CONTINUE, E.IN_PROGRESS, W.IN_PROGRESS, Directive.START),
        (OnFailure.ASK, E.PAUSED, W.NOT_STARTED, Directive.SLEEP),
    ],
)
def test_the_on_failure_of_a_rejected_wave_applies(
    on_failure: OnFailure, status: ExecutionStatus, next_wave: WaveStatus, directive: Directive
) -> None:
    waiting = execution(wave(1, W.AWAITING_APPROVAL, on_failure=on_failure), wave(2))
    decision = decide_round(steering.reject(waiting, 1, NOON, None))
    assert (decision.execution.status, decision.execution.wave(2).status) == (status, next_wave)
    assert decision.directive is directive


def test_a_rejected_wave_that_is_retried_asks_again_and_then_runs() -> None:
    gated = wave(1, W.AWAITING_APPROVAL, requires_approval=True, on_failure=OnFailure.ASK)
    rejected = steering.reject(execution(gated, wave(2)), 1, NOON, None)
    again = steering.retry(rejected, 1, later(9)).wave(1)
    assert (again.status, again.attempt, again.rejected, again.error) == (W.AWAITING_APPROVAL, 2, False, None)
    assert again.started_at is None
    approved = steering.approve(steering.retry(rejected, 1, later(9)), 1, says(later(10)))
    assert approved.wave(1).status is W.IN_PROGRESS


def test_a_rejected_wave_that_is_retried_asks_again_though_another_failure_stopped_the_run() -> None:
    rejected = wave(2, W.FAILED, servers=(server(2),), depends_on=(), requires_approval=True, rejected=True)
    stopped = execution(wave(1, W.FAILED), rejected, wave(3), status=E.FAILED, ended_at=later(1))
    asking = decide_round(steering.retry(stopped, 2, NOON), NOON)
    assert (asking.directive, statuses(asking.execution)) == (
        Directive.SLEEP,
        ["FAILED", "AWAITING_APPROVAL", "NOT_STARTED"],
    )
    approved = steering.approve(asking.execution, 2, says(later(9)))
    assert statuses(approved) == ["FAILED", "IN_PROGRESS", "NOT_STARTED"]
    assert decide_round(approved, later(9)).waves == (2,)
    again = steering.reject(asking.execution, 2, later(9), None)
    assert (decide_round(again, later(9)).directive, statuses(finalise(again, later(9)))) == (
        Directive.FINISH,
        ["FAILED", "FAILED", "NOT_STARTED"],
    )


def cut_off(on_failure: OnFailure = OnFailure.STOP, *, approved: bool = False) -> Execution:
    """A run that a failed wave ended while the approval of another, which a third depends on, was still awaited."""
    gated = wave(
        2,
        W.AWAITING_APPROVAL,
        depends_on=(),
        requires_approval=True,
        approved=approved,
        on_failure=on_failure,
    )
    failed = execution(wave(1, W.FAILED), gated, wave(3)).with_job(job(1, JobState.ENDED))
    decision = decide_round(failed)
    assert decision.directive is Directive.FINISH
    return finalise(decision.execution, later(1))


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("first", [1, 2])
def test_a_wave_whose_approval_the_end_cut_off_runs_after_a_retry_and_its_dependants_after_it(
    approved: bool, first: int
) -> None:
    ended = cut_off(approved=approved)
    assert (ended.status, statuses(ended)) == (E.FAILED, ["FAILED", "FAILED", "NOT_STARTED"])
    taken_up = steering.retry(steering.retry(ended, first, NOON), 3 - first, NOON)
    asking = decide_round(taken_up, NOON).execution
    assert statuses(asking) == ["IN_PROGRESS", "AWAITING_APPROVAL", "NOT_STARTED"], "a retry asks again"
    approved_now = steering.approve(asking, 2, says(later(6)))
    running = launching(approved_now, [1, 2], later(6))
    done = decide_round(
        running, later(60), job101=view({1: L.LAUNCHED}, completed=True), job102=view({2: L.LAUNCHED}, completed=True)
    )
    assert statuses(done.execution) == ["COMPLETED", "COMPLETED", "IN_PROGRESS"]


def test_a_wave_whose_approval_the_end_cut_off_may_be_skipped() -> None:
    ended = cut_off()
    taken_up = steering.skip(steering.skip(ended, 2, NOON), 1, NOON)
    assert taken_up.wave(2).error == "Not approved before the execution ended"
    assert statuses(decide_round(taken_up, NOON).execution) == ["SKIPPED", "SKIPPED", "IN_PROGRESS"]


def test_a_retry_of_the_failed_wave_alone_asks_what_becomes_of_the_one_that_was_cut_off() -> None:
    asked = decide_round(steering.retry(cut_off(OnFailure.ASK), 1, NOON), NOON).execution
    assert (asked.status, statuses(asked)) == (E.PAUSED, ["IN_PROGRESS", "FAILED", "NOT_STARTED"])
    stopped = decide_round(steering.retry(cut_off(OnFailure.STOP), 1, NOON), NOON).execution
    assert (stopped.status, statuses(stopped)) == (E.IN_PROGRESS, ["IN_PROGRESS", "FAILED", "NOT_STARTED"])


def test_what_the_end_cut_off_can_be_taken_up_is_shown_and_keeps_nothing_from_the_clean_up() -> None:
    ended = cut_off()
    shown = execution_view(ended, NOON)
    assert shown["terminationMetadata"] == {"canTerminate": True, "reason": None, "hasRecoveryInstances": True}
    assert [step.command.split()[1:] for step in next_steps(shown)][:4] == [
        [call, ended.execution_id, number] for number in "12" for call in ("retry", "skip")
    ]


@pytest.mark.parametrize("paused", [False, True])
def test_a_retried_wave_that_asks_again_waits_for_the_resume_like_any_other(paused: bool) -> None:
    asking = wave(2, W.AWAITING_APPROVAL, depends_on=(), requires_approval=True, attempt=2)
    current = execution(wave(1, W.FAILED), asking, status=E.PAUSED if paused else E.IN_PROGRESS)
    approved = steering.approve(current, 2, says(NOON))
    assert approved.wave(2).status is (W.AWAITING_APPROVAL if paused else W.IN_PROGRESS)
    resumed = decide_round(steering.resume(approved) if paused else approved, NOON)
    assert (resumed.directive, resumed.waves) == (Directive.START, (2,))


def failed_wave(**fields: object) -> Execution:
    """A wave of which one server launched, one failed and an OPTIONAL one failed; its job has ended."""
    members = (
        server(1, L.LAUNCHED),
        server(2, L.FAILED, error="no capacity"),
        server(3, L.FAILED, impact=Impact.OPTIONAL),
    )
    ended = job(1, JobState.ENDED, subjects=tuple(item.source_server_id for item in members))
    return execution(wave(1, W.FAILED, servers=members, error="1 critical"), wave(2), **fields).with_job(ended)


def test_a_retry_recovers_only_the_servers_that_failed() -> None:
    after = steering.retry(failed_wave(), 1, NOON)
    first = after.wave(1)
    assert (first.status, first.attempt, first.started_at, first.ended_at, first.error) == (
        W.IN_PROGRESS,
        2,
        NOON,
        None,
        None,
    )
    assert [item.launch_status for item in first.servers] == [L.LAUNCHED, L.PENDING, L.PENDING]
    assert (first.servers[0].recovery_instance_id, first.servers[1].error) == (instance_id(1), None)
    assert [item.source_server_id for item in servers_to_launch(after, first)] == [
        server(number).source_server_id for number in (2, 3)
    ]
    again = launching(after, [1], NOON)
    done = decide_round(again, later(60), job101=view({2: L.LAUNCHED, 3: L.LAUNCHED}, completed=True)).execution
    assert done.wave(1).status is W.COMPLETED
    assert done.job_ids(1) == (job_id(1), job_id(101))


def test_a_retry_of_an_ended_execution_takes_its_wave_up_again_and_its_dependants_after_it() -> None:
    ended = failed_wave(status=E.FAILED, ended_at=later(1))
    decision = decide_round(steering.retry(ended, 1, NOON), NOON)
    assert (decision.directive, decision.waves, statuses(decision.execution)) == (
        Directive.START,
        (1,),
        ["IN_PROGRESS", "NOT_STARTED"],
    )


def test_a_retry_gets_a_deadline_of_its_own() -> None:
    late = later(3600)
    again = steering.retry(failed_wave(), 1, late)
    assert decide_round(again, later(7199)).execution.wave(1).status is W.IN_PROGRESS
    assert decide_round(again, later(7200)).execution.wave(1).status is W.FAILED


def with_job_in_flight() -> Execution:
    """A wave that failed by its deadline: one server failed, one is still being launched by the same job."""
    members = (server(1), server(2))
    running = launching(execution(wave(1, W.IN_PROGRESS, servers=members, timeout_minutes=1), wave(2)), [1])
    failed = decide_round(running, later(60), job1=view({1: L.FAILED, 2: L.IN_PROGRESS})).execution
    assert failed.wave(1).status is W.FAILED
    return failed


def test_a_retry_while_the_job_runs_starts_the_failed_server_once_it_has_ended() -> None:
    again = steering.retry(with_job_in_flight(), 1, later(61))
    for moment in (61, 62):
        decision = decide_round(again, later(moment), job1=view({1: L.FAILED, 2: L.IN_PROGRESS}))
        again = decision.execution
        assert (decision.directive, again.wave(1).status) == (Directive.SLEEP, W.IN_PROGRESS)
        assert [item.launch_status for item in again.wave(1).servers] == [L.PENDING, L.IN_PROGRESS]
    over = decide_round(again, later(63), job1=view({1: L.FAILED, 2: L.LAUNCHED}, completed=True))
    assert (over.directive, over.waves) == (Directive.START, (1,))
    assert [item.source_server_id for item in servers_to_launch(over.execution, over.execution.wave(1))] == [
        server(1).source_server_id
    ]
    assert over.execution.wave(1).servers[1].recovery_instance_id == instance_id(2)


def test_a_retry_right_after_the_last_server_failed_does_not_fail_by_the_same_job() -> None:
    running = launching(execution(wave(1, W.IN_PROGRESS), wave(2, depends_on=())), [1])
    failed = decide_round(running, later(10), job1=view({1: L.FAILED})).execution
    again = steering.retry(replace(failed, status=E.IN_PROGRESS), 1, later(11))
    decision = decide_round(again, later(12), job1=view({1: L.FAILED}))
    assert decision.execution.wave(1).status is W.IN_PROGRESS
    ended = decide_round(decision.execution, later(13), job1=view({1: L.FAILED}, completed=True))
    assert (ended.directive, ended.waves[0]) == (Directive.START, 1)


def test_a_server_that_the_earlier_job_fails_after_the_retry_is_started_again_too() -> None:
    again = steering.retry(with_job_in_flight(), 1, later(61))
    over = decide_round(again, later(63), job1=view({1: L.FAILED, 2: L.PENDING}, completed=True))
    assert len(servers_to_launch(over.execution, over.execution.wave(1))) == 2


def test_under_a_cancel_the_earlier_job_tells_what_became_of_its_servers() -> None:
    again = steering.cancel(steering.retry(with_job_in_flight(), 1, later(61)), asked_to_cancel(at=later(62)))
    over = decide_round(again, later(63), job1=view({1: L.FAILED, 2: L.LAUNCHED}, completed=True))
    assert [item.launch_status for item in over.execution.wave(1).servers] == [L.FAILED, L.LAUNCHED]
    assert (over.directive, over.execution.wave(1).status) == (Directive.FINISH, W.CANCELLED)


def test_a_retry_of_a_wave_that_launched_late_completes_without_another_job() -> None:
    launched = decide_round(with_job_in_flight(), later(70), job1=view({1: L.LAUNCHED, 2: L.LAUNCHED}, completed=True))
    again = steering.retry(launched.execution, 1, later(71))
    assert decide_round(again, later(72)).execution.wave(1).status is W.COMPLETED


def test_a_retry_leaves_servers_of_an_intent_without_an_outcome_alone() -> None:
    timed_out = execution(wave(1, W.FAILED, servers=(server(1),)), wave(2)).with_job(job(1, JobState.INTENDED))
    again = steering.retry(timed_out, 1, NOON)
    assert not servers_to_launch(again, again.wave(1))
    refuted = again.with_job(job(1, JobState.REFUTED))
    assert len(servers_to_launch(refuted, refuted.wave(1))) == 1


def test_a_skip_lets_the_dependants_run_and_keeps_the_error() -> None:
    skipped = steering.skip(failed_wave(), 1, NOON)
    assert (skipped.wave(1).ended_at, skipped.wave(1).error) == (NOON, "1 critical")
    decision = decide(skipped, seen(), NOON, Timing())
    assert (decision.directive, decision.waves) == (Directive.START, (2,))


def test_a_retried_wave_runs_though_the_execution_is_paused_or_stopped() -> None:
    paused = steering.retry(failed_wave(status=E.PAUSED), 1, NOON)
    assert decide_round(paused, NOON).waves == (1,)
    other = wave(2, W.FAILED, depends_on=())
    stopped = steering.retry(execution(wave(1, W.FAILED), other), 1, NOON)
    assert decide_round(stopped, NOON).waves == (1,)


def test_a15_a_retry_does_not_wait_again_and_its_deadline_counts_from_its_start() -> None:
    failed = wave(1, W.FAILED, wait_before_seconds=86_400, timeout_minutes=10)
    again = steering.retry(execution(failed), 1, later(100_000))
    begun = decide_round(again, later(100_001))
    assert (begun.directive, begun.waves) == (Directive.START, (1,))
    late = decide_round(again, later(100_000 + 600)).execution
    assert (late.wave(1).status, late.wave(1).error) == (W.FAILED, "Timed out after 10 minute(s)")


def test_a15_a_wave_that_was_rejected_before_it_waited_waits_after_its_approval() -> None:
    asks = {"rejected": True, "requires_approval": True, "wait_before_seconds": 600, "started_at": None}
    rejected = wave(1, W.FAILED, servers=(server(1),), **asks)
    asked = steering.retry(execution(rejected), 1, later(10))
    approved = steering.approve(asked, 1, says(later(20)))
    assert decide_round(approved, later(30)).directive is Directive.SLEEP
    assert decide_round(approved, later(620)).directive is Directive.START


def test_a16_an_approved_wave_waits_while_what_it_depends_on_is_retried() -> None:
    db = wave(1, W.FAILED, on_failure=OnFailure.CONTINUE)
    web = wave(2, W.AWAITING_APPROVAL, requires_approval=True)
    retried = steering.retry(execution(db, web), 1, later(1))
    approved = steering.approve(retried, 2, says(later(2)))
    assert (approved.wave(2).status, approved.wave(2).approved) == (W.AWAITING_APPROVAL, True)
    assert decide_round(approved, later(3)).waves == (1,)
    started = launching(approved, [1], later(4))
    done = decide_round(started, later(5), job101=view({1: LaunchStatus.LAUNCHED}, completed=True))
    assert statuses(done.execution) == ["COMPLETED", "IN_PROGRESS"]
    assert done.execution.wave(2).started_at == later(5)


def test_a16_an_approved_wave_starts_when_the_retry_fails_again_and_its_failure_lets_go_on() -> None:
    db = wave(1, W.FAILED, on_failure=OnFailure.CONTINUE)
    retried = steering.retry(execution(db, wave(2, W.AWAITING_APPROVAL, requires_approval=True)), 1, later(1))
    started = launching(steering.approve(retried, 2, says(later(2))), [1], later(3))
    done = decide_round(started, later(4), job101=view({1: LaunchStatus.FAILED}, completed=True)).execution
    assert statuses(done) == ["FAILED", "IN_PROGRESS"]
