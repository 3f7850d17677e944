"""What a RECOVERY takes over from drills, and the time that it waits for them (contract 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.execution_builders import (
    NOW,
    TIMING,
    asked_to_cancel,
    execution,
    job,
    later,
    server,
    server_id,
    wave,
)

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.engine import decide
from wavebreak.domain.executions.locking import preemption
from wavebreak.domain.executions.locking.lock_rules import GRACE
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen, Execution, Mode, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.waits import DrillWait, Preemption
from wavebreak.domain.executions.observing import drill_wait
from wavebreak.domain.executions.observing.launches import Observation, deadline_of
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.site import Site
from wavebreak.store.records.executions import meta_record, read_execution, read_sites
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.waves import Wave

W, E = WaveStatus, ExecutionStatus
RECOVERY = "recovery-01kahpq7800000000000000000"
ACT = Attribution("arn:jane", later(5), "now")


def recovery(*waves: Wave, **fields: Any) -> Execution:
    return execution(*waves or (wave(1),), mode=Mode.RECOVERY, execution_id=RECOVERY, **fields)


def test_drills_are_named_once_each_with_three_servers_and_a_count() -> None:
    servers = {"drill-b": tuple(server_id(number) for number in range(1, 6)), "drill-a": (server_id(9),)}
    after = preemption.taken_over(recovery(), servers, "drill-a", ACT)
    assert after.preemption == Preemption(later(5), "arn:jane", ("drill-a", "drill-b"), ("drill-a", "drill-b"))
    assert [notice.message for notice in after.warnings] == [
        f"Cancelled drill-a and took over the plan and 1 server(s) ({server_id(9)})",
        f"Cancelled drill-b and took over 5 server(s) ({server_id(1)}, {server_id(2)}, {server_id(3)} and 2 more)",
    ]
    of_plan = preemption.taken_over(recovery(), {}, "drill-c", ACT)
    assert [notice.message for notice in of_plan.warnings] == ["Cancelled drill-c and took over the plan"]
    assert preemption.taken_over(recovery(), {}, None, ACT) == recovery()


def test_a_later_run_knows_the_drills_of_earlier_ones_and_sees_to_the_new() -> None:
    first = preemption.settled(preemption.taken_over(recovery(), {"drill-a": ("s",)}, None, ACT), ["drill-a"])
    second = preemption.taken_over(first, {"drill-b": ("s",)}, None, replace(ACT, at=later(99), actor="joe"))
    assert second.preemption == Preemption(later(99), "joe", ("drill-a", "drill-b"), ("drill-b",))
    assert len(second.warnings) == 2
    assert preemption.settled(recovery(), ["drill-a"]) == recovery()


def test_the_cancel_of_a_drill_says_who_and_for_what() -> None:
    asked = preemption.cancel_of(preemption.taken_over(recovery(), {"drill-a": ("s",)}, None, ACT), later(7))
    assert (asked.by.at, asked.by.actor, asked.then) == (later(7), "arn:jane", CancelThen.KEEP)
    assert asked.by.reason == f"Preempted by {RECOVERY}"
    accepted = replace(asked_to_cancel(), then=CancelThen.TERMINATE)
    ending = execution(wave(1, W.IN_PROGRESS), status=E.CANCELLING, cancel=accepted, jobs=(job(1),))
    assert steering.cancel(ending, asked) == ending, "a TERMINATE accepted before stays"


ENDED = execution(wave(1, W.FAILED), status=E.FAILED, ended_at=NOW)


@pytest.mark.parametrize(
    ("drill", "soon", "late"),
    [
        (None, False, True),
        (execution(wave(1, W.IN_PROGRESS)), False, False),
        (execution(wave(1, W.IN_PROGRESS), status=E.CANCELLING, cancel=asked_to_cancel()), True, True),
        (ENDED, False, True),
        (replace(ENDED, status=E.PARTIAL_SUCCESS), False, True),
        (replace(ENDED, status=E.COMPLETED), True, True),
        (replace(ENDED, status=E.CANCELLED, cancel=asked_to_cancel()), True, True),
        (replace(ENDED, cancel=asked_to_cancel()), True, True),
        (replace(ENDED, termination=Termination(TerminationStatus.IN_PROGRESS)), True, True),
        (replace(ENDED, termination=Termination(TerminationStatus.INCOMPLETE)), True, True),
    ],
)
def test_a_drill_is_settled_once_it_can_no_longer_go_on(drill: Execution | None, soon: bool, late: bool) -> None:
    assert preemption.is_settled(drill, NOW, NOW + GRACE) is soon
    assert preemption.is_settled(drill, NOW, NOW + GRACE + timedelta(seconds=1)) is late


AWAY = Site("123456789012", "us-west-2")


def test_drills_start_nothing_where_a_running_wave_of_a_recovery_has_servers_to_be_started() -> None:
    running = recovery(
        wave(1, W.IN_PROGRESS, servers=(server(1), server(2))),
        wave(2, W.IN_PROGRESS, site=AWAY, depends_on=()),
        wave(3, W.NOT_STARTED, site=Site(None, "eu-west-1")),
        wave(4, W.AWAITING_APPROVAL, site=Site(None, "eu-west-2"), depends_on=()),
        jobs=(job(1),),
    )
    assert preemption.sites_to_start(running) == (Site(), AWAY)
    started = running.with_job(job(2)).with_job(job(1, batch=2, subjects=(server_id(2),)))
    assert preemption.sites_to_start(started) == ()
    refuted = started.with_job(job(2, JobState.REFUTED))
    assert preemption.sites_to_start(refuted) == (AWAY,)
    for over in (
        replace(running, cancel=asked_to_cancel(), status=E.CANCELLING),
        replace(running, status=E.FAILED),
        replace(running, mode=Mode.DRILL),
    ):
        assert preemption.sites_to_start(over) == ()
    assert read_sites(meta_record(running)) == {Site(), AWAY}
    assert "startsIn" not in meta_record(started), "no drill looks at it in vain"
    assert read_sites({}) == frozenset()


def test_what_was_taken_over_is_written_down_and_read_back() -> None:
    begun = wave(1, W.IN_PROGRESS, drill_wait=DrillWait(31, later(40)))
    held = preemption.taken_over(recovery(begun), {"drill-a": ("s",)}, None, ACT)
    items = [meta_record(held), wave_record(RECOVERY, begun), *server_records(RECOVERY, begun)]
    assert read_execution(items) == held
    plain = replace(held, preemption=None, warnings=()).with_waves([replace(begun, drill_wait=None)])
    items = [meta_record(plain), wave_record(RECOVERY, plain.wave(1)), *server_records(RECOVERY, begun)]
    assert read_execution(items) == plain


def noted(begun: Wave, *looks: tuple[float, bool]) -> Wave:
    for seconds, waits in looks:
        begun = drill_wait.noted(begun, later(seconds), TIMING, waits=waits)
    return begun


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([], None),
        ([(10, False)], None),
        ([(10, True)], DrillWait(0, later(10))),
        ([(10, True), (40, True)], DrillWait(30, later(40))),
        ([(10, True), (40, True), (70.5, False)], DrillWait(61, None)),
        ([(10, True), (40, False), (70, False)], DrillWait(30, None)),
        ([(10, True), (40, False), (70, True), (80, False)], DrillWait(40, None)),
        ([(10, True), (1000, False)], DrillWait(90, None)),
    ],
)
def test_the_wait_is_counted_between_looks_that_saw_it(
    looks: list[tuple[float, bool]], expected: DrillWait | None
) -> None:
    assert noted(wave(1, W.IN_PROGRESS), *looks).drill_wait == expected


def test_what_servers_wait_for_drills_is_no_time_of_the_waves_own() -> None:
    begun = wave(1, W.IN_PROGRESS, timeout_minutes=1, wait_before_seconds=10)
    assert deadline_of(begun, TIMING) == later(70)
    waits = noted(begun, (5, True))
    assert deadline_of(waits, TIMING) == later(95), "held to wait for three pauses more"
    for seconds in range(35, 200, 30):
        waits = noted(waits, (seconds, True))
        after = decide(recovery(waits), Observation(), later(seconds + 29), TIMING).execution
        assert after.wave(1).status is W.IN_PROGRESS
    free = noted(waits, (205, False))
    assert free.drill_wait == DrillWait(200)
    assert deadline_of(free, TIMING) == later(270)
    assert decide(recovery(free), Observation(), later(269), TIMING).execution.wave(1).status is W.IN_PROGRESS
    assert decide(recovery(free), Observation(), later(270), TIMING).execution.wave(1).status is W.FAILED


def test_a_retry_begins_without_a_wait() -> None:
    failed = wave(1, W.FAILED, drill_wait=DrillWait(200))
    again = steering.retry(recovery(failed, status=E.IN_PROGRESS), 1, later(300))
    assert again.wave(1).drill_wait is None
