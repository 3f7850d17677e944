"""A value that remembers what it was: the world is exact, and a read of it may be a while old."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")

# Before anything that happens here.
BEGINNING = datetime.min.replace(tzinfo=UTC)


class Timeline(Generic[T]):
    """A value and its past. What it was in the ``beginning`` it has always been."""

    def __init__(self, beginning: T) -> None:
        self._moments = [BEGINNING]
        self._values = [beginning]

    @property
    def now(self) -> T:
        """Return the value now."""
        return self._values[-1]

    def at(self, moment: datetime) -> T:
        """Return the value at a moment, after the changes of that very moment."""
        return self._values[bisect_right(self._moments, moment) - 1]

    def set(self, value: T, moment: datetime) -> None:
        """Change it at a moment, or at its last change if that was later: the past stays as it was."""
        self._moments.append(max(moment, self._moments[-1]))
        self._values.append(value)

    def declare(self, value: T) -> None:
        """Set the value for all time, as the control API does: the change is not visible."""
        self._moments, self._values = [BEGINNING], [value]
