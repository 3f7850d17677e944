"""The live view of an execution, made to fit the terminal's height. Pure, like `execution_card`.

The essential comes first and is never left out: status, a lost connection, progress, and what can
be done now. Waves, their servers and the list of failures share the lines that are left, and say what they leave out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.timing import duration
from wavebreak_cli.views.clocks import clocks
from wavebreak_cli.views.execution_card import (
    Barred,
    badge,
    count_servers,
    next_lines,
    plain_table,
    progress,
    progress_bar,
    termination_lines,
    troubles,
    wave_time,
)
from wavebreak_cli.views.named_list import Shortened
from wavebreak_cli.views.phases import phase_of, server_label, silence
from wavebreak_cli.views.step_lines import step_display, step_name
from wavebreak_cli.views.terminal import elapsed, one_line, style_of
from wavebreak_cli.views.waiting import waiting_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table

    from wavebreak_cli.client.answers import Display, Execution, Server, Wave
    from wavebreak_cli.views.terminal import Screen

_BEFORE: Final = "BEFORE"
_BAR: Final = 2
"""Columns of the bar at the left."""
_FOLLOWING: Final = "follow it"
"""What is not repeated to someone who follows it already."""
_URGENCY: Final[Mapping[str, int]] = {
    "FAILED": 0,
    "AWAITING_APPROVAL": 0,
    "IN_PROGRESS": 0,
    "NOT_STARTED": 1,
}
_OVER: Final = 2
_NARROW: Final = 64
_QUIET: Final = "bright_black"
_TABLE_HEAD: Final = 2
"""Lines of a table above its rows."""
_WAITING_LINES: Final = 3
"""As many lines has what a person has to decide, and why."""
_WAITING_EDGE: Final = 20
"""What broken lines may leave free at their ends."""
_FEWEST_WAVES: Final = 3
"""Lines that waves get before any failure is listed."""
_MOST_FAILURES: Final = 8
_MOST_LEFT: Final = 3
"""Instances that are named of those that a termination has left."""
_FAILURES_SHARE: Final = 5
"""One line in so many is for failures of each kind."""

_LAUNCHES: Final[Mapping[str, Display]] = {
    LaunchStatus.PENDING: {"label": "Pending", "color": "gray", "icon": "○"},
    LaunchStatus.IN_PROGRESS: {"label": "Launching", "color": "blue", "icon": "⟳"},
    LaunchStatus.LAUNCHED: {"label": "Launched", "color": "green", "icon": "✓"},
    LaunchStatus.FAILED: {"label": "Failed", "color": "red", "icon": "✗"},
    LaunchStatus.TERMINATED: {"label": "Terminated", "color": "gray", "icon": "⊘"},
}
_FIRST: Final[Mapping[str, int]] = {LaunchStatus.IN_PROGRESS: 0, LaunchStatus.FAILED: 1, LaunchStatus.LAUNCHED: 2}
"""Which servers are shown where not all of a wave fit; those that nothing is known of yet come last."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line beneath a wave: a name and a status; where not all have room, those of the lowest `rank` are shown."""

    name: RenderableType
    status: Text
    rank: int = -1


Rows = list[Row]


def live(screen: Screen, execution: Execution, now: datetime, *, height: int, trouble: str | None) -> RenderableType:
    """Show a running execution for `--watch`, no higher than `height` lines."""
    return _Fitted(screen, execution, now, height, trouble)


@dataclass(frozen=True, slots=True)
class _Fitted:
    screen: Screen
    execution: Execution
    now: datetime
    height: int
    trouble: str | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Measure what has to be there, and fill the rest."""
        narrower = options.update(width=max(options.max_width - _BAR, 1), height=None)

        def lines(parts: Iterable[RenderableType], within: ConsoleOptions = narrower) -> int:
            return sum(len(console.render_lines(part, within, pad=False)) for part in parts)

        screen, execution = self.screen, self.execution
        head, ending = self._head(), termination_lines(screen, execution, most=_MOST_LEFT)
        end = next_lines(screen, execution, but=_FOLLOWING)
        room = self.height - lines(head) - lines(ending) - lines(end, options.update(height=None))
        failures = self._failures(room, lines)
        table, *more = self._waves(room - lines(failures) - _TABLE_HEAD)
        picture = Group(*head, table, *more, *failures, *ending)
        yield Barred(picture, style_of(execution.get("display") or {}), screen.plain("┃"))
        yield from end  # beside no bar: what is there to be copied is copied alone

    def _failures(self, room: int, lines: Callable[[list[RenderableType]], int]) -> list[RenderableType]:
        """List as many failures as leave room for the waves; the table and the progress report the rest."""
        for most in range(max(1, min(_MOST_FAILURES, room // _FAILURES_SHARE)), 0, -1):
            found = troubles(self.screen, self.execution, most=most, whole=False)
            if lines(found) <= room - _TABLE_HEAD - _FEWEST_WAVES:
                return found
        return []

    def _head(self) -> list[RenderableType]:
        screen, execution = self.screen, self.execution
        given = execution.get("durationSeconds")
        took = elapsed(execution.get("startedAt"), execution.get("endedAt"), given, self.now)
        name = Text.assemble(
            "  ", screen.mode(execution.get("mode")), screen.text(f"  {execution.get('executionId')}", _QUIET)
        )
        plan = screen.text(execution.get("planName") or execution.get("planId"), "bold")
        plan.truncate(max(screen.width - 2 - name.cell_len, 1), overflow="ellipsis")
        left = " · ".join(["", *clocks(execution, self.now)])
        status = badge(screen, execution.get("display") or {}) + screen.text(f"  {duration(took)}{left}", "default")
        label = [self.trouble, silence(execution, self.now)]
        lost = [one_line(screen.text(text, "dark_orange")) for text in label if text]
        waits = waiting_for(execution)
        if waits:
            asked = screen.text(f"⏸ WAITING FOR YOU: {waits}", "bold dark_orange")
            asked.truncate(_WAITING_LINES * (screen.width - _BAR) - _WAITING_EDGE, overflow="ellipsis")
            lost.append(asked)
        bar = self._bar()
        return [plan + name, one_line(status), *(lost or [Text()]), bar, Text()]

    def _bar(self) -> Text:
        """Draw the launched servers; once a termination was requested, the ended instances."""
        screen, count = self.screen, count_servers(self.execution.get("waves") or [])
        termination = self.execution.get("termination") or {}
        if (termination.get("status") or "NOT_REQUESTED") == "NOT_REQUESTED":
            return progress(screen, count, screen.width - _BAR)
        ended = int(termination.get("terminated") or 0)
        stuck = len(termination.get("unknown") or [])
        label = f"{ended} of {count.launched} instances ended" + (f" · {stuck} unknown" if stuck else "")
        return progress_bar(screen, (ended, stuck, count.launched), label, screen.width - _BAR)

    def _waves(self, room: int) -> list[RenderableType]:
        """Show the waves that matter now with what goes on in them, in at most `room` lines."""
        waves = self.execution.get("waves") or []
        below = [_below(self.screen, wave, self.now) for wave in waves]
        beneath = sum(map(len, below))
        fits = len(waves) + beneath <= room
        shown = range(len(waves)) if fits else _chosen(waves, max(_FEWEST_WAVES, room - min(beneath, room // 2)))
        left = [wave for at, wave in enumerate(waves) if at not in shown]
        more = [one_line(self.screen.text(_left_out(left), _QUIET))] if left else []
        rows = _shared(self.screen, [below[at] for at in shown], room - len(shown) - len(more))
        return [wave_table(self.screen, [waves[at] for at in shown], self.now, rows), *more]


def _chosen(waves: list[Wave], room: int) -> Sequence[int]:
    """Choose the waves to show when not all fit: those that run or failed, the next, and the last."""
    if len(waves) <= room:
        return range(len(waves))
    places = sorted(range(len(waves)), key=lambda at: (_URGENCY.get(str(waves[at].get("status")), _OVER), at))
    ended = [at for at in places if str(waves[at].get("status")) not in _URGENCY]
    wanted = [at for at in places if at not in ended] + ended[::-1]
    return sorted(wanted[: max(room - 1, 1)])  # a line says how many are left out


def _left_out(waves: list[Wave]) -> str:
    """Return how many waves are not shown, and how they stand."""
    counts = Counter(str(wave.get("status")).replace("_", " ").lower() for wave in waves)
    return f"… {len(waves)} more waves ({', '.join(f'{count} {word}' for word, count in counts.items())})"


def _below(screen: Screen, wave: Wave, now: datetime) -> Rows:
    """List what stands beneath a wave: its steps, and its servers while it runs."""
    steps = [
        (step.get("phase"), Row(one_line(step_name(screen, step)), badge(screen, step_display(step))))
        for step in wave.get("steps") or []
    ]
    before = [row for phase, row in steps if phase == _BEFORE]
    after = [row for phase, row in steps if phase != _BEFORE]
    if wave.get("endedAt") or not wave.get("startedAt"):
        return before + after
    return before + [_server_row(screen, server, now) for server in wave.get("servers") or []] + after


def _server_row(screen: Screen, server: Server, now: datetime) -> Row:
    name = Shortened(screen.text(server_label(server), _QUIET), screen.ascii_only)
    return Row(name, _launch(screen, server, now), _FIRST.get(_word(server), len(_FIRST)))


def _word(server: Server) -> str:
    return str(server.get("launchStatus") or LaunchStatus.PENDING)


def _launch(screen: Screen, server: Server, now: datetime) -> Text:
    """Return the launch status of a server; while it launches, its phase and the time in it."""
    word = _word(server)
    shown = _LAUNCHES.get(word, {"label": word, "color": "gray"})
    phase = phase_of(server, now) if word == LaunchStatus.IN_PROGRESS else None
    return badge(screen, {**shown, "label": phase} if phase else shown)


def _shared(screen: Screen, below: list[Rows], room: int) -> list[Rows]:
    """Give each wave its share of the lines that are left; one that needs more says how many are left out."""
    shares: dict[int, Rows] = {}
    hungry = sorted((at for at, rows in enumerate(below) if rows), key=lambda at: len(below[at]))
    for waiting, at in zip(range(len(hungry), 0, -1), hungry, strict=True):
        rows, share = below[at], max(room, 0) // waiting
        if len(rows) > share:
            left = len(rows) - share + 1
            more = Row(screen.text(f"… {left} more", _QUIET), Text())
            rows = [*_foremost(rows, share - 1), more] if share > 1 else []
        shares[at] = rows
        room -= len(rows)
    return [shares.get(at, []) for at in range(len(below))]


def _foremost(rows: Rows, most: int) -> Rows:
    """Choose the rows that matter most; each keeps its place among the others."""
    chosen = sorted(range(len(rows)), key=lambda at: (rows[at].rank, at))[:most]
    return [rows[at] for at in sorted(chosen)]


def wave_table(screen: Screen, waves: list[Wave], now: datetime, below: list[Rows]) -> Table:
    """Show waves in a table, each on one line with the rows `below` it."""
    table = plain_table(screen)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("Wave", min_width=11)  # the one that gives way; its texts are cut, not broken
    table.add_column("Status", no_wrap=True, min_width=19)
    table.add_column("Servers", justify="right", no_wrap=True)
    with_duration = screen.width >= _NARROW
    if with_duration:
        table.add_column("Duration", justify="right", no_wrap=True)
    for wave, rows in zip(waves, below, strict=True):
        count = count_servers([wave])
        row: list[RenderableType] = [
            screen.text(wave.get("waveNumber"), _QUIET),
            Shortened(screen.text(wave.get("name")), screen.ascii_only),
            one_line(badge(screen, wave.get("display") or {})),
            screen.text(f"{count.launched}/{count.total}", "red" if count.failed else ""),
        ]
        if with_duration:
            row.append(screen.text(wave_time(wave, now)))
        table.add_row(*row)
        for beneath in rows:
            table.add_row("", beneath.name, one_line(beneath.status))
    return table
