"""How much an answer of a function holds: what is stored is read out in pages of that size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.store.table import Item

_PAGE_BYTES: Final = 4_000_000
"""Of an answer of a function, which may have six million, what a page of large items takes."""


def answer_size(shown: Any) -> int:
    """Count what something takes of an answer of a function: JSON that is a string in JSON."""
    return text_size(json.dumps(shown, ensure_ascii=False))


def text_size(text: str) -> int:
    """Count what a text takes of an answer of a function: a string in JSON."""
    return len(json.dumps(text))


def room_for(shown: Callable[[Item], Any]) -> Callable[[Item], bool]:
    """Return a function that decides for each item of a page in turn (`Table.page`) whether the answer has room."""
    size = 0

    def fits(item: Item) -> bool:
        nonlocal size
        size += answer_size(shown(item))
        return size <= _PAGE_BYTES

    return fits
