"""How a run goes through its targets: how many at a time, when it stops early, how long one machine drives it.

As many workers go through the targets as may be in flight at a time; each takes the next free target.
What they write into the history of the machine is counted in rounds: before it is full, the next run of the machine
takes over. Requirements S0-4 and S1-2 (concurrency), S0-14 (early stop).
"""

from __future__ import annotations

import math
from typing import Final

from wavebreak.domain.commands.catalogue import MAX_CONCURRENCY, CommandMode, command_mode
from wavebreak.domain.commands.results import ExecutionResult

ROUND_SECONDS: Final = 60
"""Seconds that one task of the state machine watches a target before it comes round again."""

EVENTS_PER_WORKER: Final = 4
EVENTS_PER_ROUND: Final = 7
EVENTS_PER_LOST_ROUND: Final = 96
"""History events of a worker beside its rounds, of a round, and of one that is lost after every repeat of its task and
of the one that records the loss. Tests count the machine's definition."""

LOST_ROUNDS: Final = math.ceil(EVENTS_PER_LOST_ROUND / EVENTS_PER_ROUND)
"""Rounds that a lost one counts for."""

MAX_ROUND_EVENTS: Final = 15_000
"""History events that the rounds of one run of the machine may cost together: Step Functions ends an execution at
25,000, and what is tried again, and the machine's own steps, need some."""


def concurrency(command: str, targets: int) -> int:
    """Return how many of `targets` are worked on at a time; UnsupportedCommand if the command is none of ours."""
    if targets < 0:
        raise ValueError(f"{targets} targets")
    return min(targets, MAX_CONCURRENCY[command_mode(command)])


def rounds_of_a_worker(workers: int) -> int:
    """Return after how many rounds of one of its workers a run of the machine hands over to the next."""
    if workers < 1:
        raise ValueError(f"{workers} workers")
    return MAX_ROUND_EVENTS // (workers * EVENTS_PER_ROUND)


def should_stop_early(command: str, *, stop_on_failure: bool, failed: int) -> bool:
    """Return whether the targets that have not run yet are left out.

    Only a sequential run can be stopped, only if that was asked for, and then at the first failure: of a parallel run
    the others are already on their way.
    """
    return stop_on_failure and failed > 0 and command_mode(command) is CommandMode.SEQUENTIAL


def not_run(target: str, failed_target: str) -> ExecutionResult:
    """Make the result of a target that an early stop left out; it names the target that failed before."""
    return ExecutionResult.cancelled(target, reason=f"Not run: {failed_target} failed before")
