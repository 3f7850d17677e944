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


class BadTokenError(Exception):
    """No call has given this token."""


def page(
    items: Iterable[Item],
    parameters: dict[str, Any],
    key: Callable[[Item], int | str],
    view: Callable[[Item], dict[str, Any] | None],
    *,
    descending: bool = False,
) -> dict[str, Any]:
    """Answer one page of ``items``, sorted by ``key``, as DRS does: ``{items, nextToken}``, no token on the last page.

    What has no view is left out of its page: it does not show.

    ``parameters`` are the call's: ``maxResults`` (default 50, the service gives at most 1000) and ``nextToken``.
    Raise ApiError for a token that no call has given.
    """
    size = min(parameters.get("maxResults") or DEFAULT_PAGE, LARGEST_PAGE)
    try:
        part, token = cut(items, key, parameters.get("nextToken"), size, descending=descending)
    except BadTokenError as error:
        raise validation_error([("nextToken", "Value at 'nextToken' is no token of this operation")]) from error
    answer: dict[str, Any] = {"items": [seen for item in part if (seen := view(item)) is not None]}
    if token:
        answer["nextToken"] = token
    return answer


def cut(
    items: Iterable[Item],
    key: Callable[[Item], int | str],
    token: str | None,
    size: int,
    *,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """Cut the page of ``size`` items after ``token`` out of ``items``, sorted by ``key``.

    Returns it with the token of the next page, None after the last. Raise BadTokenError.
    """
    rest = sorted(items, key=key, reverse=descending)
    if token:
        last = _read_token(token, type(key(rest[0])) if rest else None)
        rest = [item for item in rest if (key(item) < last if descending else key(item) > last)]
    return rest[:size], _write_token(key(rest[size - 1])) if len(rest) > size else None


def _write_token(last: int | str) -> str:
    return base64.b64encode(json.dumps({"after": last}).encode()).decode()


def _read_token(token: str, kind: type | None) -> Any:
    try:
        last = json.loads(base64.b64decode(token))["after"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadTokenError(token) from error
    if kind is not None and not isinstance(last, kind):
        raise BadTokenError(token)
    return last
