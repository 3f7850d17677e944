"""The next run of a command machine: after one whose history is nearly full, and after one that died."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.use_cases import driven_runs

if TYPE_CHECKING:
    from wavebreak.domain.commands.runs import CommandRun
    from wavebreak.ports.capabilities import HasClock, HasCommands, HasWorkflow

    class Ports(HasClock, HasCommands, HasWorkflow, Protocol):
        """What starting the next run needs."""


def start_next(app: Ports, run: CommandRun, *, died: bool) -> bool:
    """Make the next machine run the present one, unless another call did, and start it."""
    now = app.now()
    return driven_runs.start_next(
        run,
        run.command_id,
        now,
        died=died,
        change=lambda step: app.commands.change(run.command_id, step, Attribution(ENGINE_ACTOR, now)),
        start=partial(app.workflow.start_command, run.command_id),
    )
