"""Changes that another write may overtake: read, decided and written again on what stands by then."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, TypeVar

from wavebreak.problems import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
TRIES: Final = 25
"""Times that a change is tried before its caller is asked to come again."""


class LostRaceError(Exception):
    """Another write came first: read again and decide again."""


def pause_between(attempt: int) -> None:
    """Wait a random moment that grows with the lost races, so that many writers come apart."""
    time.sleep(random.uniform(0, min(0.5, 0.01 * 2**attempt)))  # noqa: S311  no secret hangs on it


def retry_lost_races(
    subject: str,
    attempt: Callable[[], T],
    pause: Callable[[int], None] = pause_between,
    is_over: Callable[[], bool] = lambda: False,
) -> T:
    """Return the result of `attempt`, called again from its beginning each time that it raises LostRaceError.

    After TRIES lost races, or a lost one once `is_over` says so, it raises Unavailable, which names the subject.
    """
    for number in range(TRIES):
        try:
            return attempt()
        except LostRaceError:
            if is_over():
                break
            pause(number)
    raise Unavailable(f"{subject} is being changed by many at once", retry_after_seconds=1)
