"""What the shapes of the API's description are made of: objects, words of a list, times, references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum


ANY_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": True}
TIME: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}
TIME_OR_NULL: Final[dict[str, Any]] = {**TIME, "type": ["string", "null"]}
TEXT_OR_NULL: Final[dict[str, Any]] = {"type": ["string", "null"]}
SECONDS_OR_NULL: Final[dict[str, Any]] = {"type": ["integer", "null"], "description": "Whole seconds."}


def one_of(words: type[StrEnum]) -> dict[str, Any]:
    """Describe a text that is one of the words of an enumeration."""
    return {"type": "string", "enum": [word.value for word in words]}


def accepted(calls: Iterable[str]) -> dict[str, Any]:
    """Describe the calls that would be accepted."""
    description = (
        "The calls that would be accepted now, from who reads this; a lock of another execution is not known here."
    )
    return {"type": "array", "items": {"enum": [*calls]}, "description": description}


def object_of(properties: dict[str, Any], *optional: str, **more: Any) -> dict[str, Any]:
    """Describe an object: what is not optional is always there, if as null."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, **more}


def named(name: str) -> dict[str, Any]:
    """Refer to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}
