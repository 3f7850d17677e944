"""What Systems Manager of one account in one Region keeps: commands, and the machines that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from drs_simulator.ec2.model import State
from drs_simulator.ssm.machines import Machine

if TYPE_CHECKING:
    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.ec2.cloud import Ec2
    from drs_simulator.ec2.model import Instance
    from drs_simulator.manners import Lens
    from drs_simulator.ssm.agents import Agents
    from drs_simulator.ssm.documents import Documents
    from drs_simulator.ssm.invocations import Command
    from drs_simulator.ssm.runbooks import AutomationExecution, Runbooks


class World(Protocol):
    """What Systems Manager needs of the world; ``missing_lookups`` is how often a new invocation is not found."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    documents: Documents
    runbooks: Runbooks
    agents: Agents
    lens: Lens
    missing_lookups: int


class SystemsManager:
    """Systems Manager of one account in one Region. Not thread-safe: the simulation holds the lock.

    Every instance of ``ec2`` has an agent, whichever caller launched it.
    """

    def __init__(self, ec2: Ec2, world: World) -> None:
        self.ec2 = ec2
        self.account = ec2.account
        self.region = ec2.region
        self.world = world
        self.commands: dict[str, Command] = {}
        self.invocation_count = 0
        self.automations: dict[str, AutomationExecution] = {}
        self.automation_tokens: dict[str, tuple[dict[str, Any], AutomationExecution]] = {}
        self._machines: dict[str, Machine] = {}
        self._machines_to_be: dict[str, Machine] = {}

    def machine_to_be(self, source_server_id: str) -> Machine:
        """Return how the instances answer that will be launched for a source server."""
        return self._machines_to_be.setdefault(source_server_id, Machine())

    def machine(self, instance: Instance) -> Machine:
        """Return how an instance answers: as its server's were to, until the control API changes it."""
        identifier = instance.instance_id
        if identifier not in self._machines:
            to_be = self.machine_to_be(instance.origin) if instance.origin else Machine()
            self._machines[identifier] = to_be.copy()
        return self._machines[identifier]

    def is_managed(self, instance: Instance) -> bool:
        """Return whether an instance is one that Systems Manager takes commands for."""
        return instance.state.now is State.RUNNING and self.ec2.instances.get(instance.instance_id) is instance

    def is_registered(self, instance: Instance) -> bool:
        """Return whether an instance shows as one that takes commands: its agent registers a while after its launch."""
        moment = self.world.lens.moment(f"{instance.subject}/agent")
        return self.is_managed(instance) and instance.state.at(moment) is State.RUNNING

    def forget(self, instance_id: str) -> None:
        """Forget an instance that is no more, and end what runs there."""
        self._machines.pop(instance_id, None)
        self.world.agents.dismiss(instance_id)
