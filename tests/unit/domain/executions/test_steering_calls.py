"""The table of the status model, cell by cell: what each call does to an execution in each status."""

from collections.abc import Callable

import pytest
from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    asked_to_cancel,
    decide_round,
    execution,
    job,
    later,
    says,
    statuses,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.audit_trail import attribution_fields, change_details, status_changes
from wavebreak.domain.executions.engine import finalise
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Cancel, CancelThen, Execution, PausedBy, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.timing import iso
from wavebreak.values import replace

W, E = WaveStatus, ExecutionStatus
CALLS: dict[str, Callable[[Execution], Execution]] = {
    "cancel": lambda current: steering.cancel(current, asked_to_cancel(at=later(5))),
    "pause": lambda current: steering.pause(current, says(later(5))),
    "resume": steering.resume,
    "retry": lambda current: steering.retry(current, 1, later(5)),
    "skip": lambda current: steering.skip(current, 1, later(5)),
    "approve": lambda current: steering.approve(current, 2, says(later(5))),
    "reject": lambda current: steering.reject(current, 2, later(5), None),
}
COLUMNS = ["cancel", "pause", "resume", "retry", "skip", "approve", "reject"]

# In each execution wave 1 has FAILED (onFailure CONTINUE), wave 2 awaits approval, wave 3 has not started or runs.
# A dash is 409; any other word is the status after the call. An ended execution has nothing in flight.
TABLE = """
                   cancel      pause   resume       retry        skip         approve      reject
PENDING            CANCELLED   PAUSED  -            -            PENDING      -            -
PENDING*           CANCELLING  PAUSED  -            -            PENDING      -            -
IN_PROGRESS        CANCELLED   PAUSED  -            IN_PROGRESS  IN_PROGRESS  IN_PROGRESS  IN_PROGRESS
IN_PROGRESS*       CANCELLING  PAUSED  -            IN_PROGRESS  IN_PROGRESS  IN_PROGRESS  IN_PROGRESS
PAUSED             CANCELLED   PAUSED  IN_PROGRESS  PAUSED       PAUSED       PAUSED       PAUSED
PAUSED*            CANCELLING  PAUSED  IN_PROGRESS  PAUSED       PAUSED       PAUSED       PAUSED
CANCELLING         CANCELLING  -       -            -            -            -            -
CANCELLING*        CANCELLING  -       -            -            -            -            -
FAILED             -           -       -            IN_PROGRESS  IN_PROGRESS  -            -
PARTIAL_SUCCESS    -           -       -            IN_PROGRESS  IN_PROGRESS  -            -
COMPLETED          -           -       -            -            -            -            -
CANCELLED          -           -       -            -            -            -            -
"""
CELLS = [
    (row[0], call, outcome)
    for row in (line.split() for line in TABLE.strip().splitlines()[1:])
    for call, outcome in zip(COLUMNS, row[1:], strict=True)
]


def an_execution(status: ExecutionStatus, *, in_flight: bool) -> Execution:
    """An execution in a status; in a cancelled one nothing is left to be cancelled."""
    cancelled = status in {E.CANCELLING, E.CANCELLED}
    current = execution(
        wave(1, W.FAILED, on_failure=OnFailure.CONTINUE),
        wave(2, W.CANCELLED if cancelled else W.AWAITING_APPROVAL),
        wave(3, W.IN_PROGRESS if in_flight else W.CANCELLED if cancelled else W.NOT_STARTED),
        status=status,
        cancel=asked_to_cancel() if cancelled else None,
        paused_by=frozenset({PausedBy.OPERATOR} if status is E.PAUSED else ()),
        ended_at=NOW if status in {E.FAILED, E.PARTIAL_SUCCESS, E.COMPLETED, E.CANCELLED} else None,
    )
    return current.with_job(job(3)) if in_flight else current


def test_s2_1_the_table_has_a_row_for_every_status() -> None:
    assert {row.rstrip("*") for row, _, _ in CELLS} == set(ExecutionStatus)
    assert set(COLUMNS) == CALLS.keys()


@pytest.mark.parametrize(("row", "call", "outcome"), CELLS)
def test_s2_1_what_each_call_does_in_each_status(row: str, call: str, outcome: str) -> None:
    before = an_execution(ExecutionStatus(row.rstrip("*")), in_flight=row.endswith("*"))
    if outcome == "-":
        with pytest.raises(NotAllowedError):
            CALLS[call](before)
        return
    after = CALLS[call](before)
    assert after.status == outcome
    status_changes(before, after)
    if not after.is_terminal:
        assert after.ended_at is None


@pytest.mark.parametrize("status", [E.PENDING, E.IN_PROGRESS, E.PAUSED])
def test_s2_2_a_cancel_before_any_job_ends_at_once_with_all_waves_cancelled(status: ExecutionStatus) -> None:
    before = execution(wave(1), wave(2, W.AWAITING_APPROVAL), wave(3), status=status)
    after = steering.cancel(before, asked_to_cancel(at=later(5)))
    assert (after.status, after.ended_at) == (E.CANCELLED, later(5))
    assert statuses(after) == ["CANCELLED"] * 3
    assert {item.ended_at for item in after.waves} == {later(5)}
    assert after.paused_by == frozenset()


@pytest.mark.parametrize("status", [E.IN_PROGRESS, E.PAUSED])
def test_s2_3_a_cancel_after_a_completed_wave_is_a_partial_success(status: ExecutionStatus) -> None:
    before = execution(wave(1, W.COMPLETED), wave(2), wave(3), status=status).with_job(job(1, JobState.ENDED))
    after = steering.cancel(before, asked_to_cancel(at=later(5)))
    assert (after.status, statuses(after)) == (E.PARTIAL_SUCCESS, ["COMPLETED", "CANCELLED", "CANCELLED"])


def test_s2_5_a_cancel_in_flight_ends_the_rest_at_once_and_the_wave_with_its_job() -> None:
    done = execution(wave(1, W.COMPLETED), wave(2, W.IN_PROGRESS), wave(3)).with_job(job(1, JobState.ENDED))
    after = steering.cancel(done.with_job(job(2)), asked_to_cancel(at=later(5)))
    assert (after.status, statuses(after)) == (E.CANCELLING, ["COMPLETED", "IN_PROGRESS", "CANCELLED"])
    assert decide_round(after).execution == after
    over = decide_round(after.with_job(job(2, JobState.ENDED)), later(60)).execution
    ended = finalise(over, later(60))
    assert (ended.status, statuses(ended)) == (E.PARTIAL_SUCCESS, ["COMPLETED", "CANCELLED", "CANCELLED"])


@pytest.mark.parametrize("state", [JobState.INTENDED, JobState.STARTED])
def test_s2_5_a_completed_wave_whose_job_runs_on_holds_the_cancel_up(state: JobState) -> None:
    before = execution(wave(1, W.COMPLETED), wave(2)).with_job(job(1, state))
    assert steering.cancel(before, asked_to_cancel()).status is E.CANCELLING


def test_a_wave_under_way_with_nothing_in_flight_is_cancelled_at_once() -> None:
    waiting = execution(wave(1, W.IN_PROGRESS, wait_before_seconds=600), wave(2))
    assert statuses(steering.cancel(waiting, asked_to_cancel())) == ["CANCELLED", "CANCELLED"]
    between_batches = waiting.with_job(job(1, JobState.ENDED))
    after = steering.cancel(between_batches, asked_to_cancel())
    assert (after.status, statuses(after)) == (E.CANCELLED, ["CANCELLED", "CANCELLED"])


def test_a_cancel_leaves_failed_and_skipped_waves_as_they_are() -> None:
    before = execution(wave(1, W.FAILED, on_failure=OnFailure.CONTINUE), wave(2, W.SKIPPED), wave(3))
    after = steering.cancel(before, asked_to_cancel())
    assert (after.status, statuses(after)) == (E.CANCELLED, ["FAILED", "SKIPPED", "CANCELLED"])


def test_a_cancel_that_comes_when_all_is_done_ends_as_completed() -> None:
    before = execution(wave(1, W.COMPLETED), wave(2, W.SKIPPED)).with_job(job(1, JobState.ENDED))
    assert steering.cancel(before, asked_to_cancel()).status is E.COMPLETED


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in CancelThen for b in CancelThen])
def test_a_second_cancel_may_only_turn_keep_into_terminate(first: CancelThen, second: CancelThen) -> None:
    before = execution(wave(1, W.IN_PROGRESS)).with_job(job(1))
    cancelled = steering.cancel(before, asked_to_cancel(first))
    other = Cancel(Attribution("another", later(9), "tidy up"), second)
    again = steering.cancel(cancelled, other)
    turned = (first, second) == (CancelThen.KEEP, CancelThen.TERMINATE)
    expected = CancelThen.TERMINATE if CancelThen.TERMINATE in {first, second} else CancelThen.KEEP
    word = Attribution("another", later(9), "tidy up") if turned else None
    assert again.cancel == replace(asked_to_cancel(expected), terminate=word)
    assert replace(again, cancel=None) == replace(cancelled, cancel=None)


@pytest.mark.parametrize("second", [None, "another"])
def test_the_clean_up_is_asked_for_by_whoever_said_terminate(second: str | None) -> None:
    running = execution(wave(1, W.COMPLETED), wave(2, W.IN_PROGRESS)).with_job(job(2))
    first = CancelThen.KEEP if second else CancelThen.TERMINATE
    cancelling = steering.cancel(running, asked_to_cancel(first))
    if second:
        cancelling = steering.cancel(cancelling, Cancel(Attribution(second, later(9), "tidy up"), CancelThen.TERMINATE))
    before = decide_round(cancelling.with_job(job(2, JobState.ENDED)), later(60)).execution
    after = finalise(before, later(60))
    word = Attribution(second, later(9), "tidy up") if second else Attribution(OPERATOR, NOW, "enough")
    assert (after.termination.requested_by, after.termination.requested_at) == (word.actor, later(60))
    assert change_details(before, after) == {"terminationRequestedBy": attribution_fields(word)}


@pytest.mark.parametrize(
    ("then", "launched", "termination"),
    [
        (CancelThen.KEEP, True, TerminationStatus.NOT_REQUESTED),
        (CancelThen.TERMINATE, False, TerminationStatus.NOT_REQUESTED),
        (CancelThen.TERMINATE, True, TerminationStatus.IN_PROGRESS),
    ],
)
def test_a_cancel_goes_on_with_the_clean_up_only_if_asked_and_something_launched(
    then: CancelThen, launched: bool, termination: TerminationStatus
) -> None:
    before = execution(wave(1, W.COMPLETED), wave(2))
    current = before.with_job(job(1, JobState.ENDED)) if launched else before
    after = steering.cancel(current, asked_to_cancel(then))
    assert after.is_terminal
    assert after.termination.status is termination
    assert after.holds_locks is (termination is TerminationStatus.IN_PROGRESS)


def test_a_pause_by_an_operator_joins_one_by_a_failure_and_changes_no_status() -> None:
    before = execution(wave(1, W.FAILED, on_failure=OnFailure.ASK), wave(2), status=E.PAUSED)
    asked = replace(before, paused_by=frozenset({PausedBy.FAILURE}))
    after = steering.pause(asked, says(later(1)))
    assert (after.status, after.paused_by) == (E.PAUSED, frozenset(PausedBy))
    assert steering.pause(after, says(later(2))) == after


@pytest.mark.parametrize("ends", ["resume", "cancel", "end"])
def test_an_execution_keeps_whose_word_holds_it_as_long_as_it_does(ends: str) -> None:
    word = says(later(1), "the network is being repaired")
    done = ends == "end"
    paused = steering.pause(execution(wave(1, W.COMPLETED), wave(2, W.FAILED if done else W.NOT_STARTED)), word)
    assert paused.pause == word
    shown = execution_view(paused, later(2))
    assert shown["pause"] == {"at": iso(word.at), "actor": word.actor, "reason": "the network is being repaired"}
    after = finalise(paused, later(3)) if done else CALLS[ends](paused)
    assert (after.pause, execution_view(after, later(3))["pause"]) == (None, None)


def test_the_retry_of_a_failed_wave_leaves_an_operators_pause_with_its_word() -> None:
    asked = execution(wave(1, W.FAILED, on_failure=OnFailure.ASK), wave(2), status=E.PAUSED)
    held = steering.pause(replace(asked, paused_by=frozenset({PausedBy.FAILURE})), says(later(1)))
    assert CALLS["retry"](held).pause == says(later(1))


def test_a_resume_names_every_wave_a_decision_is_owed_for() -> None:
    first, second = wave(1, W.FAILED, on_failure=OnFailure.ASK), wave(2, W.FAILED, on_failure=OnFailure.ASK)
    asked = execution(first, replace(second, name="application"), wave(3), status=E.PAUSED)
    with pytest.raises(NotAllowedError, match=r"1 \(wave-1\), 2 \(application\)"):
        steering.resume(asked)


@pytest.mark.parametrize("call", ["retry", "skip"])
@pytest.mark.parametrize("operator_too", [False, True])
@pytest.mark.parametrize("another", [False, True])
def test_a_decision_closes_its_ask_and_resumes_unless_others_hold_it(
    call: str, operator_too: bool, another: bool
) -> None:
    second = wave(2, W.FAILED, on_failure=OnFailure.ASK) if another else wave(2, depends_on=())
    held = {PausedBy.FAILURE} | ({PausedBy.OPERATOR} if operator_too else set())
    asked = execution(
        wave(1, W.FAILED, on_failure=OnFailure.ASK), second, wave(3), status=E.PAUSED, paused_by=frozenset(held)
    )
    after = CALLS[call](asked)
    assert after.status is (E.PAUSED if operator_too or another else E.IN_PROGRESS)
    assert after.paused_by == held - (set() if another else {PausedBy.FAILURE})


def test_an_approval_in_a_paused_execution_starts_the_wave_after_the_resume() -> None:
    paused = execution(wave(1, W.COMPLETED), wave(2, W.AWAITING_APPROVAL, requires_approval=True), status=E.PAUSED)
    approved = steering.approve(paused, 2, says(later(1)))
    assert (approved.wave(2).status, approved.wave(2).approved) == (W.AWAITING_APPROVAL, True)
    reported = {"waveNumber": 2, "at": "2026-11-21T12:00:01.000Z", "actor": OPERATOR, "reason": "checked"}
    assert status_changes(paused, approved) == [{"subject": "approval", "from": None, "to": "GIVEN"}], "contract 5"
    assert change_details(paused, approved) == {"approvedBy": [reported]}
    assert steering.approve(approved, 2, says(later(2))) == approved
    free = steering.resume(approved)
    resumed = decide_round(free, later(9)).execution
    assert (resumed.wave(2).status, resumed.wave(2).started_at) == (W.IN_PROGRESS, later(9))
    assert change_details(free, resumed) == {"approvedBy": [reported]}


@pytest.mark.parametrize("call", ["cancel", "skip", "reject"])
def test_an_approval_that_something_else_overtook_is_told_with_that(call: str) -> None:
    gated = wave(2, W.AWAITING_APPROVAL, requires_approval=True)
    paused = steering.approve(execution(wave(1, W.COMPLETED), gated, status=E.PAUSED), 2, says(later(1)))
    after = steering.skip(paused, 2, later(5)) if call == "skip" else CALLS[call](paused)
    assert [reported["actor"] for reported in change_details(paused, after)["approvedBy"]] == [OPERATOR]
    assert (after.wave(2).approval is None) == (call == "reject"), "whoever asks again needs another approval"


@pytest.mark.parametrize("on_failure", [OnFailure.STOP, OnFailure.ASK])
def test_an_approval_starts_nothing_past_a_failure_that_holds_waves_back(on_failure: OnFailure) -> None:
    current = execution(wave(1, W.FAILED, on_failure=on_failure), wave(2, W.AWAITING_APPROVAL), wave(3))
    after = steering.approve(current, 2, says(later(1)))
    assert (after.wave(2).status, after.wave(2).approved) == (W.AWAITING_APPROVAL, True)


@pytest.mark.parametrize("status", [E.FAILED, E.PARTIAL_SUCCESS])
@pytest.mark.parametrize("call", ["retry", "skip"])
@pytest.mark.parametrize("termination", TerminationStatus)
@pytest.mark.parametrize("cancelled", [False, True])
def test_an_ended_execution_is_taken_up_again_unless_cancelled_or_cleaned_up(
    status: ExecutionStatus, call: str, termination: TerminationStatus, cancelled: bool
) -> None:
    ended = execution(
        wave(1, W.FAILED),
        wave(2),
        status=status,
        ended_at=NOW,
        cancel=asked_to_cancel() if cancelled else None,
        termination=Termination(termination),
    )
    if cancelled or termination is not TerminationStatus.NOT_REQUESTED:
        with pytest.raises(NotAllowedError):
            CALLS[call](ended)
        return
    after = CALLS[call](ended)
    assert (after.status, after.ended_at, after.holds_locks) == (E.IN_PROGRESS, None, True)
