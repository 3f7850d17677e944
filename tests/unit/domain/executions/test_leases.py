"""Leases of drills: counted from the end, extended, reminded of, and ended by the termination (contract 13). Pure."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    asked_to_cancel,
    execution,
    instance_id,
    job,
    later,
    says,
    wave,
)
from tests.support.value_strategies import values

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, change_details, status_changes, type_of
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.instances_left import notified_before
from wavebreak.domain.executions.engine import finalise
from wavebreak.domain.executions.leasing.due import LeaseStep, due_at, reminded, step_due
from wavebreak.domain.executions.leasing.rules import extended, watched
from wavebreak.domain.executions.leasing.start import lease_of
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen, Execution, Mode, PausedBy, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.leases import Lease
from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.domain.executions.observing.instances import ending_of
from wavebreak.domain.executions.steering import NotAllowedError, cancel, retry
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.domain.notifications.execution_messages import execution_message
from wavebreak.domain.notifications.message import Kind, Message
from wavebreak.domain.notifications.text import text_of
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.store.records.endings import ending_entry, read_ending
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.timing import Timing, iso
from wavebreak.values import replace

E, T, W = ExecutionStatus, TerminationStatus, WaveStatus
HOUR = timedelta(hours=1)
LEASE = Lease(60, HOUR)
AT_END = LEASE.counted_from(NOW)


def ended(status: ExecutionStatus = E.COMPLETED, **fields: Any) -> Execution:
    """A drill that ended now, its one server launched."""
    known = {"jobs": (job(1, JobState.ENDED),), "ended_at": NOW, "lease": AT_END, **fields}
    return execution(wave(1, W.COMPLETED), status=status, **known)


def incomplete(ending: InstanceEnding, by: str = ENGINE_ACTOR, at: float = 3700) -> Execution:
    """A drill whose termination left its instance."""
    termination = Termination(T.INCOMPLETE, 1, later(3600), by, later(at))
    left = wave(1, W.COMPLETED).with_servers(lambda server: replace(server, ending=ending))
    return replace(ended(termination=termination), waves=(left,))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("asked", [None, 15])
@pytest.mark.parametrize("planned", [None, 240])
def test_13_a_drill_has_the_lease_of_its_start_or_of_its_plan_and_a_recovery_none(
    mode: Mode, asked: int | None, planned: int | None
) -> None:
    document = {"drill": {"terminateAfterMinutes": planned}} if planned else {}
    lease = lease_of(mode, document, asked, Timing(0.5))
    minutes = None if mode is Mode.RECOVERY else asked or planned
    assert (lease and lease.minutes) == minutes
    assert lease is None or lease.lasts == timedelta(seconds=lease.minutes * 30)


@pytest.mark.parametrize("failed", [False, True])
def test_13_the_expiry_is_written_with_the_end_and_taken_back_with_a_reopen(failed: bool) -> None:
    running = execution(wave(1, W.FAILED if failed else W.COMPLETED), lease=LEASE, jobs=(job(1, JobState.ENDED),))
    assert due_at(running) is None, "it runs"
    over = finalise(running, later(60))
    assert over.lease == replace(LEASE, expires_at=later(3660))
    assert change_details(running, over)["lease"] == {"minutes": 60, "expiresAt": iso(later(3660))}
    if failed:
        again = retry(over, 1, later(70))
        assert (again.lease, due_at(again)) == (LEASE, None)


def test_13_a_cancel_that_ends_a_drill_at_once_sets_the_expiry_too() -> None:
    over = cancel(execution(wave(1), lease=LEASE), asked_to_cancel(at=later(5)))
    assert (over.status, over.lease) == (E.CANCELLED, LEASE.counted_from(later(5)))
    assert due_at(over) is None, "nothing was launched"


@pytest.mark.parametrize("status", [E.COMPLETED, E.PARTIAL_SUCCESS, E.FAILED, E.CANCELLED])
def test_13_a_reminder_comes_when_a_fifth_is_left_and_then_the_termination(status: ExecutionStatus) -> None:
    known = ended(status)
    assert due_at(known) == later(2880)
    assert step_due(known, later(2879)) is None
    assert step_due(known, later(2880)) is LeaseStep.REMIND
    notified = reminded(known, later(2880))
    changes = status_changes(known, notified)
    assert (changes, type_of(changes)) == ([{"subject": "lease", "from": None, "to": "ENDING"}], "LEASE_ENDING")
    assert reminded(notified, later(2881)) is notified, "once"
    assert due_at(notified) == later(3600)
    assert step_due(notified, later(3599)) is None
    assert step_due(notified, later(3600)) is LeaseStep.TERMINATE
    assert step_due(known, later(3600)) is LeaseStep.TERMINATE, "the reminder came too late"


@pytest.mark.parametrize("status", [E.PENDING, E.IN_PROGRESS, E.PAUSED, E.CANCELLING])
def test_13_a_lease_has_nothing_due_while_the_drill_runs(status: ExecutionStatus) -> None:
    assert due_at(ended(status)) is None


def test_13_a_lease_has_nothing_due_while_a_termination_runs_or_once_all_is_terminated() -> None:
    for status in (T.IN_PROGRESS, T.COMPLETED):
        assert due_at(ended(termination=Termination(status, 1, NOW, OPERATOR))) is None


@pytest.mark.parametrize(
    ("ending", "again"),
    [
        (InstanceEnding(reason="3 DRS jobs ended without terminating it"), True),
        (InstanceEnding(), True),
        (InstanceEnding(reason="held by recovery-01", refusals=3), True),
        (InstanceEnding(by_hand=True), False),
        (InstanceEnding(EndingOutcome.UNKNOWN), False),
        (InstanceEnding(EndingOutcome.TERMINATED), False),
        (InstanceEnding(EndingOutcome.REPLACED), False),
    ],
)
def test_13_an_incomplete_termination_is_begun_again_each_hour_while_something_may_be_ended(
    ending: InstanceEnding, again: bool
) -> None:
    known = incomplete(ending)
    assert due_at(known) == (later(3700 + 3600) if again else None)
    assert step_due(known, later(3700 + 3599)) is None
    assert step_due(known, later(3700 + 3600)) is (LeaseStep.TERMINATE if again else None)


def test_13_what_people_terminated_before_the_expiry_is_not_taken_up_before_it() -> None:
    assert due_at(incomplete(InstanceEnding(), OPERATOR, at=60)) == later(3660), "an hour after its end"
    early = replace(incomplete(InstanceEnding(), OPERATOR, at=60), lease=Lease(600, 10 * HOUR).counted_from(NOW))
    assert due_at(early) == later(36_000)
    assert due_at(incomplete(InstanceEnding(), ENGINE_ACTOR, at=60)) == later(3660)


def test_13_the_hour_passes_as_fast_as_the_lease() -> None:
    assert Lease(240, timedelta(minutes=24)).hour == timedelta(minutes=6)


def test_13_extending_counts_from_now_on_sooner_or_later_than_before() -> None:
    for minutes in (15, 600):
        after = extended(ended(), minutes, timedelta(minutes=minutes), says(later(100)))
        assert after.lease is not None
        assert after.lease.expires_at == later(100) + timedelta(minutes=minutes)
        assert (after.lease.extended_by, after.lease.extended_at, after.lease.reminded) == (OPERATOR, later(100), False)
        assert type_of(status_changes(ended(), after)) == "LEASE_EXTENDED"
        twice = extended(after, minutes, timedelta(minutes=minutes), says(later(200)))
        assert type_of(status_changes(after, twice)) == "LEASE_EXTENDED"


def test_13_extending_a_running_drill_sets_the_minutes_from_its_end_and_the_wait_for_people_anew() -> None:
    running = execution(wave(1, W.AWAITING_APPROVAL), lease=replace(LEASE, waiting_since=NOW))
    after = extended(running, 30, timedelta(minutes=30), says(later(10)))
    assert after.lease is not None
    assert (after.lease.minutes, after.lease.expires_at, after.lease.waiting_since) == (30, None, later(10))
    assert extended(execution(wave(1)), 30, HOUR, says()).lease is not None, "a drill that had none gets one"


@pytest.mark.parametrize(
    "known",
    [
        ended(mode=Mode.RECOVERY, lease=None),
        ended(termination=Termination(T.IN_PROGRESS, 1, NOW, OPERATOR)),
        ended(termination=Termination(T.INCOMPLETE, 1, NOW, OPERATOR, NOW)),
        ended(termination=Termination(T.COMPLETED, 1, NOW, OPERATOR, NOW)),
        execution(wave(1, W.IN_PROGRESS), status=E.CANCELLING, cancel=asked_to_cancel(CancelThen.TERMINATE)),
    ],
)
def test_13_a_lease_is_refused_for_a_recovery_and_once_a_termination_was_asked_for(known: Execution) -> None:
    with pytest.raises(NotAllowedError):
        extended(known, 60, HOUR, says())


@pytest.mark.parametrize(
    "waiting",
    [
        execution(wave(1, W.COMPLETED), wave(2, W.AWAITING_APPROVAL), lease=LEASE, jobs=(job(1, JobState.ENDED),)),
        execution(
            wave(1, W.COMPLETED),
            wave(2),
            lease=LEASE,
            jobs=(job(1, JobState.ENDED),),
            status=E.PAUSED,
            paused_by=frozenset({PausedBy.OPERATOR}),
        ),
    ],
)
def test_13_a_drill_that_only_waits_for_a_person_is_cancelled_with_its_clean_up(waiting: Execution) -> None:
    noted = watched(waiting, later(10))
    assert noted.lease == replace(LEASE, waiting_since=later(10))
    assert watched(noted, later(3609)) is noted
    over = watched(noted, later(3610))
    assert (over.status, over.termination.status) == (E.PARTIAL_SUCCESS, T.IN_PROGRESS)
    assert over.cancel is not None
    assert (over.cancel.by.actor, over.cancel.then) == (ENGINE_ACTOR, CancelThen.TERMINATE)
    assert over.termination.requested_by == ENGINE_ACTOR


@pytest.mark.parametrize(
    "busy",
    [
        execution(wave(1, W.IN_PROGRESS), lease=LEASE, jobs=(job(1),)),
        execution(wave(1, W.IN_PROGRESS), lease=LEASE, status=E.PAUSED),
        execution(wave(1, W.FAILED), wave(2, W.AWAITING_APPROVAL), lease=LEASE, jobs=(job(1),)),
    ],
)
def test_13_a_drill_of_which_something_runs_does_not_wait_for_a_person(busy: Execution) -> None:
    assert watched(busy, later(10)) is busy
    noted = replace(busy, lease=replace(LEASE, waiting_since=NOW))
    assert watched(noted, later(99_999)).lease == LEASE


def test_13_without_a_lease_nobody_is_hurried() -> None:
    known = execution(wave(1, W.AWAITING_APPROVAL))
    assert watched(known, later(999_999)) is known


LEASES = values(
    Lease,
    st.integers(15, 10_080),
    st.timedeltas(timedelta(seconds=1), timedelta(days=7)),
    st.none() | st.just(later(77)),
    st.none() | st.just(OPERATOR),
    st.none() | st.just(later(7)),
    st.booleans(),
    st.none() | st.just(later(3)),
)


@given(st.none() | LEASES)
def test_13_a_lease_is_read_back_as_it_was_written(lease: Lease | None) -> None:
    known = ended(lease=lease)
    items = [meta_record(known), wave_record(known.execution_id, known.wave(1))]
    read = read_execution([*items, *server_records(known.execution_id, known.wave(1))])
    assert read is not None
    assert read.lease == lease
    assert ("dueSk" in items[0]) == (due_at(known) is not None)


def test_13_a_lease_is_shown_and_the_command_that_extends_it_offered() -> None:
    shown = execution_view(ended(), NOW)
    assert shown["lease"] == {"minutes": 60, "expiresAt": iso(later(3600)), "extendedBy": None, "extendedAt": None}
    name = shown["executionId"]
    assert f"wavebreak extend {name} 60" in [step.command for step in next_steps(shown)]
    assert not [step for step in next_steps(execution_view(ended(lease=None), NOW)) if "extend" in step.command]
    assert execution_view(ended(lease=None), NOW)["lease"] is None


def incomplete_message(known: Execution) -> Message:
    """Tell the end of a termination that left something."""
    change = {"subject": "termination", "from": "IN_PROGRESS", "to": "INCOMPLETE"}
    event = {"sequence": 9, "at": iso(later(9000)), "actor": ENGINE_ACTOR, "data": {"changes": [change]}}
    return execution_message(Kind.TERMINATION_INCOMPLETE, known, event)


def test_13_that_people_know_what_is_left_to_them_is_read_back_as_it_was_written() -> None:
    for ending in (replace(BY_HAND, notified=True), replace(UNKNOWN, notified=True), BY_HAND):
        assert read_ending(ending_entry(ending)) == ending


def test_13_what_was_left_to_people_and_no_longer_is_is_named_again() -> None:
    refused = incomplete(InstanceEnding(reason="ConflictException", notified=True))
    assert notified_before(refused) == frozenset()
    assert instance_id(1) in text_of(incomplete_message(refused))


BY_HAND = InstanceEnding(reason="It existed before: it has to be ended by hand", by_hand=True)
UNKNOWN = InstanceEnding(EndingOutcome.UNKNOWN, "DRS no longer shows it")


@pytest.mark.parametrize("left", [BY_HAND, UNKNOWN])
@pytest.mark.parametrize(("by", "named"), [(ENGINE_ACTOR, False), (OPERATOR, True)])
def test_13_what_is_left_to_people_is_named_once_unless_somebody_asks_again(
    left: InstanceEnding, by: str, named: bool
) -> None:
    first = incomplete(left)
    assert notified_before(first) == frozenset()
    assert instance_id(1) in text_of(incomplete_message(first))
    for hour in (1, 2, 3):
        begun = termination.request(first, Attribution(by, later(3700 + 3600 * hour)))
        assert notified_before(begun) == frozenset(), "what it will find is not known yet"
        found = begun.with_waves(
            each.with_servers(
                lambda server: replace(
                    server, ending=replace(ending_of(server), outcome=left.outcome, by_hand=left.by_hand)
                )
            )
            for each in begun.waves
        )
        first = replace(found, termination=replace(found.termination, status=T.INCOMPLETE, ended_at=later(3700)))
        text = text_of(incomplete_message(first))
        assert (instance_id(1) in text) is named
        assert ("1 left to you, as told before" in text) is not named
