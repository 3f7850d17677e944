"""An AWS account and Region, travelling as one value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An AWS account and Region, travelling as one value; None is the stack's own."""

    account_id: str | None = None
    region: str | None = None
