"""Text from elsewhere made harmless: the one place that knows which characters could act on whatever shows them. Pure.

Messages, mail, pages, the output of commands and the terminal of the command line all ask here; what differs is how
each shows such a character: escaped, or as a blank. Names that hold one are refused.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

_ACTING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what acts: controls, formats (marks that turn the direction of a line, zero-width characters,
tags), halves of surrogate pairs, and separators that break a line."""
_UNKNOWN: Final = frozenset({"Co", "Cn"})
"""What only some fonts, or later versions of Unicode, know."""
_HIDDEN: Final = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
        *range(0xE0000, 0xE0100),
        *range(0xE01F0, 0xE1000),
    }
)
"""What Unicode has ignored by default and no category tells: fillers and joiners that take no room, or show nothing."""
_NO_CHARACTERS: Final = range(0xFDD0, 0xFDF0)
_PICTOGRAPHS: Final = range(0x1F000, 0x1FB00)
"""Set aside for emoji: one that this Python does not know yet is harmless nevertheless."""
_JOINER: Final = "\u200d"
_JOINING: Final = re.compile(
    "(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
)
"""Makes one emoji of two, and is a part of it; anywhere else it hides."""
_KEPT: Final = frozenset("\n\t")
_BREAKS: Final = frozenset("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
_MOST_NAMED: Final = 3


@lru_cache(maxsize=4096)
def acts(character: str) -> bool:
    """Return whether a character could act on what shows it, break or turn a line, hide in it, or is not known."""
    unknown = unicodedata.category(character) in _UNKNOWN and ord(character) not in _PICTOGRAPHS
    return unknown or _never_in_a_name(character)


@lru_cache(maxsize=4096)
def _never_in_a_name(character: str) -> bool:
    """Return whether a character acts or hides, or is set aside for ever to be none (U+FFFE)."""
    code = ord(character)
    no_character = code & 0xFFFE == 0xFFFE or code in _NO_CHARACTERS  # noqa: PLR2004  the last two of each plane
    return no_character or code in _HIDDEN or unicodedata.category(character) in _ACTING


def _acting_in(text: str) -> set[str]:
    """Return the characters of a text that act."""
    return {character for character in set(text) if acts(character)}


def _escaped(character: str) -> str:
    r"""Write a character as its escape: `\x1b`, `\u202e`."""
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def displayed(text: str) -> str:
    r"""Show a text of many lines: what acts is escaped (`\x1b`).

    Newlines and tabs stay; a carriage return stays only as part of a Windows line end, which becomes a newline.
    """
    text = text.replace("\r\n", "\n")
    return _with(text, {character: _escaped(character) for character in _acting_in(text) - _KEPT})


def displayed_line(text: str) -> str:
    r"""Show a text on one line: newlines and tabs are escaped too."""
    return displayed(text).replace("\n", "\\n").replace("\t", "\\t")


def displayed_words(text: str) -> str:
    """Show a text on one line as words: any white space is a blank, what else acts is escaped."""
    shown = {character: " " if character.isspace() else _escaped(character) for character in _acting_in(text)}
    return _with(text, shown | {character: " " for character in set(text) if character.isspace()})


def flattened(text: str) -> str:
    """Show a text on one line with a blank in place of each character that acts; emoji stay as they are."""
    blanks = dict.fromkeys(_acting_in(text), " ")
    return _JOINER.join(_with(part, blanks) for part in _JOINING.split(text))


def as_json(document: Any) -> str:
    """Write JSON that is readable and holds nothing that acts: such characters of its strings are escaped.

    A parser reads it unchanged.
    """
    text = json.dumps(document, ensure_ascii=False)
    return _with(text, {character: _json_escape(character) for character in _acting_in(text)})


def fault_of_name(name: str) -> str | None:
    """Return what keeps a text from being a name or a description, which have one line and nothing hidden in it."""
    acting = {character for character in set(_JOINING.sub("", name)) if _never_in_a_name(character)}
    if acting & _BREAKS:
        return "must be one line, without line breaks"
    if not acting:
        return None
    named = [_named(character) for character in sorted(acting, key=name.index)]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    listed = ", ".join(named[:_MOST_NAMED]) + more
    return f"must not hold control, direction or hidden characters: {listed}"


def _named(character: str) -> str:
    """Name a character that cannot be shown: `U+202E (right-to-left override)`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _with(text: str, shown: dict[str, str]) -> str:
    return text.translate({ord(character): instead for character, instead in shown.items()}) if shown else text
