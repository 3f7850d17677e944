"""The axis of a timeline: from the request to the end, in steps that people count in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(step * _MINUTE for step in (1, 2, 5, 10, 15, 20, 30)),
    *(step * _HOUR for step in (1, 2, 3, 6, 12)),
    *(step * _DAY for step in (1, 2, 7, 14, 30, 90, 365)),
)
_MOST_TICKS: Final = 5
_LEAST_WIDTH: Final = 0.12
"""Percent of the axis that anything is wide at least, so that nothing that happened is invisible."""


class Axis(Value):
    """A span of time that is drawn from 0 to 100 percent."""

    start: datetime
    seconds: float

    def x(self, moment: datetime) -> float:
        """Return the place of a moment, in percent; what lies outside is drawn at the edge."""
        share = (moment - self.start).total_seconds() / self.seconds
        return round(100 * min(1.0, max(0.0, share)), 2)

    def width(self, begin: datetime, end: datetime) -> float:
        """Return the width of a span, in percent."""
        return round(max(_LEAST_WIDTH, self.x(end) - self.x(begin)), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return the ticks of the axis: the position of each in percent, and the time since the request."""
        step = next((step for step in _STEPS if self.seconds / step <= _MOST_TICKS), self.seconds)
        count = int(self.seconds / step)
        return [
            (round(100 * step * position / self.seconds, 2), since(step * position)) for position in range(count + 1)
        ]


def since(seconds: float) -> str:
    """Write a time since the request, short: `45s`, `15m`, `1h 30m`, `2d 6h`."""
    whole = int(seconds)
    for unit, name, smaller, small in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", 1, "s")):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit}{name}" + (f" {rest}{small}" if rest else "")
    return f"{whole}s" if whole else "0"
