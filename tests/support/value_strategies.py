"""Hypothesis strategies for values of the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

V = TypeVar("V")


def values(made: Callable[..., V], *given: SearchStrategy[Any], **named: SearchStrategy[Any]) -> SearchStrategy[V]:
    """Values of a class, with its fields drawn.

    `st.builds` alone asks the class for its type hints, some of which exist for the type checker only.
    """

    def make(*fields: Any, **others: Any) -> V:
        return made(*fields, **others)

    return st.builds(make, *given, **named)
