"""What is different between two plans, both with their defaults filled in: by JSON pointer, in the document's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.document import normalised, parse_plan
from wavebreak.json_pointers import PlanInvalidError, json_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wavebreak.domain.plans.document import PlanDocument
    from wavebreak.json_pointers import Location

Change = dict[str, Any]
"""`{pointer, from, to}`; null stands for what is not there."""

_ABSENT: Final = object()


def differences(stored: Mapping[str, Any] | None, plan: PlanDocument) -> list[Change]:
    """List what would change if a plan were stored; `stored` None is a plan that is not there yet."""
    after = normalised(plan)
    if stored is None:
        return [{"pointer": "", "from": None, "to": after}]
    return list(_changes(_filled_in(stored), after, ()))


def _filled_in(stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stored plan in its normal form; one of an older release that is no plan any more stays as it is."""
    try:
        return normalised(parse_plan(stored))
    except PlanInvalidError:
        return stored


def _changes(before: Any, after: Any, where: Location) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _changes(before.get(name, _ABSENT), after.get(name, _ABSENT), (*where, name))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old, new = (side[index] if index < len(side) else _ABSENT for side in (before, after))
            yield from _changes(old, new, (*where, index))
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        values = {"from": before, "to": after}
        yield {"pointer": json_pointer(where), **{end: None if v is _ABSENT else v for end, v in values.items()}}
