"""What the control API sets of Run Command: how instances answer, and how late an invocation is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, StringConstraints

from drs_simulator.settings import Settings
from drs_simulator.ssm.commands import deliver_waiting
from drs_simulator.ssm.machines import COMMAND_NAME, CannedCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.agents import OutputLines
    from drs_simulator.ssm.machines import Machine
    from drs_simulator.ssm.systems_manager import SystemsManager

_CommandName = Annotated[str, StringConstraints(pattern=f"^{COMMAND_NAME}$")]


@dataclass(frozen=True)
class RunCommand:
    """How commands are run: where the machines' roots are made, and who gets what the commands write.

    ``instances_directory`` None is the place of temporary files; one that cannot be used is a ValueError. ``listener``
    gets the lines of commands that asked for CloudWatch Logs, by the thread that reads them: it must be quick.
    """

    instances_directory: Path | None = None
    listener: Callable[[OutputLines], None] | None = None


class LookupSettings(Settings):
    """How many lookups of a new invocation fail."""

    missing_lookups: int = Field(ge=0, le=1000)


class MachineSettings(Settings):
    """How a machine answers; what is left out keeps its value, a command that is null is the machine's own again."""

    reachable: bool | None = None
    undeliverable: bool | None = None
    commands: dict[_CommandName, CannedCommand | None] | None = None

    def apply_to_machine_to_be(self, ssm: SystemsManager, source_server_id: str) -> dict[str, Any]:
        """Change the machines that will be launched for a server."""
        machine = ssm.machine_to_be(source_server_id)
        self._apply(machine)
        return _view(source_server_id, machine, None)

    def apply_to_machine(self, ssm: SystemsManager, instance: Instance) -> dict[str, Any]:
        """Change one machine, and hand over what has waited for it if it can be reached now."""
        machine = ssm.machine(instance)
        self._apply(machine)
        root = ssm.world.agents.root_of(ssm, instance) if ssm.is_managed(instance) else None
        deliver_waiting(ssm, instance)
        return _view(instance.instance_id, machine, root)

    def _apply(self, machine: Machine) -> None:
        machine.reachable = machine.reachable if self.reachable is None else self.reachable
        machine.undeliverable = machine.undeliverable if self.undeliverable is None else self.undeliverable
        for name, command in (self.commands or {}).items():
            machine.commands.pop(name, None)
            if command is not None:
                machine.commands[name] = command


def _view(identifier: str, machine: Machine, root: Path | None) -> dict[str, Any]:
    return {
        "instanceId": identifier,
        "reachable": machine.reachable,
        "undeliverable": machine.undeliverable,
        "commands": {name: command.model_dump(by_alias=True) for name, command in machine.commands.items()},
        "directory": None if root is None else str(root),
    }
