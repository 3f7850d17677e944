"""HTML and SVG built of elements, in which text cannot be anything but text.

Whatever is not `Html` already is escaped where it goes in; controls, direction marks and lone surrogates are shown
escaped too, as everywhere else that text from outside is shown (S1-12).
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Final

from wavebreak.harmless_text import displayed, displayed_line

_NO_END: Final = frozenset({"meta", "br", "hr", "link"})
_PLAIN: Final = re.compile(r"[ -~]*")
"""What needs no look at its characters: nearly every text of a report."""
_WIDE: Final = frozenset("WF")


class Html(str):  # noqa: SLOT000  a str has no slots to save
    """Text that is HTML already."""


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """Make an element. Children that are not `Html` become text; None and attributes that are None are left out.

    An attribute's name is written with hyphens for underscores, and without one at its end (`class_`).
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_line(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _NO_END:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(*children)}</{name}>")


def joined(*children: object) -> Html:
    """Return elements and texts one after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children if child is not None))


def text(value: object) -> Html:
    """Make a text of one line."""
    return Html(escape(_line(str(value)), quote=False))


def lines(value: object) -> Html:
    """Make a text that keeps its lines."""
    return Html(escape(displayed(str(value)), quote=False))


def shortened(value: object, cells: int) -> str:
    """Cut a text to so many cells, emoji and CJK taking two, with an ellipsis at the end of what was cut."""
    line = _line(str(value))
    room = cells
    for position, character in enumerate(line):
        room -= 2 if unicodedata.east_asian_width(character) in _WIDE else 1
        if room < 0 or (room == 0 and position + 1 < len(line)):
            return line[:position] + "…"
    return line


def _line(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else displayed_line(value)
