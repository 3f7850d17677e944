"""The steps of a plan's waves, carried out: started under an intent, stopped with their execution or their wave.

The wave's record says STARTED before the run is made, so that a cancel sees it; the run's id follows from the wave, so
that making it twice makes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import due_step
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.stepping.wave_steps import asked_by, intended, is_cut_short, run_id, targets
from wavebreak.domain.steps.runs import StepKind
from wavebreak.use_cases.checks.run_check import run_check
from wavebreak.use_cases.run_command import cancel_planned, start_planned
from wavebreak.use_cases.steps.step_of_wave import go_on

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasTiming
    from wavebreak.use_cases.checks.run_check import Ports as RunCheckPorts

    class Ports(RunCheckPorts, HasTiming, Protocol):
        """What running the steps of waves needs."""


def run_step(app: Ports, execution_id: str, number: int) -> None:
    """Start the step of a wave that is due, see a started one made, or stop it with its execution or wave."""
    execution = _intended(app, execution_id, number)
    wave = execution.wave(number)
    step = wave.running_step
    if step is None:
        return
    if step.is_check:
        run_check(app, execution, wave, step)
    elif step.kind is StepKind.COMMAND:
        _forward(app, execution, wave, step)
    else:
        go_on(app, execution, wave, step)


def _forward(app: Ports, execution: Execution, wave: Wave, step: WaveStep) -> None:
    identifier = run_id(execution.execution_id, wave.number, step)
    if is_cut_short(execution, wave, step):
        cancel_planned(app, identifier, execution, step.name, wave.number)
        return
    asked = asked_by(app.executions.document(execution.execution_id), wave.number, step)
    start_planned(app, asked, identifier, execution, wave.number, targets(execution, wave, step.phase))


def _intended(app: Ports, execution_id: str, number: int) -> Execution:
    """Record that the next step of a wave is started, if it is still due; never after a cancel.

    Skipped steps are passed over.
    """
    now = app.now()

    def step(current: Execution) -> Execution:
        while current.wave(number).running_step is None:
            wave = current.wave(number)
            due = due_step(current, wave, now, app.timing)
            if due is None:
                break
            current = current.with_waves([intended(current, wave, due, now)])
        return current

    return app.executions.change(execution_id, step, Attribution(ENGINE_ACTOR, now))
