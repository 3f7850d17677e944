"""What a command printed, a page at a time."""

from __future__ import annotations

from typing import NamedTuple


class OutputPage(NamedTuple):
    """Lines of one stream, each with its moment in milliseconds, and where the next ones begin."""

    lines: tuple[tuple[int, str], ...]
    token: str | None
