"""Tells somebody who waits for an answer that there is none yet."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SILENT_SECONDS: Final = 5.0
"""Without an answer for so long, and again after each so many more, it is reported."""


@contextmanager
def report_while_waiting(
    report: Callable[[str], None] | None, what: str, *, every: float | None = None
) -> Iterator[None]:
    """Tell every few seconds, while what is in this context goes on, that there is no answer, and `what` is done."""
    if report is None:
        yield
        return
    seconds = SILENT_SECONDS if every is None else every
    is_over = threading.Event()

    def report_again() -> None:
        waited = seconds
        while not is_over.wait(seconds):
            report(f"no answer for {waited:g} s, {what}")
            waited += seconds

    reporter = threading.Thread(target=report_again, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        is_over.set()
        reporter.join()
