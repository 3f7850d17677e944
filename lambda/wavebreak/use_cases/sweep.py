"""What the regular sweep does, one task after the other; a fault of one does not stop the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.use_cases import reconcile_executions, watch_dead_letters
from wavebreak.use_cases.command_machine import reconcile_commands
from wavebreak.use_cases.leases import end_leases
from wavebreak.use_cases.networks import sweep_templates
from wavebreak.use_cases.schedules import keep_schedule
from wavebreak.use_cases.steps import reconcile_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wavebreak.ports.capabilities import (
        HasFailedEvents,
        HasOutbox,
        HasPlans,
        HasScheduler,
        HasSchedules,
        HasTemplateChanges,
        HasTemplates,
    )
    from wavebreak.use_cases.leases.end_leases import Ports as EndLeasesPorts

    class Ports(
        EndLeasesPorts,
        HasFailedEvents,
        HasOutbox,
        HasPlans,
        HasScheduler,
        HasSchedules,
        HasTemplateChanges,
        HasTemplates,
        Protocol,
    ):
        """What the regular sweep needs."""


_WORKS: Final[Mapping[str, Callable[[Ports], int]]] = {
    "restarted": reconcile_executions.sweep,
    "commands": reconcile_commands.sweep,
    "steps": reconcile_steps.sweep,
    "leases": end_leases.sweep,
    "schedules": keep_schedule.sweep,
    "failedEvents": watch_dead_letters.count_new,
    "templates": sweep_templates.sweep,
}


def sweep_everything(app: Ports) -> dict[str, int]:
    """Do every task of the sweep, and count what was done of each; faults are recorded, and the last is raised."""
    counts: dict[str, int] = {}

    def count_of(name: str) -> int:
        counts[name] = _WORKS[name](app)
        return counts[name]

    each_despite_faults(_WORKS, count_of, lambda error, _name: app.errors.record_error(error))
    return counts
