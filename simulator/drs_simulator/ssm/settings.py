"""What the control API sets of Run Command: how instances answer, and how late an invocation is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from drs_simulator.ssm.commands import deliver_waiting
from drs_simulator.ssm.machines import COMMAND_NAME, CannedCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drs_simulator.drs.fleet import Fleet, RecoveryInstance, SourceServer
    from drs_simulator.ssm.agents import OutputLines
    from drs_simulator.ssm.machines import Machine

_WIRE_NAMES = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)
_CommandName = Annotated[str, StringConstraints(pattern=f"^{COMMAND_NAME}$")]


@dataclass(frozen=True)
class RunCommand:
    """How commands are run: where the machines' roots are made, and who is told what the commands write.

    ``instances_directory`` None is the place of temporary files; one that cannot be used is a ValueError. ``listener``
    is told the lines of commands that asked for CloudWatch Logs, by the thread that reads them: it must be quick.
    """

    instances_directory: Path | None = None
    listener: Callable[[OutputLines], None] | None = None


class LookupSettings(BaseModel):
    """How many lookups of a new invocation fail."""

    model_config = _WIRE_NAMES

    missing_lookups: int = Field(ge=0, le=1000)


class InstanceSettings(BaseModel):
    """How a machine answers; what is left out keeps its value, a command that is null is the machine's own again."""

    model_config = _WIRE_NAMES

    reachable: bool | None = None
    undeliverable: bool | None = None
    commands: dict[_CommandName, CannedCommand | None] | None = None

    def apply_to_server(self, fleet: Fleet, server: SourceServer) -> dict[str, Any]:
        """Change the machines that will be launched for a server, and the one that is there."""
        self._apply(server.machine)
        if server.recovery_instance_id:
            return self.apply_to_instance(fleet, fleet.instances[server.recovery_instance_id])
        return _view(server.source_server_id, server.machine, None)

    def apply_to_instance(self, fleet: Fleet, instance: RecoveryInstance) -> dict[str, Any]:
        """Change one machine, and hand over what has waited for it if it can be reached now."""
        self._apply(instance.machine)
        root = fleet.world.agents.root_of(instance)
        deliver_waiting(fleet, instance)
        return _view(instance.recovery_instance_id, instance.machine, root)

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
