"""A clock that flows with real time and that a test moves forward: product and simulator share it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from drs_simulator.clockwork.clock import SystemClock
from drs_simulator.clockwork.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

TIME_SCALE: Final = 0.05
"""That of the product in process."""


class JumpingClock:
    """The real time plus the jumps so far."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._ahead = timedelta()
        self._subscribers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """Return the moment that it is for product and simulator."""
        return self._real.now() + self._ahead

    def subscribe(self, moved: Callable[[], None]) -> None:
        """Call `moved` after every jump."""
        self._subscribers.append(moved)

    def forward(self, seconds: float) -> None:
        """Jump; everything that became due in the simulator has happened when this returns."""
        self._ahead += timedelta(seconds=seconds)
        for moved in self._subscribers:
            moved()


class QuickTiming(Timing):
    """Launches of a fraction of a second; a server's own `launchSeconds` are real seconds, without a least."""

    def launch(self, seconds: float | None) -> timedelta:
        """Return how long a launch takes."""
        return timedelta(seconds=0.1 if seconds is None else seconds)

    def lateness(self, seconds: float) -> timedelta:
        """Return how late something shows: as late for the product as it is in AWS, at the product's time scale."""
        return timedelta(seconds=seconds * TIME_SCALE)

    def termination(self) -> timedelta:
        """Return how long a termination takes."""
        return timedelta(seconds=0.1)

    def pending(self, shortest: timedelta) -> timedelta:
        """Return how long a job is PENDING."""
        return min(timedelta(seconds=0.02), shortest / 2)

    def tail(self) -> timedelta:
        """Return how long after its last server a job ends."""
        return timedelta(seconds=0.05)
