"""HTTP requests and answers, and the JSON in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = "application/json"

# No shape of any model is nested as deep, and what is much deeper cannot be written again.
_DEEPEST = 64


@dataclass(frozen=True)
class Request:
    """One HTTP request: ``target`` is the path with its query, as sent; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a body that is a JSON object, or empty; raise ValueError, worded for the caller, for anything else.

    What Python reads and JSON over UTF-8 cannot say again is refused too: ``NaN``, half of a surrogate pair. Answers
    and the journal repeat what was asked.
    """
    if not body:
        return {}
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
        _must_be_writable(document, _DEEPEST)
    except RecursionError as error:
        raise ValueError("The request is no JSON: it is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"The request is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("The request is no JSON object")  # noqa: TRY004 - it is the content that is wrong
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _must_be_writable(value: Any, levels: int) -> None:
    """Raise ValueError for what is nested deeper than ``levels``, and for text that UTF-8 has no bytes for."""
    match value:
        case str():
            value.encode()
        case dict() | list() if not levels:
            raise ValueError("it is nested too deep")
        case dict():
            for key, member in value.items():
                key.encode()
                _must_be_writable(member, levels - 1)
        case list():
            for member in value:
                _must_be_writable(member, levels - 1)


def dump(document: Any) -> bytes:
    """Write JSON as short as it goes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
