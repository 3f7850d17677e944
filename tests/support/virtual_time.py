"""Threads in virtual time: each runs alone until it sleeps, and whoever is to wake first goes on.

What threads do is the same in every run with the same dice, and an hour of sleeping takes no time.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_STUCK_SECONDS = 30
_MOST_SECONDS = 400_000.0


class VirtualTime:
    """Stands in for the module `time`: `monotonic`, `sleep`, and how threads are run."""

    def __init__(self, dice: Random) -> None:
        self.now = 0.0
        self.dice = dice
        self._asleep: dict[int, tuple[float, float, threading.Event]] = {}
        self._back = threading.Event()

    def monotonic(self) -> float:
        """Give the seconds since the beginning."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the others go on until so much time is over; who wakes at the same moment is left to the dice."""
        if threading.current_thread() is threading.main_thread():
            self.now += seconds
            return
        turn = threading.Event()
        self._asleep[threading.get_ident()] = (self.now + max(0.0, seconds), self.dice.random(), turn)
        self._back.set()
        assert turn.wait(_STUCK_SECONDS)

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Run works side by side until all are done; what one raises is raised here."""
        failures: list[BaseException] = []
        left = len(works)

        def body(work: Callable[[], None]) -> None:
            nonlocal left
            try:
                self.sleep(0)
                work()
            except BaseException as error:  # noqa: BLE001  raised below, in the thread of the test
                failures.append(error)
            left -= 1
            self._back.set()

        threads = [threading.Thread(target=body, args=[work], daemon=True) for work in works]
        for thread in threads:
            self._wait_for(thread.start)
        while left:
            ident, (wakes, _, turn) = min(self._asleep.items(), key=lambda item: item[1][:2])
            del self._asleep[ident]
            self.now = max(self.now, wakes)
            assert self.now < _MOST_SECONDS, "it never ends"
            self._wait_for(turn.set)
        for thread in threads:
            thread.join(_STUCK_SECONDS)
        if failures:
            raise failures[0]

    def _wait_for(self, begin: Callable[[], None]) -> None:
        """Begin something, and wait until it sleeps or is over."""
        self._back.clear()
        begin()
        assert self._back.wait(_STUCK_SECONDS), "a thread neither sleeps nor ends"
