"""Waiting in real time for something that comes to be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(
    read: Callable[[], T],
    accept: Callable[[T], Any] = bool,
    complaint: str = "it never came to be",
    *,
    seconds: float = 10,
    pause: float = 0.02,
    between: Callable[[], object] = lambda: None,
) -> T:
    """Read until the reading is accepted, and return it; fail with the last reading after so many seconds.

    `between` is called after each pause, to let virtual time pass, for instance.
    """
    deadline = time.monotonic() + seconds
    while not accept(reading := read()):
        assert time.monotonic() < deadline, f"{complaint}: {reading}"
        time.sleep(pause)
        between()
    return reading
