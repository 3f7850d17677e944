"""Every API call so far, whether it was answered or not."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp

if TYPE_CHECKING:
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.credentials import Caller

_KEPT = 200_000
_KEPT_BYTES = 64 * 1024 * 1024


@dataclass
class Call:
    """One API call; ``error`` is the code it was answered with, None while it runs and when it succeeded."""

    operation: str
    at: str
    account: str
    region: str
    parameters: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Journal:
    """The calls in the order of their arrival.

    The oldest are forgotten beyond 200,000 calls, or beyond 64 MiB of what they asked: what is kept of a request takes
    several times its length.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Call, int]] = deque()
        self._length = 0
        self._lock = Lock()

    def enter(self, operation: str, caller: Caller, clock: Clock, length: int) -> Call:
        """Note a call that has arrived with a body of ``length`` bytes; later ones have no earlier moment."""
        with self._lock:
            call = Call(operation, timestamp(clock.now()), caller.account, caller.region)
            self._calls.append((call, length))
            self._length += length
            while len(self._calls) > _KEPT or (self._length > _KEPT_BYTES and len(self._calls) > 1):
                self._length -= self._calls.popleft()[1]
        return call

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls as JSON objects, which must not be changed: the parameters are the calls' own."""
        with self._lock:
            calls = list(self._calls)
        return [dict(vars(call)) for call, _ in calls]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()
            self._length = 0
