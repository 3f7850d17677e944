"""Command runs as people see them. Pure: a reading and a screen in, something that rich can print out.

What targets wrote is only ever shown escaped: nothing of it can act on the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from wavebreak.domain.commands.catalogue import CommandName
from wavebreak.domain.commands.result_text import FAILED, SUCCEEDED, error_text, progress_text, result_text
from wavebreak.domain.commands.results import FailureKind
from wavebreak.timing import duration
from wavebreak.values import replace
from wavebreak_cli.views.execution_card import progress_bar
from wavebreak_cli.views.terminal import elapsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak.domain.commands.results import ExecutionResult
    from wavebreak_cli.client.answers import CommandLine, CommandRun
    from wavebreak_cli.client.command_runs import Entry, RunReading
    from wavebreak_cli.views.terminal import Screen

_QUIET: Final = "bright_black"
_LONGEST_ERROR: Final = 200
_HEIGHT_BESIDE: Final = 8
"""Lines of the live view that are no results."""


def arrival(screen: Screen, result: ExecutionResult) -> Text:
    """Return the line of a target that has ended: `✓ target  1s`, or `✗ target  2s: the error's first line`."""
    mark = screen.text(f"{SUCCEEDED if result.success else FAILED} ", "green" if result.success else "red")
    took = "" if result.duration_seconds is None else f"  {duration(result.duration_seconds)}"
    error = "" if result.success else f": {error_text(result).strip().partition(chr(10))[0][:_LONGEST_ERROR]}"
    return Text.assemble(
        mark, screen.text(result.target), screen.text(took, _QUIET), screen.text(error), overflow="fold"
    )


def announcement(screen: Screen, number: int, total: int, target: str) -> Text:
    """Return where a sequential run is: `[2/3] target`."""
    return screen.text(progress_text(number, total, target), "bold")


def watched(screen: Screen, line: CommandLine) -> Text:
    """Show a line of a watched target behind `[target]`; one that holds line breaks is several."""
    prefix = screen.plain(f"[{line.get('target')}] ")
    text = screen.block((line.get("line") or "").removesuffix("\n"))
    rows = [Text.assemble((prefix, "cyan"), row) for row in text.split("\n")]
    return Text("\n").join(rows)


def outcome(screen: Screen, reading: RunReading) -> list[Text]:
    """Return the outcome of a run: its results in the given order, the rows of a query, and the summary."""
    match reading.run.get("command"):
        case CommandName.QUERY:
            blocks = [*_merged(screen, reading.run), *_failures(screen, reading.entries)]
        case CommandName.WATCH:
            blocks = _failures(screen, [entry for entry in reading.entries if not _was_cancelled(entry)])
        case _:
            blocks = [_result(screen, entry.result) for entry in reading.entries]
    parted = [block for pair in ((Text(), block) for block in blocks) for block in pair]
    return [*parted, Text(screen.block(reading.run.get("summary") or ""))]


def _result(screen: Screen, result: ExecutionResult) -> Text:
    head, *rest = screen.block(result_text(result)).split("\n")
    return Text("\n").join([Text(head, "bold green" if result.success else "bold red"), *map(Text, rest)])


def _failures(screen: Screen, entries: Iterable[Entry]) -> list[Text]:
    """Show why targets failed, without what they printed: it is reported elsewhere, or part of no answer."""
    return [_result(screen, replace(entry.result, stdout="")) for entry in entries if not entry.result.success]


def _was_cancelled(entry: Entry) -> bool:
    """Return whether a target was only stopped: of a watch, that is how it ends when somebody has seen enough."""
    return entry.result.failure_kind is FailureKind.CANCELLED


def _merged(screen: Screen, run: CommandRun) -> list[Text]:
    """Show the rows of a query, best first: score, target, text."""
    notes = [screen.text(f"… {note}", _QUIET) for note in _missing(run)]
    rows = [
        (f"{row.get('score', 0):g}", screen.plain(row.get("target")), screen.plain(row.get("text")))
        for row in run.get("merged") or []
    ]
    if not rows:
        return [Text("\n").join([screen.text("no rows", _QUIET), *notes])]
    scores, targets = (max(len(row[at]) for row in rows) for at in (0, 1))
    shown = [
        Text.assemble((score.rjust(scores), "bold"), "  ", (target.ljust(targets), "cyan"), "  ", text)
        for score, target, text in rows
    ]
    return [Text("\n").join([*shown, *notes])]


def _missing(run: CommandRun) -> Iterator[str]:
    """Tell what a merge is without: an answer that looks whole and is not misleads."""
    if left_out := run.get("mergeLeftOut"):
        yield f"{left_out} more rows found no room"
    if cut := run.get("mergeTruncated"):
        yield f"{cut} target(s) printed more than Systems Manager returns: rows may be missing, the best ones too"
    if skipped := run.get("mergeSkipped"):
        yield f"{skipped} line(s) were no rows"


def live(
    screen: Screen,
    reading: RunReading,
    arrived: Sequence[ExecutionResult],
    running: Text | None,
    now: datetime,
    height: int,
) -> RenderableType:
    """Show a run that goes on: how far it is, the latest results in the order of their arrival, and what runs now."""
    run = reading.run
    took = duration(elapsed(run.get("startedAt"), None, None, now))
    title = Text.assemble(
        screen.text(run.get("command"), "bold"), screen.text(f"  {run.get('status')}  {run.get('commandId')}", _QUIET)
    )
    succeeded = sum(result.success for result in arrived)
    failed = len(arrived) - succeeded
    waiting = run.get("waiting") or 0
    notes = [f" · {failed} failed" if failed else "", f" · {waiting} waited for" if waiting else ""]
    label = f"{len(arrived)} of {run.get('total', 0)} targets{''.join(notes)}  {took}"
    bar = progress_bar(screen, (succeeded, failed, run.get("total", 0)), label, screen.width)
    room = max(height - _HEIGHT_BESIDE, 1)
    lines: list[RenderableType] = [arrival(screen, result) for result in arrived[-room:]]
    if len(arrived) > room:
        lines.insert(0, screen.text(f"… {len(arrived) - room} before", _QUIET))
    if running is not None:
        lines.append(running)
    for line in lines:
        if isinstance(line, Text):
            line.no_wrap, line.overflow = True, "ellipsis"
    return Group(title, bar, Text(), *lines)
