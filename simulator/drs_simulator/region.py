"""What one account has in one Region, service by service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drs_simulator.drs import fleet as drs
from drs_simulator.ec2 import cloud as ec2
from drs_simulator.ssm import systems_manager as ssm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.invocations import Invocation


class World(drs.World, ec2.World, ssm.World, Protocol):
    """What the services need of the simulation around them."""


class Region:
    """One account in one Region. Not thread-safe: the simulation holds the lock."""

    def __init__(self, account: str, name: str, world: World) -> None:
        self.ec2 = ec2.Ec2(account, name, world, self._ended)
        self.fleet = drs.Fleet(self.ec2, world)
        self.systems_manager = ssm.SystemsManager(self.ec2, world)

    def instance(self, identifier: str) -> Instance | None:
        """Return an instance that EC2 shows, or that DRS still has a record of."""
        record = self.fleet.instances.get(identifier)
        return record.ec2 if record else self.ec2.instances.get(identifier)

    def disconnect(self, identifier: str, at: datetime) -> bool:
        """Make DRS forget an instance that runs on; returns whether it knew one."""
        record = self.fleet.instances.get(identifier)
        if record:
            self.fleet.forget_instance(record, at)
        return record is not None

    def names(self, parameters: object) -> set[str]:
        """Return what the parameters of a call name, and the source servers of the instances among it."""
        named = set(_texts(parameters))
        records = [self.fleet.instances[each] for each in named & self.fleet.instances.keys()]
        return named | {each.server.source_server_id for each in records}

    def invocations(self) -> Iterator[Invocation]:
        """Yield every invocation of every command."""
        for command in self.systems_manager.commands.values():
            yield from command.invocations.values()

    def _ended(self, instance_id: str) -> None:
        self.systems_manager.forget(instance_id)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
