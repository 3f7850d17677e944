"""How a run goes through its targets: how many at a time, when it stops early, which Map carries it. Pure.

Requirements S0-4 and S1-2 (concurrency), S0-14 (early stop).
"""

from __future__ import annotations

from typing import Final

from wavebreak.domain.commands.catalogue import MAX_CONCURRENCY, CommandMode, command_mode
from wavebreak.domain.commands.results import ExecutionResult

ROUND_SECONDS: Final = 60
"""Seconds that one task of the state machine watches a target before it comes round again.

A command may run for two days: its rounds alone must fit into one history.
"""

WAITING_SECONDS: Final = 720
"""Seconds that a target may be watched beside its limit: ten minutes for its agent, delivery, and a grace."""

EVENTS_PER_TARGET: Final = 11
EVENTS_PER_FURTHER_ROUND: Final = 7
EVENTS_PER_LOSS: Final = 87
"""History events of a target: of its first round, of each further one, and what it costs on top to be lost at last.

It is lost after every repeat of its task, and of the one that records the loss. Tests count the machine's definition.
"""

MAX_INLINE_EVENTS: Final = 24_700
"""History events that an inline Map may cost: Step Functions ends an execution at 25,000, its own steps need some."""


def concurrency(command: str, targets: int) -> int:
    """Tell how many of `targets` are worked on at a time; UnsupportedCommand if the command is none of ours."""
    if targets < 0:
        raise ValueError(f"{targets} targets")
    return min(targets, MAX_CONCURRENCY[command_mode(command)])


def should_stop_early(command: str, *, stop_on_failure: bool, failed: int) -> bool:
    """Tell whether the targets that have not run yet are left out.

    Only a sequential run can be stopped, only if that was asked for, and then at the first failure: of a parallel run
    the others are already on their way.
    """
    return stop_on_failure and failed > 0 and command_mode(command) is CommandMode.SEQUENTIAL


def not_run(target: str, failed_target: str) -> ExecutionResult:
    """Make the result of a target that an early stop left out; it names the target that failed before."""
    return ExecutionResult.cancelled(target, reason=f"Not run: {failed_target} failed before")


def needs_distributed_map(targets: int, timeout_seconds: int) -> bool:
    """Tell whether a run is too large for an inline Map, which shares one history of 25,000 events.

    The worst case counts: every target is watched until its limit and longer, and is lost in the end.
    """
    if targets < 0 or timeout_seconds < 1:
        raise ValueError(f"{targets} targets of {timeout_seconds} seconds")
    return targets * most_events(timeout_seconds) > MAX_INLINE_EVENTS


def most_events(timeout_seconds: int) -> int:
    """Tell how many history events a target costs at most."""
    further_rounds = (WAITING_SECONDS + timeout_seconds - 1) // ROUND_SECONDS
    return EVENTS_PER_TARGET + EVENTS_PER_FURTHER_ROUND * further_rounds + EVENTS_PER_LOSS
