"""When drills of a plan start automatically (contract 13).

What an expression or a zone means only EventBridge Scheduler knows: both are handed to it as they are written.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPRESSION_PATTERN = r"^(cron\([^()]{9,200}\)|rate\([1-9][0-9]{0,5} (minutes?|hours?|days?)\))$"
TIMEZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$"


class ScheduleState(StrEnum):
    """Whether EventBridge Scheduler has the schedule that the plan says."""

    ACTIVE = "ACTIVE"
    PENDING = "PENDING"


class Schedule(Value):
    """An expression of EventBridge Scheduler, cron or rate, and the IANA zone that it is meant in."""

    expression: str
    timezone: str


class Standing(Value):
    """How a plan's schedule stands, and what was in the way when it was last tried."""

    state: ScheduleState
    error: str | None = None


def schedule_of(document: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule of a plan document; None when it has none."""
    written = (document.get("drill") or {}).get("schedule")
    return Schedule(written["expression"], written["timezone"]) if written else None


def standing_view(document: Mapping[str, Any], known: Standing | None) -> dict[str, Any] | None:
    """Show how a plan's schedule stands: `{state, error}`; None for a plan without one."""
    if schedule_of(document) is None:
        return None
    standing = known or Standing(ScheduleState.PENDING)
    return {"state": standing.state.value, "error": standing.error}
