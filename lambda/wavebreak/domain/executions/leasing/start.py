"""The lease that a drill starts with: that of the request, or else that of its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from wavebreak.timing import Timing

_SECONDS: Final = 60


def lease_of(mode: Mode, document: Mapping[str, Any], asked_minutes: int | None, timing: Timing) -> Lease | None:
    """Make the lease of an execution; None for a RECOVERY, and for a drill that neither gives minutes."""
    if mode is Mode.RECOVERY:
        return None
    minutes = asked_minutes or (document.get("drill") or {}).get("terminateAfterMinutes")
    return None if minutes is None else Lease(int(minutes), lasting(int(minutes), timing))


def lasting(minutes: int, timing: Timing) -> timedelta:
    """Return how long so many minutes are here."""
    return timing.scaled(minutes * _SECONDS)
