"""The next run of a step machine: after one whose history is nearly full, and after one that died."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from wavebreak.domain.steps.lifetime import with_next_machine

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.steps.runs import StepRun

logger = logging.getLogger(__name__)


def start_next(app: App, run: StepRun, *, died: bool) -> bool:
    """Make the next machine run the present one, unless another already did, and start it."""
    now = app.now()

    def step(current: StepRun) -> StepRun:
        same = current.machine_run == run.machine_run and not current.status.is_terminal
        return with_next_machine(current, now, died=died) if same else current

    after = app.steps.change(run.step_id, step)
    if after.machine_run != run.machine_run + 1:
        return False
    app.workflow.start_step(run.step_id, after.machine_run)
    level = logging.WARNING if died else logging.INFO
    logger.log(level, "machine of step %s goes on as run %s", run.step_id, after.machine_run)
    return True
