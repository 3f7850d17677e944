"""Calls made again where neither botocore nor a state machine does it, under presets of attempts and pauses.

A pause is base · 2^attempt, a quarter more or less at random, and never more than the cap; no pause outlasts the
invocation. What is not worth repeating is raised after one call, and the last error itself when the attempts are used
up. Nothing but the call is done while it succeeds: tenacity is not even loaded. Requirements S3-18 to S3-21.
"""

from __future__ import annotations

import random
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from wavebreak.resilience.aws_errors import FAULTS, is_transient
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class Preset(Value):
    """Calls made in all, the first pause and the longest one in seconds."""

    attempts: int
    base_seconds: float
    cap_seconds: float

    def pause(self, attempt: int, spread: float) -> float:
        """Return the seconds after an attempt (from 0); `spread` is -1 to 1, a quarter less to a quarter more."""
        return min(self.cap_seconds, self.base_seconds * 2.0**attempt * (1 + 0.25 * spread))


DEFAULT: Final = Preset(3, 1, 30)
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "cache": Preset(3, 0.5, 5),  # writes of breakers and Idempotency-Keys
        "database": Preset(3, 1, 10),  # batches and transactions that DynamoDB holds back
        "drs": Preset(2, 2, 10),  # a job that a lost answer left behind, looked for
        "templates": Preset(5, 0.5, 4),  # changes of launch templates: EC2 refills five calls a second
    }
)


def preset(name: str) -> Preset:
    """Return a preset by its name, the default for an unknown one."""
    return PRESETS.get(name, DEFAULT)


def sleep(seconds: float) -> None:
    """Wait between two attempts."""
    time.sleep(seconds)


def spread() -> float:
    """Return how far a pause is off its middle, -1 to 1."""
    return random.uniform(-1, 1)  # noqa: S311  no secret hangs on it


def call(name: str, work: Callable[[], T], worth_it: Callable[[BaseException], bool] = is_transient) -> T:
    """Do `work`, and again under the preset `name` while it ends with an error that is `worth_it`."""
    try:
        return work()
    except FAULTS as error:
        if not worth_it(error):
            raise
        first = [error]

    from wavebreak.resilience.tenacity_retry import repeating  # noqa: PLC0415  only a failure needs it

    def attempt() -> T:
        if first:
            raise first.pop()
        return work()

    chosen = preset(name)
    return repeating(chosen.attempts, lambda made: chosen.pause(made, spread()), worth_it, sleep)(attempt)
