"""The seed of the manners of every simulator that the product is tested against.

It is always the same, so that runs repeat each other, unless WAVEBREAK_SEED names one or says `drawn` (`make soak`).
"""

from __future__ import annotations

import os
from random import SystemRandom
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from drs_simulator.clockwork.timing import Timing
from drs_simulator.manners import SEED_BITS, STRICT, Lens, Manners

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from datetime import datetime

SEED: Final = "WAVEBREAK_SEED"
DRAWN: Final = "drawn"
_USUAL: Final = "1"


def choose_seed(environment: MutableMapping[str, str]) -> None:
    """Settle the seed of this run; processes that it starts inherit it."""
    named = environment.get(SEED) or _USUAL
    environment[SEED] = str(SystemRandom().getrandbits(SEED_BITS)) if named == DRAWN else named


def seed() -> int:
    """Return the seed of this run."""
    return int(os.environ[SEED])


def manners() -> Manners:
    """Return what the services are like, and how contract 11 has it: late, incomplete, unordered."""
    return Manners(seed=seed())


def lens(now: Callable[[], datetime], of: Manners | None = None) -> Lens:
    """Give what a small world of a test is looked at through, which has a time of its own; strict unless told."""
    clock: Any = SimpleNamespace(now=now)
    return Lens(of or STRICT, clock, Timing())
