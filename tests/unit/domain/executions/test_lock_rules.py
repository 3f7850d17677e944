"""Whose a lock is: every standing of the executions that it names, before and after the minute of grace (A6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.execution_builders import NOW, later

from wavebreak.domain.executions.locking.lock_rules import GRACE, Claim, Lock, Standing, holder, is_settled

A = Claim("drill-a", "one", NOW)
B = Claim("recovery-b", "two", NOW)
PLAN = Claim("drill-a", "one")
LATE = (GRACE + timedelta(milliseconds=1)).total_seconds()

NOBODY: dict[str, Standing] = {}
RUNS = {"drill-a": Standing("one", holds=True)}
ENDED = {"drill-a": Standing("one", holds=False)}
TAKEN_UP_BY_ANOTHER = {"drill-a": Standing("other", holds=True)}
ENDED_BEFORE = {"drill-a": Standing("other", holds=False)}


@pytest.mark.parametrize(
    ("standings", "soon", "late"),
    [
        (RUNS, A, A),
        (ENDED, None, None),
        (NOBODY, A, None),
        (TAKEN_UP_BY_ANOTHER, A, None),
        (ENDED_BEFORE, A, None),
    ],
)
def test_a6_a_lock_counts_while_meta_names_its_call_and_before_that_for_a_minute(
    standings: dict[str, Standing], soon: Claim | None, late: Claim | None
) -> None:
    assert holder(Lock(A), standings, later(60)) == soon
    assert holder(Lock(A), standings, later(LATE)) == late


@pytest.mark.parametrize(
    ("standings", "expected"),
    [(RUNS, PLAN), (ENDED, None), (NOBODY, None), (TAKEN_UP_BY_ANOTHER, None), (ENDED_BEFORE, None)],
)
def test_the_lock_of_a_plan_has_no_grace_for_it_is_written_with_meta(
    standings: dict[str, Standing], expected: Claim | None
) -> None:
    assert holder(Lock(PLAN), standings, NOW) == expected


def test_a_lock_from_before_calls_had_ids_is_held_by_the_execution_that_has_none_either() -> None:
    old = Claim("drill-a", None, NOW)
    assert holder(Lock(old), {"drill-a": Standing(None, holds=True)}, later(9999)) == old
    assert holder(Lock(old), {"drill-a": Standing(None, holds=False)}, NOW) is None


@pytest.mark.parametrize("drill", [RUNS, ENDED, NOBODY])
def test_what_a_recovery_took_over_is_the_drills_again_if_its_call_came_to_nothing(drill: dict[str, Standing]) -> None:
    taken_over = Lock(B, A)
    its_own = A if drill is RUNS else None
    assert holder(taken_over, drill, NOW) == B
    assert holder(taken_over, drill, later(LATE)) == its_own
    for holds, expected in ((True, B), (False, None)):
        standings = drill | {"recovery-b": Standing("two", holds=holds)}
        assert holder(taken_over, standings, later(LATE)) == expected
    earlier_run = drill | {"recovery-b": Standing("zero", holds=False)}
    assert holder(taken_over, earlier_run, later(LATE)) == its_own


def test_a_claim_is_settled_once_meta_names_its_call() -> None:
    assert is_settled(A, RUNS)
    assert not is_settled(A, NOBODY)
    assert not is_settled(A, TAKEN_UP_BY_ANOTHER)
    assert Lock(B, A).executions == {"drill-a", "recovery-b"}
    assert Lock(A).executions == {"drill-a"}
