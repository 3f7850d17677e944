"""The factors that every execution has: recovery_time, recovery_point and launch (contract 7 and 8)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence_runs import (
    Trail,
    plan_document,
    server_shown,
    shown,
    to,
    wave_shown,
    wave_to,
)
from tests.support.execution_builders import NOW, OPERATOR, later, server_id

from wavebreak.consolidation import launch, recovery_point, recovery_time
from wavebreak.domain.checks.recovery_time import rto
from wavebreak.domain.checks.waiting import union, without
from wavebreak.timing import iso

HOUR = 3600


def completed(end: float = 600) -> dict[str, Any]:
    waves = [wave_shown(1, "COMPLETED", 10, 200), wave_shown(2, "COMPLETED", 200, end)]
    return shown("COMPLETED", waves, end + 3)


def test_7_recovery_time_is_from_the_request_to_the_end_of_the_last_wave() -> None:
    assert recovery_time(completed()) == {
        "objectiveSeconds": HOUR,
        "achievedSeconds": 600,
        "waitingSeconds": None,
        "met": True,
        "waves": [{"waveNumber": 1, "seconds": 190}, {"waveNumber": 2, "seconds": 400}],
    }


@pytest.mark.parametrize(("seconds", "met"), [(HOUR - 1, True), (HOUR, True), (HOUR + 1, False)])
def test_8_the_objective_itself_still_counts_as_met(seconds: int, met: bool) -> None:
    found = recovery_time(completed(seconds))
    assert (found["achievedSeconds"], found["met"]) == (seconds, met)


def test_8_the_last_wave_is_the_one_that_ended_last_not_the_last_of_the_plan() -> None:
    waves = [wave_shown(1, "COMPLETED", 0, 900), wave_shown(2, "COMPLETED", 0, 30), wave_shown(3, "SKIPPED", None, 20)]
    assert recovery_time(shown("COMPLETED", waves, 901))["achievedSeconds"] == 900


@pytest.mark.parametrize("status", ["PARTIAL_SUCCESS", "FAILED", "CANCELLED", "partial"])
def test_8_what_ended_otherwise_achieved_nothing_and_met_nothing(status: str) -> None:
    found = recovery_time({**completed(), "status": status})
    assert (found["achievedSeconds"], found["met"]) == (None, False)


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS", "PAUSED", "CANCELLING"])
def test_8_what_runs_has_met_nothing_yet_and_missed_it_once_it_is_past(status: str) -> None:
    running = shown(status, [wave_shown(1, "IN_PROGRESS", 5)])
    early, late = recovery_time(running, None, later(HOUR)), recovery_time(running, None, later(HOUR + 1))
    assert [(found["achievedSeconds"], found["met"]) for found in (early, late)] == [(None, None), (None, False)]
    assert recovery_time(running)["met"] is None


def test_8_what_is_not_known_is_null() -> None:
    assert recovery_time({}) == {
        "objectiveSeconds": None,
        "achievedSeconds": None,
        "waitingSeconds": None,
        "met": None,
        "waves": [],
    }
    planless = {**completed(), "plan": None}
    assert (recovery_time(planless)["objectiveSeconds"], recovery_time(planless)["met"]) == (None, None)
    assert recovery_time({**planless, "status": "FAILED"})["met"] is False
    endless = {**completed(), "waves": [wave_shown(1, "COMPLETED", 1)]}
    assert recovery_time(endless)["achievedSeconds"] is None


def test_8_a_plan_without_objectives_has_those_of_the_contract() -> None:
    bare = {**completed(), "plan": {"waves": []}}
    assert (recovery_time(bare)["objectiveSeconds"], recovery_point(bare)["objectiveSeconds"]) == (3600, 900)


def waiting(trail: Trail, plan: dict[str, Any] | None = None, **options: Any) -> int | None:
    """The waiting of a run that ended at 1,000 seconds."""
    execution = {**shown("FAILED", [], 1000), "plan": plan or plan_document()}
    return rto(execution, trail.events, None, options.get("first_acts"))["waitingSeconds"]


def test_8_an_approval_that_alone_is_waited_for_counts() -> None:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS", "PENDING"), wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"))
    trail.tell(300, wave_to(1, "IN_PROGRESS", "AWAITING_APPROVAL"), actor=OPERATOR)
    trail.tell(900, wave_to(1, "COMPLETED", "IN_PROGRESS"))
    assert waiting(trail) == 300


def test_8_an_approval_beside_a_wave_at_work_counts_only_once_that_has_ended() -> None:
    trail = Trail()
    trail.tell(0, wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"), wave_to(2, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(400, wave_to(2, "COMPLETED", "IN_PROGRESS"))
    trail.tell(500, wave_to(1, "IN_PROGRESS", "AWAITING_APPROVAL"))
    trail.tell(1000, wave_to(1, "COMPLETED", "IN_PROGRESS"))
    assert waiting(trail) == 100


def test_8_a_pause_and_an_open_ask_count_but_not_while_a_wave_runs_on() -> None:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(100, to("PAUSED", "IN_PROGRESS"), actor=OPERATOR)
    trail.tell(150, wave_to(1, "FAILED", "IN_PROGRESS"))
    trail.tell(400, to("IN_PROGRESS", "PAUSED"), wave_to(1, "IN_PROGRESS", "FAILED"), actor=OPERATOR)
    trail.tell(900, wave_to(1, "FAILED", "IN_PROGRESS"), to("FAILED", "IN_PROGRESS"))
    assert waiting(trail) == 250


def test_8_two_who_wait_at_once_are_counted_once() -> None:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS"), wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"))
    trail.tell(50, wave_to(2, "AWAITING_APPROVAL", "NOT_STARTED"), to("PAUSED", "IN_PROGRESS"))
    trail.tell(
        100, wave_to(1, "CANCELLED", "AWAITING_APPROVAL"), wave_to(2, "CANCELLED", "AWAITING_APPROVAL"), to("CANCELLED")
    )
    assert waiting(trail) == 100


def test_8_what_nobody_waits_for_is_no_waiting() -> None:
    trail = Trail()
    trail.tell(0, to("PENDING"))
    trail.tell(30, to("IN_PROGRESS", "PENDING"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(900, wave_to(1, "COMPLETED", "IN_PROGRESS"))
    assert waiting(trail) == 0


def wait_before() -> Trail:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS"), wave_to(1, "IN_PROGRESS", "NOT_STARTED"))
    trail.tell(600, wave_to(1, "FAILED", "IN_PROGRESS"))
    trail.tell(600, wave_to(1, "IN_PROGRESS", "FAILED"), actor=OPERATOR)
    trail.tell(900, wave_to(1, "COMPLETED", "IN_PROGRESS"))
    return trail


def test_8_wait_before_counts_in_the_first_attempt_alone() -> None:
    assert waiting(wait_before(), plan_document(waitBeforeSeconds=120)) == 120
    assert waiting(wait_before(), plan_document(waitBeforeSeconds=5000)) == 600


def test_8_wait_before_is_over_when_something_was_seen_to_be_done() -> None:
    """On a local stack it is shorter than the plan says."""
    plan = plan_document(waitBeforeSeconds=120)
    assert waiting(wait_before(), plan, first_acts={1: later(12)}) == 12
    assert waiting(wait_before(), plan, first_acts={1: later(500)}) == 120
    assert waiting(wait_before(), plan, first_acts={1: NOW - timedelta(seconds=1)}) == 0


def test_8_only_what_lies_between_request_and_end_is_counted() -> None:
    trail = Trail()
    trail.tell(-50, to("IN_PROGRESS"), wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"))
    assert waiting(trail) == 1000


def test_8_a_trail_with_a_gap_or_none_tells_no_waiting() -> None:
    trail = wait_before()
    del trail.events[1]
    assert waiting(trail) is None
    assert waiting(Trail()) is None


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted).map(tuple), max_size=6)


@given(SPANS, SPANS)
def test_spans_are_added_and_taken_away_second_by_second(
    some: list[tuple[int, int]], taken: list[tuple[int, int]]
) -> None:
    def moments(spans: Any) -> set[int]:
        return {second for start, stop in spans for second in range(start, stop)}

    def times(spans: list[tuple[int, int]]) -> list[Any]:
        return [(later(start), later(stop)) for start, stop in spans]

    def seconds(spans: Any) -> list[tuple[int, int]]:
        return [(int((start - NOW).total_seconds()), int((stop - NOW).total_seconds())) for start, stop in spans]

    joined = union(times(some))
    assert moments(seconds(joined)) == moments(some)
    left = seconds(without(joined, union(times(taken))))
    assert moments(left) == moments(some) - moments(taken)
    assert sum(stop - start for start, stop in left) == len(moments(left))


def aged(*seconds: float | None) -> dict[str, Any]:
    """Launched servers whose recovery points are so old at the request; None is not known."""
    servers = [
        server_shown(number, snapshotAt=None if age is None else iso(later(-age)))
        for number, age in enumerate(seconds, 1)
    ]
    return shown("COMPLETED", [wave_shown(1, "COMPLETED", 1, 2, servers=servers)], 3)


@pytest.mark.parametrize(
    ("ages", "achieved", "met", "worst", "unknown"),
    [
        ((30, 900, 20), 900, True, 2, 0),
        ((30, 901), 901, False, 2, 0),
        ((-60,), 0, True, 1, 0),
        ((), None, None, None, 0),
        ((30, None), None, None, None, 1),
        ((2000, None, None), None, False, 1, 2),
        ((None,), None, None, None, 1),
    ],
)
def test_8_recovery_point_is_the_oldest_of_the_launched_servers(
    ages: tuple[float | None, ...], achieved: int | None, met: bool | None, worst: int | None, unknown: int
) -> None:
    found: dict[str, Any] = {**recovery_point(aged(*ages))}
    (alone,) = found.pop("waves")
    assert alone == {"waveNumber": 1, **{name: found[name] for name in ("achievedSeconds", "worstServer", "unknown")}}
    assert found == {
        "objectiveSeconds": 900,
        "achievedSeconds": achieved,
        "met": met,
        "worstServer": server_id(worst) if worst else None,
        "unknown": unknown,
    }


def test_7_recovery_point_is_told_of_each_wave_too() -> None:
    execution = aged(30, 60)
    (first,) = execution["waves"]
    others = [aged(None, 20)["waves"][0], {**first, "servers": [server_shown(7, "PENDING")]}, {"waveNumber": 4}]
    execution["waves"] += [{**wave, "waveNumber": number} for number, wave in enumerate(others, 2)]
    assert recovery_point(execution)["waves"] == [
        {"waveNumber": 1, "achievedSeconds": 60, "worstServer": server_id(2), "unknown": 0},
        {"waveNumber": 2, "achievedSeconds": None, "worstServer": None, "unknown": 1},
        {"waveNumber": 3, "achievedSeconds": None, "worstServer": None, "unknown": 0},
        {"waveNumber": 4, "achievedSeconds": None, "worstServer": None, "unknown": 0},
    ]


def test_8_servers_that_were_not_launched_have_no_recovery_point_to_measure() -> None:
    execution = aged(30)
    execution["waves"][0]["servers"] += [
        server_shown(8, "FAILED", snapshotAt=iso(later(-5000))),
        server_shown(9, "PENDING"),
    ]
    assert (recovery_point(execution)["achievedSeconds"], recovery_point(execution)["unknown"]) == (30, 0)
    assert recovery_point({**execution, "plan": None})["met"] is None


def test_7_launch_counts_every_server_of_the_plan() -> None:
    servers = [server_shown(1), server_shown(2, "FAILED"), server_shown(3, "TERMINATED"), server_shown(4, "PENDING")]
    waves = [wave_shown(1, "FAILED", 1, 2, servers=servers), wave_shown(2, "COMPLETED", 1, 2)]
    found = launch(shown("PARTIAL_SUCCESS", waves, 3))
    assert {name: value for name, value in found.items() if name != "waves"} == {
        "servers": 5,
        "launched": 2,
        "failed": 2,
        "successRate": 0.4,
    }
    assert [(wave["waveNumber"], wave["launched"], wave["successRate"]) for wave in found["waves"]] == [
        (1, 1, 0.25),
        (2, 1, 1.0),
    ]
    assert launch({})["successRate"] is None
