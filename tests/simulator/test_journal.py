"""The call log by itself: its order, and that a long life does not fill the memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from time import sleep
from typing import TYPE_CHECKING

from tests.simulator.clients import START

from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.credentials import Caller
from drs_simulator.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLER = Caller("000000000000", "us-east-1", "drs")
_MIB = 1024 * 1024


class _LateClock:
    """A clock whose reader is always held up after it has looked."""

    def __init__(self) -> None:
        self._seconds = count()

    def now(self) -> datetime:
        moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=next(self._seconds))
        sleep(0.001 * (moment.second % 3))
        return moment

    def subscribe(self, moved: Callable[[], None]) -> None:
        """Ignore the subscriber."""


def test_calls_stand_in_the_order_of_their_moments_whoever_makes_them() -> None:
    journal, clock = Journal(), _LateClock()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            pool.submit(journal.enter, "DescribeJobs", _CALLER, clock, 0)
    moments = [call["at"] for call in journal.calls()]
    assert len(moments) == 50
    assert moments == sorted(moments)


def test_the_oldest_calls_go_beyond_64_mib_of_requests() -> None:
    journal = Journal()
    for number in range(70):
        journal.enter(f"Call{number}", _CALLER, ManualClock(START), _MIB)
    assert [call["operation"] for call in journal.calls()] == [f"Call{number}" for number in range(6, 70)]
    journal.enter("Huge", _CALLER, ManualClock(START), 100 * _MIB)
    assert [call["operation"] for call in journal.calls()] == ["Huge"]
    journal.clear()
    for number in range(64):
        journal.enter(f"Call{number}", _CALLER, ManualClock(START), _MIB)
    assert len(journal.calls()) == 64, "a cleared journal has all its room again"


def test_the_oldest_calls_go_beyond_200_000() -> None:
    journal, clock = Journal(), ManualClock(START)
    for number in range(200_002):
        journal.enter(str(number), _CALLER, clock, 2)
    calls = journal.calls()
    assert (len(calls), calls[0]["operation"]) == (200_000, "2")
