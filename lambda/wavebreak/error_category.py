"""The categories by which recorded errors are found and counted.

Our exceptions have a class attribute `category`; an exception without one is a fault of this code.
"""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """What an error is about."""

    DATABASE = "DATABASE"
    DRS = "DRS"
    WORKFLOW = "WORKFLOW"
    """Step Functions, and runs of the state machines."""
    DEPENDENCY = "DEPENDENCY"
    """Another service."""
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    """A call that an open circuit breaker did not let through."""
    PERMISSION = "PERMISSION"
    CONFIGURATION = "CONFIGURATION"
    TIMEOUT = "TIMEOUT"
    CRASH = "CRASH"
    """A function's process ended, or never came up."""
    DEAD_LETTER = "DEAD_LETTER"
    """An event that no function could take in."""
    INTERNAL = "INTERNAL"
    """A fault of this code."""
