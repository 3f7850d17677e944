"""Immutable values: what every module describes its subjects with.

A `Value` is what a frozen dataclass with slots is: fields with types, compared and hashed by their fields, changed only
by `replace`. It is made by msgspec, because dataclasses compile six methods for each class at its import. For the
hundred classes of a function this was a fifth of its cold start (docs/decisions/0013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, dataclass_transform

from msgspec import Struct, field

if TYPE_CHECKING:
    from dataclasses import replace  # the same function to whoever calls it, and its arguments are checked
else:
    from msgspec.structs import replace

__all__ = ["Value", "field", "replace"]


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True):
    """An object that is its fields: immutable, equal to another of its class whose fields are equal."""
