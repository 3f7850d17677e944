"""A circuit on a clock that the test moves."""

from __future__ import annotations

import pytest
from tests.support.circuit_clock import Clock, on_clock

from wavebreak.resilience.breaker_states import LocalStates
from wavebreak.resilience.circuit_breaker import RULES, Circuit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return on_clock(monkeypatch)


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    del clock
    return Circuit("drs/us-east-1", RULES["drs"], LocalStates())
