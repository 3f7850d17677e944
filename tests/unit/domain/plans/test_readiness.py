"""How a plan stands, what of that is news, and when it is looked at next (contract 13)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.plans.readiness import (
    MOST_FAILING,
    MOST_IN_A_LIST,
    Readiness,
    Standing,
    needs_notice,
    next_check,
    standing_view,
)
from wavebreak.domain.readiness.outcome import standing_of
from wavebreak.domain.readiness.verdicts import Check, CheckStatus

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
READY, NOT_READY = Readiness.READY, Readiness.NOT_READY


def check(status: CheckStatus, number: int = 1) -> Check:
    return Check("lag", f"s-{number}", status, "replication is behind")


@pytest.mark.parametrize("status", list(CheckStatus))
def test_13_only_what_failed_keeps_a_plan_from_being_ready(status: CheckStatus) -> None:
    found = standing_of([check(CheckStatus.PASS), check(status, 2)], 3, NOW)
    failed = status is CheckStatus.FAIL
    assert standing_view(found) == {
        "checkedAt": "2026-11-29T12:00:00.000Z",
        "ready": not failed,
        "failing": [{"check": "lag", "subject": "s-2", "message": "replication is behind"}] if failed else [],
        "planVersion": 3,
    }


@pytest.mark.parametrize("count", [MOST_FAILING, MOST_FAILING + 1, 4000])
def test_13_of_many_failed_checks_the_first_are_kept_and_the_others_counted(count: int) -> None:
    found = standing_of([check(CheckStatus.FAIL, number) for number in range(count)], 1, NOW)
    assert len(found.failing) == MOST_FAILING
    if count > MOST_FAILING:
        assert found.failing[-1].message == f"{count - MOST_FAILING + 1} more checks failed"
    shown = standing_view(found, MOST_IN_A_LIST)
    assert shown is not None
    assert len(shown["failing"]) == MOST_IN_A_LIST


def test_4_nothing_is_shown_of_a_plan_that_was_not_checked() -> None:
    assert standing_view(None) is None


@pytest.mark.parametrize(
    ("reported", "ready", "news"),
    [
        (None, True, False),
        (None, False, True),
        (READY, True, False),
        (READY, False, True),
        (NOT_READY, True, True),
        (NOT_READY, False, False),
    ],
)
def test_13_a_change_is_news_and_so_is_a_plan_that_was_never_ready(
    reported: Readiness | None, ready: bool, news: bool
) -> None:
    assert needs_notice(reported, Standing(NOW, ready, (), 1)) is news


@given(
    st.text("abcdefghij-0123456789", min_size=1, max_size=63),
    st.integers(0, 10**9),
    st.integers(1, 86_400),
)
def test_13_the_next_look_is_within_an_interval_and_always_at_the_plans_own_moment(
    plan_id: str, seconds: int, length: int
) -> None:
    interval, now = timedelta(seconds=length), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    first = next_check(plan_id, now, interval)
    assert now < first <= now + interval
    assert next_check(plan_id, first, interval) == first + interval
    assert next_check(plan_id, first + interval / 2, interval) == first + interval


def test_13_looks_are_spread_evenly_over_the_interval() -> None:
    interval, tenths = timedelta(minutes=30), [0] * 10
    for number in range(500):
        due = next_check(f"plan-{number}", NOW, interval)
        tenths[min(9, int((due - NOW) / interval * 10))] += 1
    assert min(tenths) >= 25
    assert max(tenths) <= 80
