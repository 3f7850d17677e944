"""What time limits, retries and circuit breakers cost a call that succeeds.

A client whose calls take no time stands in for boto3; behind it the layers are the product's own, with the state of the
circuit read as often as in a function: once, and then from the environment's memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from wavebreak.resilience import retries
from wavebreak.resilience.breaker_states import LocalStates
from wavebreak.resilience.circuit_breaker import RULES, Circuit
from wavebreak.timeouts import Deadline, ending_in

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_SECONDS: Final = 0.001
CALLS: Final = 2000
ROUNDS: Final = 7


@dataclass(frozen=True, slots=True)
class _Meta:
    method_to_api_mapping: dict[str, str]


class _Client:
    """A client of a service that answers at once."""

    meta = _Meta({"describe_jobs": "DescribeJobs"})

    def describe_jobs(self) -> dict[str, Any]:
        """Answer nothing."""
        return {}

    def get_paginator(self, name: str) -> None:
        """Give none: single calls are measured."""


def overhead() -> float:
    """Return the seconds that the layers add to one call, the median of some rounds."""
    bare: Any = _Client()
    guarded: Any = Circuit("bench", RULES["drs"], LocalStates()).guard(_Client(), operation="drs_call")

    def layered() -> None:
        deadline = Deadline("drs_read")
        with ending_in(deadline.left):
            retries.call("drs", guarded.describe_jobs)

    return median(_seconds(layered) - _seconds(bare.describe_jobs) for _ in range(ROUNDS))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(CALLS):
        work()
    return (time.perf_counter() - begin) / CALLS
