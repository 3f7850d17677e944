"""The commands of a plan's waves, carried out: started under an intent, cancelled with their execution.

The wave's record says STARTED before the run is made, so that a cancel sees it; the run's id follows from the wave, so
that making it twice makes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import due_step
from wavebreak.domain.executions.model import Attribution
from wavebreak.domain.executions.stepping.wave_steps import asked_by, intended, run_id, targets
from wavebreak.use_cases.checks.make_check import make_check
from wavebreak.use_cases.run_command import cancel_planned, start_planned

if TYPE_CHECKING:
    from wavebreak.app import App
    from wavebreak.domain.executions.model import Execution


def run_command(app: App, execution_id: str, number: int) -> None:
    """Start the command of a wave that is due, see a started one made, or cancel it with its execution."""
    execution = _intended(app, execution_id, number)
    wave = execution.wave(number)
    command = wave.running_step
    if command is None:
        return
    if command.is_check:
        make_check(app, execution, wave, command)
        return
    identifier = run_id(execution_id, number, command)
    if execution.cancel is not None:
        cancel_planned(app, identifier, execution, command.name, number)
        return
    asked = asked_by(app.executions.document(execution_id), number, command)
    start_planned(app, asked, identifier, execution, number, targets(execution, wave, command.phase))


def _intended(app: App, execution_id: str, number: int) -> Execution:
    """Write that the next command of a wave is started, if it is still due; never after a cancel.

    Those that have no server to run on are passed over.
    """
    now = app.now()

    def step(current: Execution) -> Execution:
        while current.wave(number).running_step is None:
            wave = current.wave(number)
            due = due_step(current, wave, now, app.timing)
            if due is None:
                break
            current = current.with_waves([intended(current, wave, due)])
        return current

    return app.executions.change(execution_id, step, Attribution(ENGINE_ACTOR, now))
