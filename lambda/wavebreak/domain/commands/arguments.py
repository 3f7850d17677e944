"""Arguments of a forwarded command: what they may be, and how they travel.

Requirement S1-9: arguments cannot inject. They travel as one string of letters, digits and `+ / = .` and spaces, in
which no shell finds anything to obey; only on the target are they decoded, each into one word of the argument list.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.catalogue import MAX_ARGUMENT_CHARACTERS, MAX_ARGUMENTS
from wavebreak.json_pointers import DocumentFault, json_pointer, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENCODED_ARGUMENTS_PATTERN: Final = r"^(\.[A-Za-z0-9+/=]*( \.[A-Za-z0-9+/=]*)*)?$"
"""What the parameter of the SSM document must match; an allowedPattern there."""


def argument_problems(args: object, pointer: str = "/args") -> tuple[DocumentFault, ...]:
    """List every fault of arguments as JSON gave them, with its place; an empty list if they may be forwarded."""
    if not isinstance(args, (list, tuple)):
        return (DocumentFault(pointer, f"must be a list, not {quoted(args)}"),)
    return tuple(_problems(args, pointer))


def _problems(args: Sequence[object], pointer: str) -> Iterator[DocumentFault]:
    if len(args) > MAX_ARGUMENTS:
        yield DocumentFault(pointer, f"must have at most {MAX_ARGUMENTS} items, not {len(args)}")
    for index, argument in enumerate(args[: MAX_ARGUMENTS + 1]):
        fault = argument_fault(argument)
        if fault is not None:
            yield DocumentFault(pointer + json_pointer([index]), fault)


def argument_fault(argument: object) -> str | None:
    """Return what is wrong with one argument; None if nothing is."""
    if not isinstance(argument, str):
        return f"must be a string, not {quoted(argument)}"
    if len(argument) > MAX_ARGUMENT_CHARACTERS:
        return f"must have at most {MAX_ARGUMENT_CHARACTERS} characters, not {len(argument)}"
    if "\0" in argument:
        return "must not hold a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in argument):
        return "must be valid Unicode"
    return None


def encode_arguments(args: Sequence[str]) -> str:
    """Write arguments as the document's parameter: each a dot and the base64 of its UTF-8, joined by single spaces.

    No arguments are the empty string, an empty argument is a lone dot. ValueError if `argument_problems` has any.
    """
    problems = argument_problems(args)
    if problems:
        raise ValueError("; ".join(f"{problem.pointer}: {problem.message}" for problem in problems))
    return " ".join("." + base64.b64encode(argument.encode()).decode("ascii") for argument in args)
