"""Lists of what something is about and what is said of it, and names that give way in the middle. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from wavebreak_cli.views.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType

    from wavebreak_cli.views.terminal import Screen

_QUIET: Final = "bright_black"
_MARKED: Final = 4
"""Columns before a name: an indent, its mark and a blank."""
_ID: Final = 19
"""Columns of a source server's or an instance's id, which stands at the end of a name."""
_FEWEST: Final = 11
_GAP: Final = "…"


@dataclass(frozen=True, slots=True)
class Shortened:
    """A name on one line. Where there is no room it loses its middle: its end is what distinguishes it from others."""

    text: Text
    ascii_only: bool = False

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Take as much as the name needs, and do with less."""
        return Measurement(min(self.text.cell_len, _FEWEST), self.text.cell_len)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw as much of the name as there is room for."""
        gap = "..." if self.ascii_only else _GAP
        fitting = shortened(self.text.plain, options.max_width, gap)
        yield self.text if fitting == self.text.plain else one_line(Text(fitting, self.text.style))


def shortened(name: str, room: int, gap: str = _GAP) -> str:
    """Shorten a name to so many cells by cutting its middle; an id at its end is kept while there is room."""
    if cell_len(name) <= room:
        return name
    end = (
        name[-_ID - 1 :]
        if _ends_with_id(name) and room > _ID + 1 + len(gap)
        else _last_cells(name, (room - len(gap)) // 2)
    )
    head = max(room - len(gap) - cell_len(end), 0)
    return f"{set_cell_size(name, head).rstrip()}{gap}{end}" if head else set_cell_size(name, room)


def _ends_with_id(name: str) -> bool:
    word = name.rpartition(" ")[2]
    return len(word) == _ID and word[:2] in {"s-", "i-"}


def _last_cells(name: str, room: int) -> str:
    at = len(name)
    while at > 0 and cell_len(name[at - 1 :]) <= room:
        at -= 1
    return name[at:]


def named_list(
    screen: Screen,
    title: str,
    entries: Sequence[tuple[object, object]],
    most: int,
    rest: str,
    *,
    whole: bool = True,
    mark: tuple[str, str] = ("✗", "red"),
) -> list[RenderableType]:
    """List what something is about and what is said of it, each behind a mark in its style, at most so many.

    Where the longest name takes more than half of a line, what is said stands beneath the names. `rest` says where the
    others are; what is said is `whole`, or cut to the line that it is on.
    """
    if not entries:
        return []
    glyph, style = mark
    shown = [
        (screen.text(f"  {glyph} ", style) + screen.text(name), screen.text(message))
        for name, message in entries[:most]
    ]
    beneath = max(name.cell_len for name, _ in shown) > screen.width // 2
    left = len(entries) - most
    more = [screen.text(f"    … {left} more, {rest}", _QUIET)] if left > 0 else []
    drawn = _beneath(screen, shown, whole=whole) if beneath else _beside(shown, whole=whole)
    return [Text(), screen.text(title, "bold"), drawn, *more]


def _beside(shown: Sequence[tuple[Text, Text]], *, whole: bool) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in shown:
        grid.add_row(name, text if whole else one_line(text))
    return grid


def _beneath(screen: Screen, shown: Sequence[tuple[Text, Text]], *, whole: bool) -> RenderableType:
    lines: list[RenderableType] = []
    for name, text in shown:
        indented = Table.grid(padding=0)
        indented.add_column(width=_MARKED)
        indented.add_column(overflow="fold")
        indented.add_row("", text if whole else one_line(text))
        lines += [Shortened(name, screen.ascii_only), indented]
    return Group(*lines)
