"""Every API call so far, whether it was answered or not."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

_KEPT = 200_000


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
    """The calls in the order of their arrival; the oldest are forgotten beyond 200,000."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._lock = Lock()

    def enter(self, call: Call) -> None:
        """Note a call that has arrived."""
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls as JSON objects."""
        with self._lock:
            calls = list(self._calls)
        return [asdict(call) for call in calls]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()
