"""The next run of a step machine: after one whose history is nearly full, and after one that died."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from wavebreak.use_cases import driven_runs

if TYPE_CHECKING:
    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.ports.capabilities import HasClock, HasSteps, HasWorkflow

    class Ports(HasClock, HasSteps, HasWorkflow, Protocol):
        """What starting the next machine needs."""


def start_next(app: Ports, run: StepRun, *, died: bool) -> bool:
    """Make the next machine run the present one, unless another call did, and start it."""
    return driven_runs.start_next(
        run,
        f"step {run.step_id}",
        app.now(),
        died=died,
        change=partial(app.steps.change, run.step_id),
        start=partial(app.workflow.start_step, run.step_id),
    )
