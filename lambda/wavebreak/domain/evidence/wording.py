"""Words of a report for people: times, durations, statuses with their colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wavebreak.domain.evidence.elements import Html, el
from wavebreak.execution_utils import (
    ExecutionStatus,
    display_of_wave,
    normalize_execution_status,
    normalize_wave_status,
)
from wavebreak.timing import duration, known_time

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_KNOWN: Final = "not known"
NONE: Final = "–"  # noqa: RUF001  an en dash stands for nothing


class StatusStyle(NamedTuple):
    """How a status is shown: its words, its colour, and a mark beside the colour for a reader who does not see it."""

    label: str
    color: str
    icon: str


_E = ExecutionStatus
_ENDS: Final[Mapping[ExecutionStatus, StatusStyle]] = {
    _E.COMPLETED: StatusStyle("Completed", "green", "✓"),
    _E.PARTIAL_SUCCESS: StatusStyle("Partial success", "orange", "⚠\ufe0e"),
    _E.CANCELLED: StatusStyle("Cancelled", "red", "⊘"),
    _E.FAILED: StatusStyle("Failed", "red", "✗"),
}
"""Marks that are drawn in the colour of the text, where the API's own may be emoji."""
_SERVERS: Final[Mapping[str, StatusStyle]] = {
    "LAUNCHED": StatusStyle("Launched", "green", "✓"),
    "FAILED": StatusStyle("Failed", "red", "✗"),
    "TERMINATED": StatusStyle("Terminated", "red", "⊘"),
    "IN_PROGRESS": StatusStyle("Launching", "blue", "⟳"),
    "PENDING": StatusStyle("Not launched", "gray", "○"),
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "SUCCEEDED": "green",
    "COMPLETED": "green",
    "COMPLETE_SUCCESS": "green",
    "PASSED": "green",
    "APPROVED": "green",
    "FAILED": "red",
    "COMPLETE_FAILURE": "red",
    "REJECTED": "red",
    "PARTIAL": "orange",
    "PARTIAL_SUCCESS": "orange",
    "CANCELLED": "orange",
    "NOT_GIVEN": "orange",
    "IN_PROGRESS": "blue",
}
"""Colours of what a step, a command run, a check, an approval or a verdict came to; what is not here is gray."""
_ICONS: Final[Mapping[str, str]] = {"green": "✓", "red": "✗", "orange": "⚠\ufe0e", "blue": "⟳", "gray": "○"}


def execution_style(status: object) -> StatusStyle:
    """Return how an execution's status looks."""
    known = normalize_execution_status(status)
    if known is None:
        return StatusStyle(NOT_KNOWN, "gray", "○")
    return _ENDS.get(known) or StatusStyle(known.replace("_", " ").capitalize(), "blue", "⟳")


def wave_style(status: object) -> StatusStyle:
    """Return how a wave's status looks."""
    badge = display_of_wave(normalize_wave_status(status))
    return StatusStyle(badge["label"], badge["color"], "=" if badge["icon"] == "⏸" else badge["icon"])


def server_style(status: object) -> StatusStyle:
    """Return how a server's launch status looks."""
    return _SERVERS.get(str(status)) or StatusStyle(NOT_KNOWN, "gray", "○")


def outcome_style(status: object) -> StatusStyle:
    """Return the label, colour and icon of the outcome of a step, a check, an attempt or an approval."""
    word = str(status or "").upper()
    color = _OUTCOMES.get(word, "gray")
    return StatusStyle(word.replace("_", " ").capitalize() or NOT_KNOWN, color, _ICONS[color])


def badge(style: StatusStyle) -> Html:
    """Draw a status."""
    return el("span", f"{style.icon} {style.label}", class_=f"badge {style.color}")


def moment(text: object, day: str | None = None) -> Html | str:
    """Write a time in UTC, without its date when that is `day` (`2026-11-21`)."""
    at = known_time(text)
    if at is None:
        return NOT_KNOWN
    clock = f"{at:%H:%M:%S}"
    return el("time", clock if f"{at:%Y-%m-%d}" == day else f"{at:%Y-%m-%d} {clock}", datetime=text)


def lasting(seconds: float | None) -> str:
    """Write a duration."""
    return NOT_KNOWN if seconds is None else duration(seconds)


def between(start: object, end: object) -> float | None:
    """Measure from one time to another, in seconds; None while either is not known."""
    begun, over = known_time(start), known_time(end)
    return None if begun is None or over is None else (over - begun).total_seconds()


def launched(servers: list[dict[str, Any]]) -> str:
    """Return how many servers were launched."""
    return f"{sum(server['launchStatus'] == 'LAUNCHED' for server in servers)} of {len(servers)}"


def numbered(number: object, name: object) -> str:
    """Write a wave's number and name, which stay on one line."""
    return f"{number}\N{NO-BREAK SPACE} {name}"


def counted(number: int, what: str) -> str:
    """Write a number of things: `1 server`, `2 servers`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
