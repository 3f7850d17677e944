"""The seed of the manners of every simulator that the product is tested against.

It is drawn for each run, unless WAVEBREAK_SEED names it.
"""

from __future__ import annotations

import os
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from drs_simulator.manners import SEED_BITS, Manners

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SEED: Final = "WAVEBREAK_SEED"


def choose_seed(environment: MutableMapping[str, str]) -> None:
    """Draw the seed of this run where none is named; processes that it starts inherit it."""
    if not environment.get(SEED):
        environment[SEED] = str(SystemRandom().getrandbits(SEED_BITS))


def seed() -> int:
    """Return the seed of this run."""
    return int(os.environ[SEED])


def manners() -> Manners:
    """Return what the services are like, and how contract 11 has it: late, incomplete, unordered."""
    return Manners(seed=seed())
