"""The presets of `retries`, carried out by tenacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_any
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from wavebreak.timeouts import remaining

if TYPE_CHECKING:
    from collections.abc import Callable


class WaitOf(wait_base):
    """Waits as long as `pause` says after so many attempts, counted from 0."""

    def __init__(self, pause: Callable[[int], float]) -> None:
        """Keep the function that returns the pause after an attempt, in seconds."""
        self.pause = pause

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds before the next attempt."""
        return self.pause(retry_state.attempt_number - 1)


class StopBeforeTheEnd(stop_base):
    """Stops when Lambda would end the function before the next attempt."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Return whether the pause would outlast the invocation."""
        return retry_state.upcoming_sleep >= remaining()


def repeating(
    attempts: int,
    pause: Callable[[int], float],
    worth_it: Callable[[BaseException], bool],
    sleep: Callable[[float], None],
) -> Retrying:
    """Make what calls a function up to so many times, with a pause after each, and raises its last error itself."""
    return Retrying(
        stop=stop_any(stop_after_attempt(attempts), StopBeforeTheEnd()),
        wait=WaitOf(pause),
        retry=retry_if_exception(worth_it),
        sleep=sleep,
        reraise=True,
    )
