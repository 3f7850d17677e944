"""A view that moves, for people at a terminal: what every such view does, whatever it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Self

from rich.live import Live

from wavebreak.timing import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from rich.console import Console, RenderableType


OLD_AFTER: Final = timedelta(seconds=5)
"""Without an answer for so long, a view says since when what it shows is old, and its clocks stand still."""


class MovingView(ABC):
    """A view that redraws itself until it is left, and shows a lost connection; a subclass draws the content."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        """Take where to draw, and the clock. Draws at once: what a subclass draws from is there before."""
        self.console = console
        self.now = now
        self._trouble: tuple[str, datetime] | None = None
        self._asked_at: datetime | None = None
        self._read_at: datetime | None = None
        self._live = Live(console=console, get_renderable=self._render, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.transient = kind is None  # whoever leaves keeps the last picture
        self._live.stop()

    def asking(self) -> None:
        """Remember since when a reading is waited for."""
        if self._asked_at is None:
            self._asked_at = self.now()

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Show that the connection is lost and for how long it is being retried."""
        self._trouble = (why, lost_at)
        self._live.refresh()

    def _read(self) -> None:
        """Draw a reading: the connection works."""
        self._trouble, self._asked_at, self._read_at = None, None, self.now()
        self._live.refresh()

    def _lost(self, now: datetime) -> str | None:
        """Return since when what is shown is old, and why; None while it is new."""
        as_of = f"as of {self._read_at.astimezone(UTC):%H:%M:%SZ}, " if self._read_at else ""
        if self._trouble is not None:
            why, lost_at = self._trouble
            waited = (now - (self._asked_at or lost_at)).total_seconds()
            return f"{as_of}no answer for {duration(waited)}, retrying: {why}"
        if self._asked_at is None or now - self._asked_at < OLD_AFTER:
            return None
        return f"{as_of}no answer for {duration((now - self._asked_at).total_seconds())}"

    def _shown_at(self, now: datetime) -> datetime:
        """Return which time clocks show: they stand still at the last reading while what is shown is old."""
        return self._read_at if self._read_at and self._lost(now) else now

    @abstractmethod
    def _render(self) -> RenderableType:
        """Draw the present view."""
