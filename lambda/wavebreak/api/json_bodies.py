"""Request bodies: JSON read once, and refused where it cannot be a request, before its fields are checked. Pure.

A check lists every fault of a document. So the size is limited here: a megabyte of JSON can hold half a million
faults, more than a function has the memory to list or API Gateway would carry.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from wavebreak.json_pointers import MAX_DEPTH, TOO_DEEP, json_pointer, quoted
from wavebreak.problems import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.json_pointers import Location

MAX_NAME: Final = 256
"""Characters of a field's name; a fault is reported with all the names that lead to it."""
MAX_MEMBERS: Final = 5000
"""Items of a list, or members of an object: some more than the 4,000 servers of the largest plan."""
MAX_VALUES: Final = 60_000
"""Values in all: as many as the largest plan that is stored could hold if it were made of the shortest ones."""


class _Repeating(dict[str, Any]):
    """An object in which a name was given more than once."""

    repeated: tuple[str, ...] = ()


def read_body(text: str) -> Any:
    """Read a body; raise InvalidRequest for what is no JSON, ambiguous, or larger than any request could be."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise InvalidRequest.of("", f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except ValueError as error:
        raise InvalidRequest.of("", "is not JSON that can be read: a number is too long") from error
    except RecursionError as error:
        raise InvalidRequest.of("", TOO_DEEP) from error
    faults = [{"pointer": json_pointer(where), "message": message} for where, message in _faults(document)]
    if faults:
        raise InvalidRequest.listing(faults)
    return document


def _refuse_constant(name: str) -> None:
    raise InvalidRequest.of("", f"is not JSON: {name} is no JSON value")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeating = _Repeating(members)
    repeating.repeated = tuple(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    return repeating


def _faults(document: Any) -> Iterator[tuple[Location, str]]:
    """Yield the faults of ambiguous or too large values, without recursion, up to the first value too many."""
    waiting: list[tuple[Location, Any]] = [((), document)]
    values = 0
    while waiting:
        where, value = waiting.pop()
        values += 1
        if values > MAX_VALUES:
            yield (), f"holds more than {MAX_VALUES} values"
            return
        if not isinstance(value, (dict, list)):
            continue
        if len(value) > MAX_MEMBERS:
            yield where, f"has {len(value)} members; no list or object has more than {MAX_MEMBERS}"
        elif len(where) >= MAX_DEPTH:
            yield where, TOO_DEEP
        elif isinstance(value, list):
            waiting += [((*where, index), item) for index, item in enumerate(value)]
        else:
            yield from _names(where, value)
            waiting += [((*where, name), member) for name, member in value.items() if len(name) <= MAX_NAME]


def _names(where: Location, value: dict[str, Any]) -> Iterator[tuple[Location, str]]:
    for name in value:
        if len(name) > MAX_NAME:
            yield where, f"has a field whose name {quoted(name)} is longer than {MAX_NAME} characters"
    if isinstance(value, _Repeating):
        for name in value.repeated:
            if len(name) <= MAX_NAME:
                yield (*where, name), "is given more than once"
