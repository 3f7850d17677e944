"""Time as a parameter: the real clock, and one that a test moves by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """What the simulator needs of a clock."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""

    def subscribe(self, moved: Callable[[], None]) -> None:
        """Call ``moved`` whenever time jumps; a clock that only flows never calls it."""


class SystemClock:
    """The real time. It follows the monotonic clock, so a corrected wall clock never turns a job back."""

    def __init__(self) -> None:
        self._origin = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        """Return the wall clock at start plus the time run since."""
        return self._origin + timedelta(seconds=time.monotonic() - self._started)

    def subscribe(self, moved: Callable[[], None]) -> None:
        """Ignore the subscriber: this clock never jumps."""


class ManualClock:
    """A clock that stands still until ``advance`` is called; for tests."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = start.astimezone(UTC)
        self._subscribers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return where the clock stands."""
        return self._now

    def subscribe(self, moved: Callable[[], None]) -> None:
        """Call ``moved`` after each ``advance``, in the thread that advances."""
        self._subscribers.append(moved)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds`` and let everything that became due happen before returning."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += timedelta(seconds=seconds)
        for moved in self._subscribers:
            moved()


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds and ``Z``, the form of the DRS model's datetime strings."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Read an RFC 3339 datetime; raise ValueError for a date that does not exist, such as 30 February."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
