"""The presets of `retries` as tenacity carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_any
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from wavebreak.timeouts import remaining

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.retries import Preset


class WaitOf(wait_base):
    """Waits as a preset says; `spread` gives -1 to 1."""

    def __init__(self, preset: Preset, spread: Callable[[], float]) -> None:
        """Take the preset and the source of its jitter."""
        self.preset = preset
        self.spread = spread

    def __call__(self, retry_state: RetryCallState) -> float:
        """Give the seconds before the next attempt."""
        return self.preset.pause(retry_state.attempt_number - 1, self.spread())


class StopBeforeTheEnd(stop_base):
    """Stops when Lambda would end the function before the next attempt."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Tell whether the pause would outlast the invocation."""
        return retry_state.upcoming_sleep >= remaining()


def repeating(
    preset: Preset,
    worth_it: Callable[[BaseException], bool],
    spread: Callable[[], float],
    sleep: Callable[[float], None],
) -> Retrying:
    """Make what calls a function again and again under a preset, and raises its last error itself."""
    return Retrying(
        stop=stop_any(stop_after_attempt(preset.attempts), StopBeforeTheEnd()),
        wait=WaitOf(preset, spread),
        retry=retry_if_exception(worth_it),
        sleep=sleep,
        reraise=True,
    )
