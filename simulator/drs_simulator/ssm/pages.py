"""Pages, as every List and Describe operation of SSM has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from drs_simulator.errors import ApiError
from drs_simulator.wire.pages import BadTokenError, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drs_simulator.ssm.systems_manager import SystemsManager

_PAGE: Final = 50


def page(
    ssm: SystemsManager,
    member: str,
    items: Iterable[Any],
    parameters: dict[str, Any],
    key: Callable[[Any], int | str],
    view: Callable[[Any], dict[str, Any] | None],
    *,
    descending: bool = True,
) -> dict[str, Any]:
    """Answer one page under the name of its list; what has no view is left out, for it does not show.

    Raise ApiError for a token that no call has given.
    """
    size = parameters.get("MaxResults") or _PAGE
    try:
        part, token = cut(items, ssm.world.lens.key(key), parameters.get("NextToken"), size, descending=descending)
    except BadTokenError as error:
        raise ApiError("InvalidNextToken", "NextToken is no token of this operation") from error
    views = [seen for item in part if (seen := view(item)) is not None]
    return {member: views, **({"NextToken": token} if token else {})}
