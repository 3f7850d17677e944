"""Follows something until it is done: the loop, and the three ways of showing an execution that is followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from wavebreak_cli import changes, live_picture, render
from wavebreak_cli.look import Look
from wavebreak_cli.moving import MovingView
from wavebreak_cli.problems import CommandFailed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from rich.console import Console, RenderableType

    from wavebreak_cli.wire import Execution

POLL_SECONDS: Final = 1.0
SLOWEST_POLL_SECONDS: Final = 5.0
GIVE_UP_SECONDS: Final = 900.0
"""How long a watch outlives its connection: longer than a laptop's nap or a deployment of the API."""

_PATIENCE: Final = 20
"""Readings without a change after which polling slows down."""


Reading = TypeVar("Reading")
Shown_contra = TypeVar("Shown_contra", contravariant=True)


class View(Protocol[Shown_contra]):
    """Where a watch shows what it sees."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, reading: Shown_contra, /) -> None:
        """Take a reading."""

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
    slowest: float = SLOWEST_POLL_SECONDS,
) -> Reading:
    """Read something again and again until it is over, and return the last reading.

    Polls are at most `slowest` seconds apart. A lost connection is retried for GIVE_UP_SECONDS and then raises
    Unavailable; a refused call raises at once.
    """
    loop = _Loop(read, view, time, slowest)
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
    slowest: float
    last: Reading | None = None
    unchanged: int = 0

    @property
    def pause(self) -> float:
        """Seconds until the next reading: longer and longer while nothing changes."""
        return min(POLL_SECONDS * (1 + self.unchanged // _PATIENCE), self.slowest)

    def next(self) -> Reading:
        """Take one reading, however long the connection needs to come back."""
        lost_at: datetime | None = None
        delay = POLL_SECONDS
        while True:
            try:
                reading = self.read()
            except CommandFailed as failure:
                if not _may_pass(failure):
                    raise
                lost_at = lost_at or self.time.now()
                if (self.time.now() - lost_at).total_seconds() > GIVE_UP_SECONDS:
                    raise
                self.view.trouble(str(failure), lost_at)
                self.time.sleep(max(delay, min(failure.retry_after or 0, SLOWEST_POLL_SECONDS)))
                delay = min(delay * 2, SLOWEST_POLL_SECONDS)
            else:
                self.unchanged = self.unchanged + 1 if reading == self.last else 0
                self.last = reading
                self.view.show(reading)
                return reading


def _may_pass(failure: CommandFailed) -> bool:
    return isinstance(failure, Unavailable) or failure.code == "THROTTLED"


@dataclass
class Quiet:
    """A view that needs no beginning and no end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


@dataclass
class LineView(Quiet):
    """Plain lines, one for each change, and the card at the end: for logs and pipes."""

    console: Console
    look: Look
    now: Callable[[], datetime]
    _last: Execution | None = None
    _lost: bool = False

    def show(self, execution: Execution) -> None:
        """Print what changed since the last reading."""
        found = changes.changes(self._last, execution, self.now())
        if self._lost:
            found.insert(0, changes.connection(self.now(), "RESTORED"))
        for change in found:
            self._print(change)
        self._last, self._lost = execution, False

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Print once that the connection is lost and is being retried."""
        if not self._lost:
            self._print(changes.connection(lost_at, "LOST", f"{why}; retrying"))
        self._lost = True

    def finish(self, execution: Execution) -> None:
        """Print the card."""
        self.console.print()
        self.console.print(render.card(self.look, execution, self.now()))

    def _print(self, change: changes.Change) -> None:
        self.console.print(self.look.text(changes.line(change, self.look)), highlight=False, soft_wrap=True)


@dataclass
class JsonView(LineView):
    """One JSON object for each change, and the execution as the last line: for programs."""

    def finish(self, execution: Execution) -> None:
        """Print the execution."""
        self._write(execution)

    def _print(self, change: changes.Change) -> None:
        self._write(change)

    def _write(self, document: object) -> None:
        self.console.file.write(json.dumps(document) + "\n")
        self.console.file.flush()


class LiveView(MovingView):
    """A table that moves, replaced by the card at the end: for people at a terminal."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        """Take where to draw, and the clock."""
        self._execution: Execution | None = None
        super().__init__(console, now)

    def show(self, execution: Execution) -> None:
        """Show a reading."""
        self._execution = execution
        self._read()

    def finish(self, execution: Execution) -> None:
        """Leave the card on the screen."""
        self.console.print(render.card(Look.of(self.console), execution, self.now(), bar=True))

    def _render(self) -> RenderableType:
        look, now = Look.of(self.console), self.now()
        trouble = self._lost(now)
        if self._execution is None:
            return look.text(trouble or "reading …", "bright_black")
        return live_picture.live(look, self._execution, now, height=self.console.height, trouble=trouble)
