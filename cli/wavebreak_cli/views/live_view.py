"""A view that moves, for people at a terminal: what every such view does, whatever it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from rich.live import Live

from wavebreak.timing import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from rich.console import Console, RenderableType


class MovingView(ABC):
    """Draws itself anew until it is left, and tells while the connection is lost; a subclass says what it draws."""

    def __init__(self, console: Console, now: Callable[[], datetime]) -> None:
        """Take where to draw, and the clock. Draws at once: what a subclass draws from is there before."""
        self.console = console
        self.now = now
        self._trouble: tuple[str, datetime] | None = None
        self._live = Live(console=console, get_renderable=self._render, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Show that the connection is lost and for how long it is being retried."""
        self._trouble = (why, lost_at)
        self._live.refresh()

    def _read(self) -> None:
        """Draw a reading that has come: the connection is there."""
        self._trouble = None
        self._live.refresh()

    def _lost(self, now: datetime) -> str | None:
        """Say for how long the connection has been lost; None while it is there."""
        if self._trouble is None:
            return None
        why, lost_at = self._trouble
        return f"connection lost, retrying for {duration((now - lost_at).total_seconds())}: {why}"

    @abstractmethod
    def _render(self) -> RenderableType:
        """Draw the view as it stands."""
