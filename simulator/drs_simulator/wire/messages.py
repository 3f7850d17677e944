"""HTTP requests and answers, and the JSON in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = "application/json"


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
    """Read a body that is a JSON object, or empty; raises ValueError, worded for the caller, for anything else."""
    if not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ValueError(f"The request is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("The request is no JSON object")  # noqa: TRY004 - it is the content that is wrong
    return document


def dump(document: Any) -> bytes:
    """Write JSON as short as it goes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
