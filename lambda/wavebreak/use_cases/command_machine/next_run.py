"""The next run of a command machine: after one whose history is nearly full, and after one that died."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.commands.runs import CommandRun

logger = logging.getLogger(__name__)


def start_next(app: App, run: CommandRun) -> bool:
    """Make the next machine run the present one, unless another already did, and start it."""

    def step(current: CommandRun) -> CommandRun:
        same = current.machine_run == run.machine_run and not current.status.is_terminal
        return replace(current, machine_run=run.machine_run + 1) if same else current

    after = app.commands.change(run.command_id, step, Act(ENGINE_ACTOR, app.now()))
    if after.machine_run != run.machine_run + 1:
        return False
    app.workflow.start_command(run.command_id, after.machine_run)
    logger.info("machine of %s goes on as run %s", run.command_id, after.machine_run)
    return True
