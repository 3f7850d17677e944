"""Command runs whose machine ended without having finished its work, or was never started: taken up again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.commands.lifetime import deadline_of
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.domain.executions.machine_runs import command_id_of, command_run_of
from wavebreak.use_cases import driven_runs
from wavebreak.use_cases.command_machine.end_in_place import give_up, stop_cancelled
from wavebreak.use_cases.command_machine.next_run import start_next
from wavebreak.use_cases.driven_runs import RunKind

if TYPE_CHECKING:
    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.ports.capabilities import HasTiming
    from wavebreak.use_cases.command_machine.end_in_place import Ports as EndInPlacePorts

    class Ports(EndInPlacePorts, HasTiming, Protocol):
        """What reconciling command runs needs."""


def machine_ended(app: Ports, name: str) -> bool:
    """Start the next run of a command machine that ended without having finished its work."""
    return driven_runs.machine_ended(app, _kind(app), name)


def sweep(app: Ports) -> int:
    """Start a machine for every run that has none any more, as `driven_runs.sweep` does; return how many."""
    return driven_runs.sweep(app, _kind(app))


def _kind(app: Ports) -> RunKind[CommandRun]:
    return RunKind(
        what="command run",
        load=app.commands.load,
        run_id_of=command_id_of,
        machine_run_of=command_run_of,
        active_ids=app.commands.active_ids,
        record_error=lambda error, command_id: app.errors.record_error(error, command_id=command_id),
        deadline_of=lambda run: deadline_of(run, app.timing),
        begun_at=lambda run: run.started_at,
        is_machine_running=lambda run: app.workflow.is_command_running(run.command_id, run.machine_run),
        ends_in_place=partial(_is_stopped, app),
        give_up=partial(give_up, app),
        start_next=partial(start_next, app, died=True),
    )


def _is_stopped(app: Ports, run: CommandRun) -> bool:
    return run.status is CommandRunStatus.CANCELLING and stop_cancelled(app, run).status.is_terminal
