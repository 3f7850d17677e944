"""Reducers: how the values that several executions of a check gave become one factor.

Every reducer gives the same for the same values in any order, down to the last digit: sums are exact before they are
rounded. A value that a reducer cannot take is left out; `misfit` says why, so that it can be reported.
"""

from __future__ import annotations

import math
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.model import Reducer
from wavebreak.timing import known_time
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_EXACT_IN_A_DOUBLE: Final = 2**53
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""When something was completed that does not say when: before everything else."""


class Given(Value):
    """A value under the key of a factor, the id of the execution that gave it, and when that was completed."""

    value: Any
    execution_id: str
    completed_at: str | None


def reduce_values(reducer: Reducer, given: Sequence[Given]) -> Any:
    """Reduce what the completed executions gave to one value, or to None if none of it can be used.

    `mean sum min max` take numbers, and true and false as 1 and 0; `all any` take booleans, and numbers as nonzero or
    not. `latest` is the value of the execution that was completed last, by time and not by place. `count` counts the
    executions that gave the key, whatever its value. The others take a null for a missing key (S4-2).
    """
    if reducer is Reducer.COUNT:
        return len(given) or None
    usable = [item for item in given if item.value is not None and misfit(reducer, item.value) is None]
    if not usable:
        return None
    if reducer is Reducer.LATEST:
        return deepcopy(max(usable, key=_age).value)
    if reducer in _OF_TRUTH:
        return _OF_TRUTH[reducer](bool(item.value) for item in usable)
    exact = _OF_NUMBERS[reducer]([Fraction(item.value) for item in usable])
    return _plain(exact, whole=all(isinstance(item.value, int) for item in usable))


def misfit(reducer: Reducer, value: Any) -> str | None:
    """Return why a reducer cannot take a value that is not null; None if it can."""
    if reducer in {Reducer.COUNT, Reducer.LATEST} or isinstance(value, bool):
        return None
    if not isinstance(value, (int, float, Decimal)):
        wanted = "a boolean" if reducer in _OF_TRUTH else "a number"
        return f"{reducer} needs {wanted}, not {_kind(value)}"
    return None if _is_finite(value) else f"{reducer} needs a finite number"


def _is_finite(value: float | Decimal) -> bool:
    """Return whether a number is one that a double can hold: beyond that, readers of JSON take it for infinite."""
    if isinstance(value, Decimal) and not value.is_finite():  # one that signals cannot be made a double
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: Any) -> str:
    name = type(value).__name__
    return {"str": "a text", "dict": "an object"}.get(name, f"a {name}")


def _age(item: Given) -> tuple[datetime, str, str]:
    """Order by the moment of completion; equals by id, so that the order of the input never shows."""
    # An integer may have more digits than Python writes in decimals.
    written = hex(item.value) if isinstance(item.value, int) else repr(item.value)
    return (known_time(item.completed_at) or _NEVER, item.execution_id, written)


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction()) / len(values)


def _sum(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction())


_OF_TRUTH: Final[Mapping[Reducer, Callable[..., bool]]] = {Reducer.ALL: all, Reducer.ANY: any}
_OF_NUMBERS: Final[Mapping[Reducer, Callable[[Sequence[Fraction]], Fraction]]] = {
    Reducer.MEAN: _mean,
    Reducer.SUM: _sum,
    Reducer.MIN: min,
    Reducer.MAX: max,
}


def _plain(exact: Fraction, *, whole: bool) -> int | float | None:
    """Write an exact result as JSON holds it: an integer if it is one and was made of such, or is a double's too.

    None for one that is beyond all doubles.
    """
    if exact.denominator == 1 and (whole or abs(exact) <= _EXACT_IN_A_DOUBLE):
        return int(exact)
    try:
        return float(exact)
    except OverflowError:
        return None
