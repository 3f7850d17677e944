"""What the regular sweep looks after, one thing after the other; a fault of one keeps no other from being done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.use_cases import reconcile_commands, reconcile_executions, watch_dead_letters
from wavebreak.use_cases.leases import end_leases
from wavebreak.use_cases.schedules import keep_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wavebreak.app import App

_WORKS: Final[Mapping[str, Callable[[App], int]]] = {
    "restarted": reconcile_executions.sweep,
    "commands": reconcile_commands.sweep,
    "leases": end_leases.sweep,
    "schedules": keep_schedule.sweep,
    "failedEvents": watch_dead_letters.look,
}


def everything(app: App, record: Callable[[Exception], object]) -> dict[str, int]:
    """Look after everything, and count what was done of each; faults are recorded, and the last is raised."""
    counts: dict[str, int] = {}
    fault: Exception | None = None
    for name, work in _WORKS.items():
        try:
            counts[name] = work(app)
        except Exception as error:  # noqa: BLE001  the doorway of each part: raised below
            record(error)
            fault = error
    if fault is not None:
        raise fault
    return counts
