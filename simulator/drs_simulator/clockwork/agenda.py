"""What is to happen and when: the steps of all jobs, in the order of their moments."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Step = Callable[[datetime], object]


class Agenda:
    """Steps with a due moment; each is called once with that moment. Not thread-safe: its owner holds the lock."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Step]] = []
        self._numbers = count()

    def add(self, at: datetime, step: Step) -> None:
        """Schedule ``step`` for ``at``; steps of the same moment happen in the order they were added."""
        heapq.heappush(self._heap, (at, next(self._numbers), step))

    def next_due(self) -> datetime | None:
        """Return when the next step is due, or None when there is none."""
        return self._heap[0][0] if self._heap else None

    def settle(self, now: datetime) -> None:
        """Do every step that is due by ``now``."""
        while self._heap and self._heap[0][0] <= now:
            at, _, step = heapq.heappop(self._heap)
            step(at)

    def clear(self) -> None:
        """Forget every step."""
        self._heap.clear()
