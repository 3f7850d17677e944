"""Faults of a document: where each is (a JSON pointer, RFC 6901), and what it says. Pure.

Free of pydantic, so that code which only names faults does not pay for its import.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from wavebreak.harmless_text import displayed_line
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Location: TypeAlias = tuple[int | str, ...]

MAX_DEPTH: Final = 32
"""Lists and objects inside one another that a document may have; a plan needs 7."""

TOO_DEEP: Final = f"more than {MAX_DEPTH} lists and objects inside one another"

_SHOWN: Final = 60
_NO_BREAK_SPACE: Final = r"(\xa0 is a no-break space, which looks like a blank)"
_SHOWN_BITS: Final = 64
_KINDS: Final[Mapping[type, str]] = {list: "a list", tuple: "a list", dict: "an object"}


class DocumentFault(Value):
    """One thing that is wrong: `pointer` says where (the empty pointer is the whole document)."""

    pointer: str
    message: str


def json_pointer(location: Iterable[int | str]) -> str:
    """Write a location, outermost member first, as a JSON pointer: `("a/b", 0)` is `/a~1b/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def quoted(value: object) -> str:
    """Show a value in a message: short, on one line, with whatever cannot be printed escaped.

    Lists and objects are only named: their insides can be of any size and depth.
    """
    if isinstance(value, str):
        shown = displayed_line(repr(value[:_SHOWN])) + ("…" if len(value) > _SHOWN else "")
        return f"{shown} {_NO_BREAK_SPACE}" if "\xa0" in value[:_SHOWN] else shown
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return f"a number of more than {_SHOWN_BITS} bits"
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


class PlanInvalidError(ValueError):
    """A document is no valid plan; `problems` lists everything wrong with it, in the order of the document."""

    def __init__(self, problems: tuple[DocumentFault, ...]) -> None:
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in problems))
        self.problems = problems
