"""Whose words a change follows. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who asked for a change, when, and why; it may show only in a later change."""

    actor: str
    at: datetime
    reason: str | None = None
