"""Whose words a change follows. Immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.values import Value

if TYPE_CHECKING:
    from datetime import datetime


class Attribution(Value):
    """Who asked for a change, when, and why; it may show only in a later change."""

    actor: str
    at: datetime
    reason: str | None = None
