"""Follows something until it is done: slower while nothing changes, and through lost connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from wavebreak_cli.errors import CommandError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType
    from typing import Self


POLL_SECONDS: Final = 1.0
SLOWEST_POLL_SECONDS: Final = 5.0
GIVE_UP_SECONDS: Final = 900.0
"""How long a watch outlives its connection: longer than a laptop's nap or a deployment of the API."""
_PATIENCE: Final = 20
"""Readings without a change after which polling slows down."""
Reading = TypeVar("Reading")
Shown_contra = TypeVar("Shown_contra", contravariant=True)


class View(Protocol[Shown_contra]):
    """The output of a watch."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def asking(self) -> None:
        """Take note that a reading is asked for now: until it comes, what is shown grows old."""

    def show(self, reading: Shown_contra, /) -> None:
        """Show a reading."""

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Take note of a connection that was lost and is being retried."""

    def finish(self, reading: Shown_contra, /) -> None:
        """Take the last reading, after the view was left."""


@dataclass(frozen=True, slots=True)
class Time:
    """The wall clock and a way to wait; seconds."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]


def follow(
    read: Callable[[], Reading],
    is_over: Callable[[Reading], bool],
    view: View[Reading],
    time: Time,
    *,
    fastest: float = POLL_SECONDS,
    slowest: float = SLOWEST_POLL_SECONDS,
) -> Reading:
    """Read something again and again until it is over, and return the last reading.

    The polls are at least `fastest` and at most `slowest` seconds apart. A lost connection is retried for
    GIVE_UP_SECONDS and then raises UnavailableError; a refused call raises at once.
    """
    loop = _Loop(read, view, time, fastest, slowest)
    with view:
        reading = loop.next()
        while not is_over(reading):
            time.sleep(loop.pause)
            reading = loop.next()
    view.finish(reading)
    return reading


@dataclass
class _Loop(Generic[Reading]):
    read: Callable[[], Reading]
    view: View[Reading]
    time: Time
    fastest: float
    slowest: float
    last: Reading | None = None
    unchanged: int = 0

    @property
    def pause(self) -> float:
        """Return the seconds until the next reading: longer and longer while nothing changes."""
        return min(self.fastest * (1 + self.unchanged // _PATIENCE), self.slowest)

    def next(self) -> Reading:
        """Take one reading, however long the connection needs to come back."""
        lost_at: datetime | None = None
        delay = POLL_SECONDS
        while True:
            self.view.asking()
            try:
                reading = self.read()
            except CommandError as failure:
                if not may_pass(failure):
                    raise
                lost_at = lost_at or self.time.now()
                if (self.time.now() - lost_at).total_seconds() > GIVE_UP_SECONDS:
                    raise
                self.view.trouble(failure.why, lost_at)
                self.time.sleep(max(delay, min(failure.retry_after or 0, SLOWEST_POLL_SECONDS)))
                delay = min(delay * 2, SLOWEST_POLL_SECONDS)
            else:
                self.unchanged = self.unchanged + 1 if reading == self.last else 0
                self.last = reading
                self.view.show(reading)
                return reading


def may_pass(failure: CommandError) -> bool:
    """Return whether the next call may succeed, so that the watch goes on."""
    return isinstance(failure, UnavailableError) or failure.code == "THROTTLED"


@dataclass
class Quiet:
    """A view that needs no beginning and no end, and shows nothing between readings."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def asking(self) -> None:
        """Take note of nothing."""
