"""What services say of a server, kept so that it fits the table: what is cut says so."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 1000
"""Characters that are kept of what is said of one server (contract 4)."""


def kept(words: str, rest: str | None = None, longest: int = LONGEST) -> str:
    """Keep words whole, or cut them and say so; `rest` says where all of them are to be read."""
    if len(words) <= longest:
        return words
    mark = f" … (cut; {rest} has all {len(words):,} characters)" if rest else " … (cut)"
    return words[: longest - len(mark)] + mark
