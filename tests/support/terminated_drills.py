"""Drills that are terminated, and what is told of their instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.plans import plan, wave

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clock import JumpingClock
    from tests.support.stack import Stack


ONE_WAVE = plan(wave("only", 1, 2))


def named(entries: list[dict[str, Any]]) -> list[str]:
    """Name the instances that a termination left."""
    return sorted(entry["recoveryInstanceId"] for entry in entries)


def instances_of(execution: dict[str, Any]) -> list[str]:
    """Name what an execution launched."""
    return sorted(entry["recoveryInstanceId"] for wave in execution["waves"] for entry in wave["servers"])


def reasons(execution: dict[str, Any]) -> dict[str, str]:
    """Why each instance is left, by its server."""
    termination = execution["termination"]
    return {entry["sourceServerId"]: entry["reason"] for entry in (*termination["remaining"], *termination["unknown"])}


def waited_for(
    stack: Stack, clock: JumpingClock, execution_id: str, until: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Read an execution until it is as wanted, time passing with each look."""

    def seen(execution: dict[str, Any]) -> bool:
        clock.forward(0.5)
        return until(execution)

    return stack.wait(execution_id, seen)
