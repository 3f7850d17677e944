"""One wave of an execution with all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.domain.checks.whole_execution import whole_wave
from wavebreak.use_cases.operate_execution import wave_number
from wavebreak.use_cases.steps.outputs import outputs_of

if TYPE_CHECKING:
    from wavebreak.ports.capabilities import HasClock, HasCommands, HasExecutions, HasSteps, HasTiming

    class Ports(HasClock, HasCommands, HasExecutions, HasSteps, HasTiming, Protocol):
        """What reading a wave needs."""


def read_wave(app: Ports, execution_id: str, written: str, caller: str) -> dict[str, Any]:
    """Show the wave whose number is written in a path to `caller`, with what its steps answered; raise NotFound."""
    execution = app.executions.load(execution_id).execution
    number = wave_number(execution, written)
    outputs = outputs_of(app, execution, [execution.wave(number)])
    return whole_wave(execution, number, caller, app.now(), app.timing, outputs)
