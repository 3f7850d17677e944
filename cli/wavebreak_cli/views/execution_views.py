"""The three ways of showing an execution that is followed: lines, JSON, and a table that moves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wavebreak_cli.follow_loop import Quiet
from wavebreak_cli.views import change_lines, execution_card, live_execution
from wavebreak_cli.views.live_view import MovingView
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import Console, RenderableType

    from wavebreak_cli.client.answers import Execution


@dataclass
class LineView(Quiet):
    """Plain lines, one for each change, and the card at the end: for logs and pipes."""

    console: Console
    screen: Screen
    now: Callable[[], datetime]
    _last: Execution | None = None
    _lost: bool = False

    def show(self, execution: Execution) -> None:
        """Print what changed since the last reading."""
        found = change_lines.changes(self._last, execution, self.now())
        if self._lost:
            found.insert(0, change_lines.connection(self.now(), "RESTORED"))
        for change in found:
            self._print(change)
        self._last, self._lost = execution, False

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Print once that the connection is lost and is being retried."""
        if not self._lost:
            self._print(change_lines.connection(lost_at, "LOST", f"{why}; retrying"))
        self._lost = True

    def finish(self, execution: Execution) -> None:
        """Print the card."""
        self.console.print()
        self.console.print(execution_card.card(self.screen, execution, self.now()))

    def _print(self, change: change_lines.Change) -> None:
        self.console.print(self.screen.text(change_lines.line(change, self.screen)), highlight=False, soft_wrap=True)


@dataclass
class JsonView(LineView):
    """One JSON object for each change, and the execution as the last line: for programs."""

    def finish(self, execution: Execution) -> None:
        """Print the execution."""
        self._write(execution)

    def _print(self, change: change_lines.Change) -> None:
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
        """Leave the card on the screen, and how it ended as the last line: what is above it may have scrolled away."""
        screen = Screen.of(self.console)
        self.console.print(execution_card.card(screen, execution, self.now(), bar=True))
        self.console.print()
        self.console.print(execution_card.badge(screen, execution.get("display") or {}))

    def _render(self) -> RenderableType:
        screen, now = Screen.of(self.console), self.now()
        trouble = self._lost(now)
        if self._execution is None:
            return screen.text(trouble or "reading …", "bright_black")
        shown_at = self._shown_at(now)
        return live_execution.live(screen, self._execution, shown_at, height=self.console.height, trouble=trouble)
