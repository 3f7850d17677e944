"""How things look on this terminal: colours, glyphs, and text from elsewhere made harmless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from wavebreak.harmless_text import displayed, displayed_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from wavebreak_cli.client.answers import Display

_STYLES: Final[Mapping[str, str]] = {
    "green": "green",
    "orange": "dark_orange",
    "red": "red",
    "blue": "dodger_blue1",
    "gray": "bright_black",
}
"""The API's colours as this terminal's; blue and gray are chosen to be readable on black and on white."""

_ASCII: Final = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "⚠": "!",
        "🛑": "#",
        "⟳": "~",
        "⊘": "-",
        "○": ".",
        "↷": ">",
        "⏸": "=",
        "\N{VARIATION SELECTOR-16}": "",
        "━": "=",
        "┃": "|",
        "·": "-",
        "•": "*",
        "\N{EN DASH}": "-",
        "…": "...",
    }
)
LOUD: Final = "bold white on red"
"""Style of the word RECOVERY: whoever has two windows open sees which of them is production."""
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Screen:
    """Width in cells, and whether only ASCII can be shown."""

    width: int = 80
    ascii_only: bool = False

    @classmethod
    def of(cls, console: Console) -> Screen:
        """See what a console can show."""
        return cls(console.width, not console.encoding.lower().startswith("utf"))

    def plain(self, value: object) -> str:
        """Make text safe to show: one line, control and direction characters escaped, cut if it is endless."""
        return self._encodable(harmless(value))

    def block(self, text: str) -> str:
        """Make a text of many lines safe to show: its lines and tabs stay, other control characters are escaped."""
        return self._encodable(displayed(text))

    def _encodable(self, text: str) -> str:
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode() if self.ascii_only else text

    def mode(self, value: object) -> Text:
        """Make the word of an execution's mode: RECOVERY is loud, DRILL quiet."""
        return self.text(f" {value} ", LOUD) if value == "RECOVERY" else self.text(value, "bright_black")

    def text(self, value: object, style: str = "") -> Text:
        """Make a text that shows exactly `value`: rich markup in it is never obeyed."""
        return Text(self.plain(value), style=style, overflow="fold")


def one_line(text: Text) -> Text:
    """Have a text cut, where there is no room for it, instead of broken into lines."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def harmless(value: object) -> str:
    """Escape whatever could act on a terminal or reorder a line; any white space becomes a blank."""
    text = "" if value is None else str(value)
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + " … " + text[-_LONGEST // 2 :]
    return displayed_words(text)


def style_of(display: Display) -> str:
    """Name the terminal style of a status's colour; an unknown colour is the terminal's own."""
    return _STYLES.get(str(display.get("color")), "default")


def moment(text: object) -> datetime | None:
    """Read a time of the API; None for a missing or odd one."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def when(text: object) -> str:
    """Write a time of the API for people, in UTC: `2026-11-21 12:03:04Z`."""
    at = moment(text)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at else "\N{EN DASH}"


def elapsed(started: object, ended: object, given: float | None, now: datetime) -> float | None:
    """Return the seconds that something took, or has taken so far; `given` is the API's value."""
    begin = moment(started)
    if begin is None:
        return None
    if given is not None and ended:
        return given
    return ((moment(ended) or now) - begin).total_seconds()
