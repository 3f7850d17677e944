"""Executions as people see them. Pure: an execution, a screen and the time in, something that rich can print out.

Statuses are labelled, coloured and marked as the API's `display` says; nothing here knows what a status means.
No line has a right edge: terminals disagree about the width of ⚠️ and 🛑, and a ragged frame helps nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from wavebreak.domain.executions.views.next_steps import held_open_by, next_steps
from wavebreak.execution_utils import TerminationStatus
from wavebreak.timing import duration
from wavebreak_cli.client.answers import members, names_in
from wavebreak_cli.views.change_lines import terminated_count
from wavebreak_cli.views.check_lines import check_lines
from wavebreak_cli.views.clocks import clocks
from wavebreak_cli.views.named_list import named_list
from wavebreak_cli.views.phases import server_label, silence, with_names
from wavebreak_cli.views.step_lines import step_display, step_name
from wavebreak_cli.views.terminal import elapsed, style_of, when
from wavebreak_cli.views.waiting import approvals_given, paused_by, waiting_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from rich.console import Console, ConsoleOptions, RenderableType

    from wavebreak.domain.executions.views.next_steps import Step
    from wavebreak_cli.client.answers import Display, Execution, InstanceLeft, Server, Wave
    from wavebreak_cli.views.terminal import Screen

_MOST_FAILURES: Final = 8
_LONGEST_BAR: Final = 60
_STEP_EDGES: Final = 7
"""Columns that a next step has beside its command and its purpose: an indent, a gap, and two that stay free."""
_ASCII_BOX: Final = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_QUIET: Final = "bright_black"


@dataclass(frozen=True, slots=True)
class Barred:
    """Content with a coloured bar at its left."""

    content: RenderableType
    style: str
    glyph: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Render the content two cells narrower, each line behind the bar."""
        narrower = options.update(width=max(options.max_width - 2, 1), height=None)
        bar = Segment(f"{self.glyph} ", Style.parse(self.style))
        for rendered in console.render_lines(self.content, narrower, pad=False):
            yield bar
            yield from rendered
            yield Segment.line()


@dataclass(frozen=True, slots=True)
class ServerCounts:
    """Servers of an execution or a wave, counted by how their launch went."""

    launched: int
    failed: int
    total: int


def count_servers(waves: Iterable[Wave]) -> ServerCounts:
    """Count the servers of some waves."""
    words = [server.get("launchStatus") for wave in waves for server in wave.get("servers") or []]
    return ServerCounts(words.count("LAUNCHED"), words.count("FAILED"), len(words))


def badge(screen: Screen, display: Display) -> Text:
    """Show a status as icon and label, in its colour."""
    return screen.text(f"{display.get('icon', '')} {display.get('label', '')}".strip(), style_of(display))


def card(screen: Screen, execution: Execution, now: datetime, *, bar: bool = False) -> RenderableType:
    """Show the execution card: plan, status, waves, duration, and what can be done next."""
    display = execution.get("display") or {}
    lines: list[RenderableType] = [
        _labelled(screen, "Recovery Plan", screen.text(execution.get("planName") or execution.get("planId"), "bold")),
        _labelled(screen, "Status", _status(screen, display)),
        _labelled(screen, "Execution", _named(screen, execution)),
    ]
    if execution.get("reason"):
        lines.append(_labelled(screen, "Reason", screen.text(execution["reason"])))
    lines += [Text(), _card_waves(screen, execution, now), Text()]
    took = elapsed(execution.get("startedAt"), execution.get("endedAt"), execution.get("durationSeconds"), now)
    lines.append(
        _labelled(screen, "Duration", screen.text(f"{duration(took)} (started {when(execution.get('startedAt'))})"))
    )
    running_clocks = clocks(execution, now)
    if running_clocks:
        lines.append(_labelled(screen, "Clocks", screen.text(" · ".join(running_clocks))))
    judged = execution.get("verdict")
    if judged:
        lines.append(_labelled(screen, "Verdict", screen.text(verdict_text(judged))))
    lines += _lease_lines(screen, execution)
    lines += [_labelled(screen, *line) for line in _said(screen, execution)]
    old = silence(execution, now)
    if old:
        lines.append(_labelled(screen, "Old", screen.text(old, "dark_orange")))
    jobs = held_open_by(execution)
    if jobs:
        lines.append(_labelled(screen, "Waits for", screen.text(f"the end of {', '.join(jobs)}")))
    lines += [*warning_lines(screen, execution), *troubles(screen, execution), *check_lines(screen, execution)]
    lines += termination_lines(screen, execution)
    content = Group(*lines)
    above = Barred(content, style_of(display), screen.plain("┃")) if bar else content
    return Group(above, *next_lines(screen, execution))


def verdict_text(judged: Mapping[str, Any]) -> str:
    """Return how an execution was judged, by whom and with which notes."""
    notes = f": {judged['notes']}" if judged.get("notes") else ""
    return f"{judged.get('verdict')} by {judged.get('by')}{notes}"


def _said(screen: Screen, execution: Execution) -> Iterator[tuple[str, Text]]:
    """Yield whom it waits for, its recovery point, who approved waves, and who cancelled it, when and why."""
    waits = waiting_for(execution)
    if waits:
        yield "Waits for you", screen.text(waits, "bold dark_orange")
    if execution.get("before"):
        yield "Comes from", screen.text(f"recovery points not later than {when(execution['before'])}")
    yield from ((label, screen.text(text)) for label, text in approvals_given(execution))
    if "OPERATOR" in (execution.get("pausedBy") or ()) and "FAILURE" in (execution.get("pausedBy") or ()):
        yield "Paused", screen.text(paused_by(execution))
    cancel = execution.get("cancel")
    if cancel:
        then = ", then its instances are terminated" if cancel.get("then") == "TERMINATE" else ""
        why = f": {cancel['reason']}" if cancel.get("reason") else ""
        yield "Cancelled by", screen.text(f"{cancel.get('actor')} at {when(cancel.get('at'))}{then}{why}")


def _named(screen: Screen, execution: Execution) -> Text:
    """Name an execution and its mode: `(DRILL)`, and RECOVERY where nobody misses it."""
    mode = execution.get("mode")
    label = screen.text(f"({mode})") if mode != "RECOVERY" else screen.mode(mode)
    return Text.assemble(screen.text(execution.get("executionId")), " ", label)


def _lease_lines(screen: Screen, execution: Execution) -> list[RenderableType]:
    """Return how long a drill's instances stay, until their termination was asked for."""
    lease = execution.get("lease")
    asked = (execution.get("termination") or {}).get("status", TerminationStatus.NOT_REQUESTED)
    if not lease or asked != TerminationStatus.NOT_REQUESTED:
        return []
    expires = lease.get("expiresAt")
    until = f"until {when(expires)}" if expires else f"{lease.get('minutes')} minute(s) from its end on"
    return [_labelled(screen, "Lease", screen.text(until))]


def _labelled(screen: Screen, label: str, value: Text) -> Text:
    return Text.assemble((screen.plain(label) + ": ", "default"), value, overflow="fold")


def _status(screen: Screen, display: Display) -> Text:
    style = style_of(display)
    return screen.text(f"{display.get('label', '')} {display.get('icon', '')}".strip(), f"bold {style}")


def _card_waves(screen: Screen, execution: Execution, now: datetime) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(5):
        grid.add_column(overflow="fold")
    for wave in execution.get("waves") or []:
        count = count_servers([wave])
        grid.add_row(
            screen.text(f"Wave {wave.get('waveNumber')}:"),
            _status(screen, wave.get("display") or {}),
            screen.text(wave.get("name")),
            screen.text(f"{count.launched} of {count.total} servers", _QUIET),
            screen.text(wave_time(wave, now), _QUIET),
        )
        for attempt in (wave.get("attempts") or []) if len(wave.get("attempts") or []) > 1 else []:
            grid.add_row("", *_attempt(screen, attempt, now))
        for step in wave.get("steps") or []:
            grid.add_row("", _status(screen, step_display(step)), step_name(screen, step))
    return grid


def _attempt(screen: Screen, attempt: Mapping[str, Any], now: datetime) -> tuple[Text, Text]:
    """Return one of several attempts of a wave: its outcome and duration, its start, and why it failed."""
    took = duration(elapsed(attempt.get("startedAt"), attempt.get("endedAt"), None, now))
    word = str(attempt.get("status")).replace("_", " ").lower()
    why = f": {attempt['error']}" if attempt.get("error") else ""
    label = screen.text(f"attempt {attempt.get('attempt')}: {word} {took}", _QUIET)
    return label, screen.text(f"{when(attempt.get('startedAt'))[11:]}{why}", _QUIET)


def wave_time(wave: Wave, now: datetime) -> str:
    """Return how long a wave took or has been taking."""
    return duration(elapsed(wave.get("startedAt"), wave.get("endedAt"), wave.get("durationSeconds"), now))


def troubles(
    screen: Screen, execution: Execution, *, most: int = _MOST_FAILURES, whole: bool = True
) -> list[RenderableType]:
    """Show the errors of waves and then of servers, each list only if there is one.

    At most so many of each; messages are `whole`, or cut to the line that they are on.
    """
    waves = execution.get("waves") or []
    wave_errors: list[tuple[object, object]] = [
        (f"wave {wave.get('waveNumber')} {wave.get('name')}", wave["error"]) for wave in waves if wave.get("error")
    ]
    server_errors: list[tuple[object, object]] = [
        (server_label(server), _failure(server, wave))
        for wave, server in members(execution)
        if server.get("launchStatus") == "FAILED"
    ]
    return [
        *named_list(screen, "Wave errors", wave_errors, most, "see them with --json", whole=whole),
        *named_list(screen, "Failed servers", server_errors, most, "see them with --servers", whole=whole),
    ]


def warning_lines(screen: Screen, execution: Execution, *, most: int = _MOST_FAILURES) -> list[RenderableType]:
    """Return the lines of the API's warnings, a limited number."""
    entries: list[tuple[object, object]] = []
    names = names_in(execution)
    for warning in execution.get("warnings") or []:
        wave, server = warning.get("waveNumber"), warning.get("sourceServerId")
        about = with_names(server, names) if server else f"wave {wave}" if wave is not None else "the run"
        entries.append((about, with_names(warning.get("message") or "", names)))
    return named_list(screen, "Warnings", entries, most, "see them with --json", mark=("!", "dark_orange"))


def _failure(server: Server, wave: Wave) -> str:
    optional = ", optional" if server.get("impact") == "OPTIONAL" else ""
    return f"wave {wave.get('waveNumber')}{optional}: {server.get('error') or 'no reason given'}"


def termination_lines(screen: Screen, execution: Execution, *, most: int = _MOST_FAILURES) -> list[RenderableType]:
    """Show how far the termination got, with what is left and why, at most so many; or that there can be one."""
    termination = execution.get("termination") or {}
    status = termination.get("status") or "NOT_REQUESTED"
    if status != "NOT_REQUESTED":
        label = f"{status.replace('_', ' ')} ({terminated_count(termination)})"
        head: list[RenderableType] = [Text(), _labelled(screen, "Termination", screen.text(label))]
        names = names_in(execution)
        left: list[tuple[object, object]] = [
            (_left_name(entry, names), _why_left(entry, word))
            for word, entries in (("", termination.get("remaining")), ("unknown: ", termination.get("unknown")))
            for entry in entries or []
            if entry.get("reason") or status == "INCOMPLETE"
        ]
        whole = status == "INCOMPLETE"
        return [*head, *named_list(screen, "Not terminated", left, most, "see them with --json", whole=whole)]
    if (execution.get("terminationMetadata") or {}).get("canTerminate"):
        loud = "bold dark_orange" if execution.get("mode") != "RECOVERY" else _QUIET
        return [Text(), screen.text("[terminate available]", loud)]
    return []


def _left_name(entry: InstanceLeft, names: Mapping[str, str]) -> str:
    """Name an instance by its server's name, if that has one, and its id."""
    name = names.get(str(entry.get("sourceServerId")))
    return " ".join(filter(None, (name, entry.get("recoveryInstanceId") or entry.get("sourceServerId"))))


def _why_left(entry: InstanceLeft, word: str) -> str:
    return f"{word}{entry.get('reason') or 'no reason given'}"


def next_lines(screen: Screen, execution: Execution, *, but: str = "") -> list[RenderableType]:
    """Return the commands that can be run now, `but` those for one purpose."""
    steps = [step for step in next_steps(execution) if step.purpose != but]
    if not steps:
        return []
    column = max(len(step.command) for step in steps)
    in_line = column + max(len(step.purpose) for step in steps) + _STEP_EDGES <= screen.width
    lines: list[RenderableType] = [Text(), screen.text("Next", "bold")]
    for step in steps:
        command = screen.text(f"  {step.command}", "cyan")
        gap = " " * (column - len(step.command) if in_line else 0) + "   "
        fits = len(step.command) + len(step.purpose) + _STEP_EDGES <= screen.width
        purpose = screen.text(f"{gap}{step.purpose}" if fits else f"      {step.purpose}", _QUIET)
        lines.append(Text.assemble(command, purpose) if fits else command)
        if not fits and _ends_recovered_servers(execution, step):
            lines.append(purpose)
    return lines


def _ends_recovered_servers(execution: Execution, step: Step) -> bool:
    """Return whether a command must not be copied by somebody who was not told what it does."""
    return execution.get("mode") == "RECOVERY" and step.command.startswith("wavebreak terminate ")


def progress(screen: Screen, count: ServerCounts, width: int) -> Text:
    """Draw the servers as a bar: launched, failed, to come, and the numbers behind it."""
    label = f"{count.launched} of {count.total} servers launched"
    if count.failed:
        label += f" · {count.failed} failed"
    return progress_bar(screen, (count.launched, count.failed, count.total), label, width)


def progress_bar(screen: Screen, parts: tuple[int, int, int], label: str, width: int) -> Text:
    """Draw how many were done, how many failed and how many there are as a bar, with its label behind."""
    done, broken, total = parts
    cells = max(10, min(_LONGEST_BAR, width - len(label) - 3))
    succeeded, failed = (cells * part // max(total, 1) for part in (done, broken))
    failed = max(failed, 1) if broken else 0
    succeeded = min(succeeded, cells - failed)
    glyphs = ("=", "x", "-") if screen.ascii_only else ("━", "━", "━")
    bar = Text.assemble(
        (glyphs[0] * succeeded, "green"),
        (glyphs[1] * failed, "red"),
        (glyphs[2] * (cells - succeeded - failed), "grey37"),
    )
    return Text.assemble(bar, "  ", screen.text(label))


def plain_table(screen: Screen) -> Table:
    """Make a table in the style of all of them: one line under the headings, no frame."""
    return Table(
        box=_ASCII_BOX if screen.ascii_only else box.SIMPLE_HEAD,
        header_style=_QUIET,
        border_style="grey37",
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )


def listing(screen: Screen, *headings: str, foldable: Collection[str] = ()) -> Table:
    """Make an empty table; only its `foldable` columns become narrower and higher when there is no room."""
    table = plain_table(screen)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading not in foldable)
    return table
