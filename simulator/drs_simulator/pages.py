"""Pagination: a token names the last item given, so items that come or go in between shift nothing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, TypeVar

from drs_simulator.errors import validation_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEFAULT_PAGE = 50
LARGEST_PAGE = 1000

Item = TypeVar("Item")


def page(
    items: Iterable[Item],
    parameters: dict[str, Any],
    key: Callable[[Item], int | str],
    view: Callable[[Item], dict[str, Any]],
    *,
    descending: bool = False,
) -> dict[str, Any]:
    """Answer one page of ``items``, sorted by ``key``, as ``{items, nextToken}``; no token on the last page.

    ``parameters`` are the call's: ``maxResults`` (default 50, the service gives at most 1000) and ``nextToken``.
    Raises ApiError for a token that no call has given.
    """
    token = parameters.get("nextToken")
    rest = sorted(items, key=key, reverse=descending)
    if token:
        last = _read_token(token, type(key(rest[0])) if rest else None)
        rest = [item for item in rest if (key(item) < last if descending else key(item) > last)]
    size = min(parameters.get("maxResults") or DEFAULT_PAGE, LARGEST_PAGE)
    answer: dict[str, Any] = {"items": [view(item) for item in rest[:size]]}
    if len(rest) > size:
        answer["nextToken"] = _write_token(key(rest[size - 1]))
    return answer


def _write_token(last: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": last}).encode()).decode()


def _read_token(token: str, kind: type | None) -> Any:
    try:
        last = json.loads(base64.urlsafe_b64decode(token))["after"]
    except (ValueError, KeyError, TypeError) as error:
        raise validation_error([("nextToken", "Value at 'nextToken' is no token of this operation")]) from error
    if kind is not None and not isinstance(last, kind):
        raise validation_error([("nextToken", "Value at 'nextToken' is no token of this operation")])
    return last
