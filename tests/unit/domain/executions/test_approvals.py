"""Approvals that end: reminded of or rejected, counted through pauses, and not by whoever asked (contract 12). Pure."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.execution_builders import NOW, OPERATOR, decide_round, execution, later, says, wave

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.approving.rules import next_due, rejected_for_time
from wavebreak.domain.executions.approving.start import approval_of, with_approvals
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, change_details, status_changes, type_of
from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Mode, PausedBy
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.domain.plans.model import ApprovalThen, OnFailure
from wavebreak.execution_utils import ExecutionStatus, WaveStatus
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.timing import Timing
from wavebreak.values import replace

E, W = ExecutionStatus, WaveStatus
REMIND, REJECT = ApprovalThen
HOUR = 3600
WAIT = ApprovalWait(60, timedelta(hours=1))
OTHER = "arn:aws:sts::123456789012:assumed-role/Operators/other"
RUNNING = {E.IN_PROGRESS: frozenset[PausedBy](), E.PAUSED: frozenset({PausedBy.OPERATOR})}


def waiting(then: ApprovalThen = REMIND, mode: Mode = Mode.DRILL, **fields: Any) -> Execution:
    """An execution whose second wave waits for its approval since noon."""
    wait = replace(WAIT, then=then, not_by_requester=fields.pop("not_by_requester", False)).begun(NOW)
    gated = {"requires_approval": True, "approval_wait": wait, **fields.pop("gated", {})}
    return execution(wave(1, W.COMPLETED), wave(2, W.AWAITING_APPROVAL, **gated), wave(3), mode=mode, **fields)


def reminders(current: Execution) -> int:
    wait = current.wave(2).approval_wait
    assert wait is not None
    return wait.reminders


@pytest.mark.parametrize(
    ("written", "wait"),
    [
        ({}, None),
        ({"requiresApproval": False}, None),
        ({"requiresApproval": True}, WAIT),
        ({"approval": {}}, WAIT),
        ({"approval": {"timeoutMinutes": 2}}, replace(WAIT, minutes=2, lasts=timedelta(minutes=2))),
        ({"approval": {"then": "REJECT"}}, replace(WAIT, then=REJECT)),
        ({"approval": {"notBy": "REQUESTER"}}, replace(WAIT, not_by_requester=True)),
    ],
)
def test_12_requires_approval_is_short_for_an_approval_with_the_defaults(
    written: dict[str, Any], wait: ApprovalWait | None
) -> None:
    assert approval_of(written, Timing()) == wait
    assert with_approvals(execution(wave(1)), {"waves": [written]}, Timing()).wave(1).approval_wait == wait


def test_12_minutes_are_as_long_as_time_passes_here() -> None:
    known = approval_of({"approval": {"timeoutMinutes": 60}}, Timing(0.1))
    assert known is not None
    assert (known.minutes, known.lasts) == (60, timedelta(minutes=6))


def test_12_the_time_counts_from_awaiting_approval() -> None:
    opened = decide_round(execution(wave(1, requires_approval=True, approval_wait=WAIT)), later(5)).execution
    assert opened.wave(1).status is W.AWAITING_APPROVAL
    assert next_due(opened.wave(1)) == later(5 + HOUR)
    assert change_details(execution(wave(1)), opened)["approvals"] == [
        {
            "waveNumber": 1,
            "askedAt": "2026-11-21T12:00:05.000Z",
            "dueAt": "2026-11-21T13:00:05.000Z",
            "then": "REMIND",
            "reminders": 0,
        }
    ]


@pytest.mark.parametrize("status", RUNNING)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("then", ApprovalThen)
@pytest.mark.parametrize("on_failure", OnFailure)
def test_12_at_the_timeout_a_wave_of_a_drill_is_rejected_if_its_plan_says_so_and_else_reminded_of(
    status: ExecutionStatus, mode: Mode, then: ApprovalThen, on_failure: OnFailure
) -> None:
    known = waiting(then, mode, status=status, paused_by=RUNNING[status], gated={"on_failure": on_failure})
    early = decide_round(known, later(HOUR - 0.001)).execution
    assert early == known, "nothing is written before"
    after = decide_round(known, later(HOUR)).execution
    rejects = then is REJECT and mode is Mode.DRILL
    assert after.wave(2).status is (W.FAILED if rejects else W.AWAITING_APPROVAL)
    if not rejects:
        assert (reminders(after), next_due(after.wave(2))) == (1, later(2 * HOUR))
        assert status_changes(known, after) == [{"subject": "approval", "from": None, "to": "REMINDED"}]
        assert type_of(status_changes(known, after)) == "APPROVAL_REMINDED"
        assert rejected_for_time(known, after) is None
        return
    assert after.wave(2).error == "Rejected: not approved within 60 minute(s)"
    assert after.wave(2).rejected, "a retry asks again"
    assert rejected_for_time(known, after) == "Not approved in time: wave 2 (wave-2)"
    assert (PausedBy.FAILURE in after.paused_by) == (on_failure is OnFailure.ASK)
    following = W.IN_PROGRESS if on_failure is OnFailure.CONTINUE and status is E.IN_PROGRESS else W.NOT_STARTED
    assert after.wave(3).status is following


def test_12_people_are_reminded_at_each_further_timeout_and_once_for_those_that_nobody_looked_at() -> None:
    current, reported = waiting(), []
    for minute in range(60 * 5):
        after = decide_round(current, later(60 * minute)).execution
        reported += [minute] if reminders(after) > reminders(current) else []
        current = after
    assert reported == [60, 120, 180, 240]
    late = decide_round(waiting(), later(3 * HOUR + 60)).execution
    assert (reminders(late), next_due(late.wave(2))) == (1, later(4 * HOUR))


def test_12_a_reminder_beside_a_rejection_is_for_the_next_round() -> None:
    """An event becomes one message: people would read of the rejection alone."""
    reject, remind = replace(WAIT, then=REJECT).begun(NOW), replace(WAIT, then=REMIND).begun(NOW)
    gated = [
        wave(number, W.AWAITING_APPROVAL, requires_approval=True, approval_wait=wait, depends_on=())
        for number, wait in ((1, reject), (2, remind))
    ]
    known = execution(*gated, mode=Mode.DRILL)
    first = decide_round(known, later(HOUR)).execution
    assert (first.wave(1).status, reminders(first)) == (W.FAILED, 0)
    assert reminders(decide_round(first, later(HOUR + 1)).execution) == 1


@pytest.mark.parametrize("then", ApprovalThen)
def test_12_an_approval_given_during_a_pause_stops_the_time_and_is_told(then: ApprovalThen) -> None:
    paused = waiting(then, status=E.PAUSED, paused_by=RUNNING[E.PAUSED])
    approved = steering.approve(paused, 2, says(later(60)))
    assert status_changes(paused, approved) == [{"subject": "approval", "from": None, "to": "GIVEN"}]
    reported = {"waveNumber": 2, "at": "2026-11-21T12:01:00.000Z", "actor": OPERATOR, "reason": "checked"}
    assert change_details(paused, approved) == {"approvedBy": [reported]}
    assert decide_round(approved, later(10 * HOUR)).execution == approved


def test_12_a_retry_of_a_rejected_wave_asks_anew() -> None:
    rejected = decide_round(waiting(REJECT), later(HOUR)).execution
    again = steering.retry(rejected, 2, later(2 * HOUR))
    assert (again.wave(2).status, next_due(again.wave(2))) == (W.AWAITING_APPROVAL, later(3 * HOUR))
    shown = execution_view(again, later(2 * HOUR))["waves"][1]["approval"]
    assert (shown["askedAt"], shown["by"]) == ("2026-11-21T14:00:00.000Z", None)


@pytest.mark.parametrize("actor", [OPERATOR, OTHER, OPERATOR + "/session"])
@pytest.mark.parametrize("not_by_requester", [False, True])
@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("status", RUNNING)
def test_12_not_by_requester_refuses_the_approval_of_whoever_asked_for_the_execution_and_no_other_word(
    actor: str, not_by_requester: bool, approved: bool, status: ExecutionStatus
) -> None:
    gated = {"approved": True, "approval": Attribution(OTHER, NOW)} if approved else {}
    known = waiting(not_by_requester=not_by_requester, status=status, paused_by=RUNNING[status], gated=gated)
    act = Attribution(actor, later(1), None)
    if not_by_requester and actor == OPERATOR:
        with pytest.raises(steering.NotAllowedError, match="who asked for the execution"):
            steering.approve(known, 2, act)
    else:
        assert steering.approve(known, 2, act).wave(2).approved
    assert steering.reject(known, 2, later(1), None).wave(2).status is W.FAILED
    assert steering.skip(known, 2, later(1)).wave(2).status is W.SKIPPED


def test_12_anybody_may_approve_what_the_schedule_started() -> None:
    known = waiting(not_by_requester=True, requested_by=ENGINE_ACTOR)
    assert steering.approve(known, 2, says(later(1))).wave(2).status is W.IN_PROGRESS


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("then", ApprovalThen)
def test_4_a_wave_shows_since_when_until_when_and_by_whom(mode: Mode, then: ApprovalThen) -> None:
    fresh = execution(wave(1, approval_wait=WAIT, requires_approval=True))
    assert execution_view(fresh, NOW)["waves"][0]["approval"] is None
    known = waiting(then, mode, not_by_requester=True)
    first, shown, last = (each["approval"] for each in execution_view(known, later(1))["waves"])
    assert (first, last) == (None, None)
    follows = "REMIND" if mode is Mode.RECOVERY else then.value
    asked = {"askedAt": "2026-11-21T12:00:00.000Z", "notBy": "REQUESTER"}
    nobody = {"by": None, "at": None, "reason": None}
    assert shown == {**asked, **nobody, "dueAt": "2026-11-21T13:00:00.000Z", "then": follows}
    done = steering.approve(known, 2, Attribution(OTHER, later(60), "checked"))
    somebody = {"by": OTHER, "at": "2026-11-21T12:01:00.000Z", "reason": "checked"}
    assert execution_view(done, later(61))["waves"][1]["approval"] == {**asked, **somebody, "dueAt": None, "then": None}


def test_12_how_a_wave_waits_is_written_down_and_read_back() -> None:
    known = waiting(REJECT, not_by_requester=True)
    name = known.execution_id
    items = [meta_record(known), *(wave_record(name, each) for each in known.waves)]
    items += [item for each in known.waves for item in server_records(name, each)]
    assert read_execution(items) == known
    older = [{key: value for key, value in item.items() if key != "approvalWait"} for item in items]
    read = read_execution(older)
    assert read is not None
    assert decide_round(read, later(10 * HOUR)).execution == read, "one from before waits as it did"


def test_12_nobody_is_asked_any_more_to_approve_what_was_approved_during_a_pause() -> None:
    paused = waiting(status=E.PAUSED, paused_by=RUNNING[E.PAUSED])
    approve = f"wavebreak approve {paused.execution_id} 2"
    assert approve in [step.command for step in next_steps(execution_view(paused, NOW))]
    given = steering.approve(paused, 2, says(later(60)))
    assert approve not in [step.command for step in next_steps(execution_view(given, NOW))]
