"""Tokens of lists: where the next page of a query begins, as an answer gives it and a request brings it back. Pure."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.problems import InvalidRequest
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_KEY: Final = 1024
"""Bytes of a sort key, and more than any of our partition keys has."""
_INDEX_KEYS: Final = {
    keys.LISTING_INDEX: ("listPk", "listSk"),
    keys.PLAN_INDEX: ("planKey", "listSk"),
    keys.ACTIVE_INDEX: ("activePk", "listSk"),
    keys.OUTBOX_INDEX: ("outboxPk", "at"),
    keys.DUE_INDEX: ("duePk", "dueSk"),
}


def _key_names(query: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what a start key of a query holds: the keys of its index, hash key first, and the table's own."""
    return (*_INDEX_KEYS.get(str(query.get("IndexName", "")), ()), "pk", "sk")


def key_of(attributes: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
    """Make the start key after an item."""
    return {name: attributes[name] for name in _key_names(query)}


def encoded(content: Mapping[str, Any]) -> str:
    """Write a start key, or another position in a list, as an opaque token."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def content_of(token: str) -> Any:
    """Read what a token holds, as JSON gives it; None for a text that is no token."""
    try:
        return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError):  # binascii's error is a ValueError
        return None


def no_token() -> InvalidRequest:
    """Make the refusal of a token that is none of the list asked for."""
    return InvalidRequest.of("/nextToken", "is not a token of this list")


def decoded(token: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Read a start key; InvalidRequest unless it is one of this very query."""
    key = content_of(token)
    names = _key_names(query)
    if (
        not isinstance(key, dict)
        or key.keys() != set(names)
        or not all(_is_text(value) for value in key.values())
        or key[names[0]] != query["ExpressionAttributeValues"][":pk"]
    ):
        raise no_token()
    return key


def _is_text(value: Any) -> bool:
    """Return whether an attribute is a text that may be a key: DynamoDB takes none that is empty, or longer."""
    if not isinstance(value, dict) or list(value) != ["S"] or not isinstance(value["S"], str):
        return False
    try:
        return 0 < len(value["S"].encode()) <= _LONGEST_KEY
    except UnicodeEncodeError:
        return False
