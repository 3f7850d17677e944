"""Command runs whose machine ended without having finished its work, or was never started: taken up again.

One that is past its own deadline, or whose machines die one after another, is given up: every run ends.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.lifetime import deadline_of, deaths, keeps_dying
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.executions.machine_runs import command_id_of, command_run_of
from wavebreak.problems import NotFound
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.use_cases import record_machine_failures
from wavebreak.use_cases.command_machine.end_in_place import give_up, stop_cancelled
from wavebreak.use_cases.command_machine.next_run import start_next

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.commands.runs import CommandRun

logger = logging.getLogger(__name__)

_YOUNG: Final = timedelta(minutes=2)
"""A run younger than this may still be on its way to its machine."""
_DEATHS_AT_ONCE: Final = 3
"""Machines in a row that died young and were each followed by the next at once; later ones are left to the sweep."""


def machine_ended(app: App, name: str) -> bool:
    """Start the next run of a command machine that ended without having finished its work."""
    try:
        run = app.commands.load(command_id_of(name))
    except NotFound:
        logger.warning("machine run %s belongs to no command run", name)
        return False
    if run.status.is_terminal or run.machine_run != command_run_of(name):
        return False
    if deaths(run, app.now()) > _DEATHS_AT_ONCE:
        record_machine_failures.gave_up(app, run.execution_id, name)
        return False
    return start_next(app, run, died=True)


def sweep(app: App) -> int:
    """Start a machine for every run that has none any more; gives how many.

    One that cannot be looked after does not keep the others from it; the last such fault is raised in the end.
    """
    return each_despite_faults(
        app.commands.active_ids(),
        lambda command_id: _look_after(app, app.commands.load(command_id)),
        lambda error, command_id: app.errors.record_error(error, command_id=command_id),
    )


def _look_after(app: App, run: CommandRun) -> bool:
    """Start the next run of a machine that is gone; a run that cannot come to its end so is ended here."""
    now = app.now()
    if run.status.is_terminal:
        return False
    if now >= deadline_of(run, app.timing):
        give_up(app, run, "it had not ended when it must have")
        return False
    young = now - run.started_at < _YOUNG
    if young or app.workflow.is_command_running(run.command_id, run.machine_run):
        return False
    if run.status is CommandRunStatus.CANCELLING and stop_cancelled(app, run).status.is_terminal:
        return False
    if keeps_dying(run, now):
        failure = run.last_failure or {"error": "unknown", "cause": ""}
        give_up(
            app, run, f"its machine failed again and again, at last with {failure['error']}: {failure['cause']}"[:500]
        )
        return False
    return start_next(app, run, died=True)
