"""Filters and pages, as every Describe operation of EC2 has them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from drs_simulator.errors import ApiError
from drs_simulator.wire.pages import BadTokenError, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drs_simulator.ec2.cloud import Ec2

    Parameters = dict[str, Any]


def filters_of(parameters: Parameters) -> dict[str, list[str]]:
    """Return the values of each filter of a call."""
    return {each["Name"]: each.get("Values") or [] for each in parameters.get("Filters") or []}


def passes(values: Iterable[str | None], wanted: Iterable[str]) -> bool:
    """Return whether one of ``values`` is one that a filter wants; ``*`` and ``?`` in it stand for anything."""
    patterns = list(wanted)
    return any(fnmatchcase(value, pattern) for value in values if value is not None for pattern in patterns)


def page(  # noqa: PLR0913 - what a list is, is many things; each is named
    ec2: Ec2,
    member: str,
    items: Iterable[Any],
    parameters: Parameters,
    key: Callable[[Any], str],
    view: Callable[[Any], dict[str, Any]],
    *,
    subject: Callable[[Any], str] | None = None,
    sizes: tuple[int, int] = (5, 1000),
) -> dict[str, Any]:
    """Answer one page under the name of its list; ``sizes`` are the least and the most that MaxResults may be.

    ``subject`` is what manners know an item by, if not its key. Raise ApiError for a token that no call has given.
    """
    least, most = sizes
    size = parameters.get("MaxResults", most)
    if not least <= size <= most:
        raise ApiError("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid.")
    try:
        part, token = cut(items, ec2.world.lens.key(key, subject), parameters.get("NextToken"), size)
    except BadTokenError as error:
        raise ApiError("InvalidNextToken", "The token is invalid.") from error
    return {member: [view(item) for item in part], **({"NextToken": token} if token else {})}
