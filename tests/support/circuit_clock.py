"""Powertools' circuit breaker on a clock that a test moves, without what earlier tests left in this process."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.circuit_breaker import base
from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as layer
from aws_lambda_powertools.utilities.circuit_breaker.persistence import dynamodb

from wavebreak.resilience import breaker_states, circuit_breaker

if TYPE_CHECKING:
    import pytest


class Clock:
    """Seconds since the epoch, as a test sets them."""

    def __init__(self, at: int = 1_800_000_000) -> None:
        self.at = at

    def now(self) -> datetime:
        """Tell the time as `datetime.now` does."""
        return datetime.fromtimestamp(self.at, tz=UTC)

    def time(self) -> float:
        """Tell the time as `time.time` does."""
        return float(self.at)


def forget_streaks() -> None:
    """Forget what Powertools counts for the life of an execution environment."""
    for counted in (base._LOCAL_FAILURES, base._LOCAL_SUCCESSES, base._LAST_OBSERVED_STATE):
        counted.clear()


def on_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Have circuits go by a clock of the test's."""
    clock = Clock()
    forget_streaks()
    for module in (base, layer, dynamodb):
        monkeypatch.setattr(module, "dt", SimpleNamespace(datetime=SimpleNamespace(now=clock.now)))
    for ours in (circuit_breaker, breaker_states):
        monkeypatch.setattr(ours, "time", SimpleNamespace(time=clock.time))
    return clock
