"""The state machines, as use cases start and wake them; `aws/step_functions.py` says what each call does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.machine_runs import Machine


class ExecutionMachines(Protocol):
    """The machines of recoveries and terminations."""

    def start(self, machine: Machine, execution_id: str, run: int, /) -> None: ...
    def start_next(self, machine: Machine, execution_id: str, known_run: int, now: datetime, /) -> bool: ...
    def wake(self, machine: Machine, execution_id: str, /) -> bool: ...
    def is_running(self, machine: Machine, execution_id: str, run: int, /) -> bool: ...


class CommandMachines(Protocol):
    """The machine of command runs."""

    def start_command(self, command_id: str, run: int, /) -> None: ...
    def is_command_running(self, command_id: str, run: int, /) -> bool: ...


class StepMachines(Protocol):
    """The machine of steps."""

    def start_step(self, step_id: str, run: int, /) -> None: ...
    def is_step_running(self, step_id: str, run: int, /) -> bool: ...


class Machines(ExecutionMachines, CommandMachines, StepMachines, Protocol):
    """All of them: one service, one adapter."""
