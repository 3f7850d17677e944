"""The next run of a command machine: after one whose history is nearly full, and after one that died."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wavebreak.domain.commands.lifetime import with_next_machine
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.words import Attribution

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.commands.runs import CommandRun

logger = logging.getLogger(__name__)


def start_next(app: App, run: CommandRun, *, died: bool) -> bool:
    """Make the next machine run the present one, unless another already did, and start it."""
    now = app.now()

    def step(current: CommandRun) -> CommandRun:
        same = current.machine_run == run.machine_run and not current.status.is_terminal
        return with_next_machine(current, now, died=died) if same else current

    after = app.commands.change(run.command_id, step, Attribution(ENGINE_ACTOR, now))
    if after.machine_run != run.machine_run + 1:
        return False
    app.workflow.start_command(run.command_id, after.machine_run)
    logger.log(
        logging.WARNING if died else logging.INFO,
        "machine of %s goes on as run %s",
        run.command_id,
        after.machine_run,
    )
    return True
