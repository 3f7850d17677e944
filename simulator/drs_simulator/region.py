"""What one account has in one Region, service by service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from drs_simulator.drs import fleet as drs
from drs_simulator.ssm import systems_manager as ssm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.ssm.commands import Invocation


class World(drs.World, ssm.World, Protocol):
    """What the services need of the simulation around them."""


class Region:
    """One account in one Region. Not thread-safe: the simulation holds the lock."""

    def __init__(self, account: str, name: str, world: World) -> None:
        self.fleet = drs.Fleet(account, name, world, self._ended)
        self.systems_manager = ssm.SystemsManager(self.fleet, world)

    def invocations(self) -> Iterator[Invocation]:
        """Go through every invocation of every command."""
        for command in self.systems_manager.commands.values():
            yield from command.invocations.values()

    def _ended(self, instance_id: str) -> None:
        self.systems_manager.forget(instance_id)
