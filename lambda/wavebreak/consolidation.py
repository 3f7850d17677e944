"""Checks and their factors: everything about them that needs no AWS (contract 7, requirements S4). Pure.

This is the face of the modules of `domain.checks`; import a part that is needed alone from its own module.
"""

from wavebreak.domain.checks.check_output import CheckOutcome, NoFactorsError, outcome_of, read_factors
from wavebreak.domain.checks.consolidation import (
    Consolidated,
    Misfit,
    consolidate,
    misfits,
)
from wavebreak.domain.checks.launch import launch
from wavebreak.domain.checks.recovery_point import recovery_point
from wavebreak.domain.checks.recovery_time import recovery_time
from wavebreak.domain.plans.model import ProcessorType, Reducer

__all__ = [
    "CheckOutcome",
    "Consolidated",
    "Misfit",
    "NoFactorsError",
    "ProcessorType",
    "Reducer",
    "consolidate",
    "launch",
    "misfits",
    "outcome_of",
    "read_factors",
    "recovery_point",
    "recovery_time",
]
