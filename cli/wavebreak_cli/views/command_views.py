"""The views of a command run while it goes on: plain lines, a live view, JSON, or the joined output alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from wavebreak.domain.commands.catalogue import CommandMode, CommandName, command_mode
from wavebreak.domain.commands.result_text import combined_output
from wavebreak_cli.follow_loop import Quiet
from wavebreak_cli.views import change_lines, command_results
from wavebreak_cli.views.live_view import MovingView
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from rich.console import Console, RenderableType

    from wavebreak.domain.commands.results import ExecutionResult
    from wavebreak_cli.client.answers import CommandRun
    from wavebreak_cli.client.command_runs import Entry, RunReading


@dataclass
class Arrivals:
    """Which results have been shown, and which target a sequential run is at.

    `names` are the targets in the order given, if they are known before they have run.
    """

    names: Sequence[str] = ()
    seen: set[int] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)

    def new(self, reading: RunReading) -> list[Entry]:
        """Return the results that came since the last reading."""
        found = [entry for entry in reading.entries if entry.number not in self.seen]
        self.seen |= {entry.number for entry in found}
        return found

    def announce(self, number: int) -> bool:
        """Return whether a target has not been announced before."""
        if number in self.announced:
            return False
        self.announced.add(number)
        return True

    def current(self, reading: RunReading) -> tuple[int, str] | None:
        """Return number and name of the present target of a sequential run; None where it is not known."""
        if not is_sequential(reading) or reading.is_over:
            return None
        total = reading.run.get("total", 0)
        number = next((number for number in range(1, total + 1) if number not in self.seen), 0)
        known = 0 < number <= len(self.names) == total
        return (number, self.names[number - 1]) if known else None


def is_sequential(reading: RunReading) -> bool:
    """Return whether a run goes from one target to the next."""
    return command_mode(CommandName(reading.run["command"])) is CommandMode.SEQUENTIAL


@dataclass
class RunLines(Quiet):
    """Plain lines as results and watched lines arrive, and the outcome in the given order: for logs and pipes."""

    console: Console
    screen: Screen
    now: Callable[[], datetime]
    arrivals: Arrivals
    _status: str | None = None
    _lost: bool = False

    def show(self, reading: RunReading) -> None:
        """Print what is new."""
        if self._lost:
            self._print_connection(self.now(), "RESTORED")
        self._lost = False
        if reading.is_watch and not reading.is_over:
            self._print_status(reading.run)
        for line in reading.lines:
            self._print(command_results.watched(self.screen, line))
        if self._status is not None or not reading.is_over:
            self._show_new(reading)

    def _show_new(self, reading: RunReading) -> None:
        if not reading.is_over:
            self._print_status(reading.run)
        for entry in [] if reading.is_watch else self.arrivals.new(reading):
            self._announce(reading, entry.number, entry.result.target)
            self._print_line(command_results.arrival(self.screen, entry.result))
        current = self.arrivals.current(reading)
        if current:
            self._announce(reading, *current)
        if reading.is_over:
            self._print_status(reading.run)

    def _print_status(self, run: CommandRun) -> None:
        """Print the status if it is another than before, the end's behind the results."""
        if run["status"] != self._status:
            what = f" {run.get('command')} on {run.get('total')} targets" if self._status is None else ""
            self._print_line(self.screen.text(f"run {run.get('commandId')}{what} {run['status']}"))
        self._status = run["status"]

    def _announce(self, reading: RunReading, number: int, target: str) -> None:
        if is_sequential(reading) and self.arrivals.announce(number):
            self._print_line(command_results.announcement(self.screen, number, reading.run.get("total", 0), target))

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Print once that the connection is lost and is being retried."""
        if not self._lost:
            self._print_connection(lost_at, "LOST", f"{why}; retrying")
        self._lost = True

    def finish(self, reading: RunReading) -> None:
        """Print the outcome."""
        for block in command_results.outcome(self.screen, reading):
            self._print(block)

    def _print_connection(self, at: datetime, status: str, error: str | None = None) -> None:
        self._print(self.screen.text(change_lines.line(change_lines.connection(at, status, error), self.screen)))

    def _print_line(self, text: Text) -> None:
        self._print(Text.assemble((self.now().strftime("%H:%M:%SZ "), "bright_black"), text))

    def _print(self, text: Text) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


@dataclass
class RunJson(Quiet):
    """The run with its results as one document; a watch has a JSON object a line before it, and it in one line."""

    console: Console

    def show(self, reading: RunReading) -> None:
        """Write the lines of a watch."""
        for line in reading.lines:
            self._write(line)

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Print nothing: standard output holds the answer alone."""

    def finish(self, reading: RunReading) -> None:
        """Write the run."""
        document = {**reading.run, "results": [entry.document for entry in reading.entries]}
        self._write(document, indent=None if reading.is_watch else 2)

    def _write(self, document: object, indent: int | None = None) -> None:
        self.console.file.write(json.dumps(document, indent=indent) + "\n")
        self.console.file.flush()


@dataclass
class RunOutput(Quiet):
    """The joined output of all targets alone, in the order given; the summary goes to standard error."""

    console: Console
    err: Console

    def show(self, reading: RunReading) -> None:
        """Wait for the end."""

    def trouble(self, why: str, lost_at: datetime) -> None:
        """Print nothing: standard output holds the targets' output alone."""

    def finish(self, reading: RunReading) -> None:
        """Print the joined output and the summary."""
        joined = combined_output(entry.result for entry in reading.entries)
        if joined:
            self.console.print(Text(Screen.of(self.console).block(joined)), highlight=False, soft_wrap=True)
        summary = Text(Screen.of(self.err).block(reading.run.get("summary") or ""))
        self.err.print(summary, highlight=False, soft_wrap=True)


class RunLive(MovingView):
    """A live view, replaced by the outcome in the given order: for people at a terminal."""

    def __init__(self, console: Console, now: Callable[[], datetime], arrivals: Arrivals) -> None:
        """Take where to draw, the clock, and what tells new results from known ones."""
        self.arrivals = arrivals
        self._reading: RunReading | None = None
        self._arrived: list[ExecutionResult] = []
        super().__init__(console, now)

    def show(self, reading: RunReading) -> None:
        """Show a reading."""
        self._reading = reading
        self._arrived += [entry.result for entry in self.arrivals.new(reading)]
        self._read()

    def finish(self, reading: RunReading) -> None:
        """Leave the outcome on the screen."""
        for block in command_results.outcome(Screen.of(self.console), reading):
            self.console.print(block, highlight=False, soft_wrap=True)

    def _render(self) -> RenderableType:
        return Group(*self._parts(Screen.of(self.console), self.now()))

    def _parts(self, screen: Screen, now: datetime) -> Iterator[RenderableType]:
        if self._reading is not None:
            current = self.arrivals.current(self._reading)
            total = self._reading.run.get("total", 0)
            running = command_results.announcement(screen, current[0], total, current[1]) if current else None
            shown_at, height = self._shown_at(now), self.console.height
            yield command_results.live(screen, self._reading, self._arrived, running, shown_at, height)
        lost = self._lost(now)
        if lost is not None:
            yield screen.text(lost, "dark_orange")
