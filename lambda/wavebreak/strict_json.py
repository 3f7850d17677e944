"""JSON in which nothing can be read in two ways: no name twice, no NaN, no number or depth beyond reason. Pure.

Python's own reader takes the last of two members of one name; another reader takes the first. What is hashed, or
becomes a fact, must say one thing only.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*', re.DOTALL)
"""The strings and numbers of a text that is JSON."""


class NotJsonError(ValueError):
    """A text that is no JSON, or none that everybody reads alike; the message says why."""


def read_strictly(text: str) -> Any:
    """Read a text as JSON; raise NotJsonError."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except NotJsonError:
        raise
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except ValueError as error:
        raise NotJsonError("a number is too long to be read") from error
    except RecursionError as error:
        raise NotJsonError("it is nested too deeply to be read") from error


def misspelt(text: str) -> str | None:
    """Return the first string or number of a JSON text that Python's writer spells otherwise; None when there is none.

    `1e0` says what `1.0` says, and an escape in capitals what one in small letters does: a byte was changed all the
    same. How the text is laid out does not matter, nor whether it escapes all that is not ASCII.
    """
    for found in _TOKENS.finditer(text):
        token = found.group()
        value = json.loads(token)
        if token not in {json.dumps(value, ensure_ascii=False), json.dumps(value)}:
            return token
    return None


def encodable(value: Any) -> Any:
    """Replace lone surrogates, which JSON can name and no UTF-8 can hold, by U+FFFD wherever they stand in a value."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {encodable(name): encodable(member) for name, member in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJsonError(f"{json.dumps(twice[:64])} is given more than once")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is no JSON value")
