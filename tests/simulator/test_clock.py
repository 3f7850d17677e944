"""The clocks: one that flows, one that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.simulator.clients import START

from drs_simulator.clockwork.clock import ManualClock, SystemClock, parse_timestamp, timestamp


def test_the_manual_clock_moves_only_forward_and_only_when_told() -> None:
    clock = ManualClock(START)
    seen: list[datetime] = []
    clock.subscribe(lambda: seen.append(clock.now()))
    clock.advance(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)
    assert seen == [clock.now()]
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


def test_the_system_clock_tells_the_time_in_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_timestamp_has_milliseconds_and_is_read_back() -> None:
    text = timestamp(START + timedelta(microseconds=1_500))
    assert text == "2026-03-01T12:00:00.001Z"
    assert parse_timestamp(text) == START + timedelta(milliseconds=1)
    assert parse_timestamp("2026-03-01T12:00:00") == START
