"""What Systems Manager of one account in one Region keeps: commands, and the machines that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drs_simulator.ssm.machines import Machine

if TYPE_CHECKING:
    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.drs.model import RecoveryInstance
    from drs_simulator.manners import Lens
    from drs_simulator.ssm.agents import Agents
    from drs_simulator.ssm.commands import Command
    from drs_simulator.ssm.documents import Documents


class World(Protocol):
    """What Systems Manager needs of the world; ``missing_lookups`` is how often a new invocation is not found."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    documents: Documents
    agents: Agents
    lens: Lens
    missing_lookups: int


class SystemsManager:
    """Systems Manager of one account in one Region. Not thread-safe: the simulation holds the lock."""

    def __init__(self, fleet: Fleet, world: World) -> None:
        self.fleet = fleet
        self.account = fleet.account
        self.region = fleet.region
        self.world = world
        self.commands: dict[str, Command] = {}
        self.invocation_count = 0
        self._machines: dict[str, Machine] = {}
        self._machines_to_be: dict[str, Machine] = {}

    def machine_to_be(self, source_server_id: str) -> Machine:
        """Return how the instances answer that will be launched for a source server."""
        return self._machines_to_be.setdefault(source_server_id, Machine())

    def machine(self, instance: RecoveryInstance) -> Machine:
        """Return how an instance answers: as its server's were to, until somebody says otherwise."""
        identifier = instance.recovery_instance_id
        if identifier not in self._machines:
            self._machines[identifier] = self.machine_to_be(instance.server.source_server_id).copy()
        return self._machines[identifier]

    def is_managed(self, instance: RecoveryInstance) -> bool:
        """Tell whether an instance is one that Systems Manager takes commands for."""
        return instance.state.now == "RUNNING" and self.fleet.instances.get(instance.recovery_instance_id) is instance

    def is_registered(self, instance: RecoveryInstance) -> bool:
        """Tell whether an instance shows as one that takes commands: its agent registers a while after its launch."""
        moment = self.world.lens.moment(f"{instance.subject}/agent")
        return self.is_managed(instance) and instance.launched_at <= moment

    def forget(self, instance_id: str) -> None:
        """Forget an instance that is no more, and end what runs there."""
        self._machines.pop(instance_id, None)
        self.world.agents.dismiss(instance_id)
