"""Ctrl-C and SIGTERM while a drill is made: what was launched is ended first, whatever the haste."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_OBEYED_AT: Final = 2
"""Signals that have to come while instances are being ended before they are left."""


class Interrupts:
    """Turns the first signal into KeyboardInterrupt, and holds later ones back until a person insists.

    `tell` is called with what there is to know instead.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.came = False
        self._report = report
        self._held = False
        self._more = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """Raise nothing more at the next signal: instances are being ended."""
        self._held = True

    def _handle(self, _number: int, _frame: object) -> None:
        self.came = True
        if not self._held:
            self._held = True  # whatever comes while this one is on its way does not get in between
            raise KeyboardInterrupt
        self._more += 1
        if self._more >= _OBEYED_AT:
            raise KeyboardInterrupt
        self._report("What the drill launched is being ended, which goes on. Once more, and it is left running.")
