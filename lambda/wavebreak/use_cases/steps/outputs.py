"""What the steps of waves answered, read from where their runs keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.views.steps import runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasCommands, HasSteps

    class Ports(HasCommands, HasSteps, Protocol):
        """What reading the answers of steps needs."""


def outputs_of(app: Ports, execution: Execution, waves: Iterable[Wave]) -> dict[str, str | None]:
    """Read the outputs of the steps of waves by the ids of their runs; of a command that is its summary."""
    commands: list[str] = []
    others: list[str] = []
    for wave in waves:
        of_commands, of_others = runs_of(execution, wave)
        commands += of_commands
        others += of_others
    return {
        **{name: run.summary for name, run in (app.commands.load_many(commands) if commands else {}).items()},
        **{name: run.output for name, run in (app.steps.load_many(others) if others else {}).items()},
    }
