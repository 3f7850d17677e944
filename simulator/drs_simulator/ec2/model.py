"""What EC2 of one account and Region keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class State(StrEnum):
    """The states of an instance. The codes are EC2's; DRS writes the names in capitals."""

    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def code(self) -> int:
        """Return the number that stands for it."""
        return {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}[self]


@dataclass
class SecurityGroup:
    """A security group; what it lets through plays no part here."""

    group_id: str
    vpc_id: str
    name: str


@dataclass
class Interface:
    """A network interface; one without an instance belongs to another caller, and only holds an address."""

    interface_id: str
    subnet: Subnet
    address: IPv4Address
    group_ids: tuple[str, ...]
    device_index: int = 0
    instance_id: str | None = None


# EC2 keeps the first four addresses of a subnet and the last one.
_FIRST, _KEPT = 4, 5


@dataclass
class Subnet:
    """A subnet and who has its addresses; below ``lowest`` none is free."""

    subnet_id: str
    vpc_id: str
    zone: str
    network: IPv4Network
    is_default: bool = False
    interfaces: dict[IPv4Address, Interface] = field(default_factory=dict)
    lowest: IPv4Address = field(init=False)

    def __post_init__(self) -> None:
        self.lowest = self.network[_FIRST]

    def take(self, interface: Interface) -> None:
        """Return an interface its address."""
        self.interfaces[interface.address] = interface

    def release(self, interface: Interface) -> None:
        """Release the address of an interface."""
        self.interfaces.pop(interface.address, None)
        self.lowest = min(self.lowest, interface.address)

    @property
    def free(self) -> int:
        """Return how many addresses are left."""
        return self.network.num_addresses - _KEPT - len(self.interfaces)

    def free_addresses(self) -> Iterator[IPv4Address]:
        """Yield the free addresses, the lowest first."""
        for number in range(int(self.lowest), int(self.network[-1])):
            address = IPv4Address(number)
            if address not in self.interfaces:
                yield address

    def next_free(self) -> IPv4Address | None:
        """Return the lowest free address, None in a full subnet."""
        found = next(self.free_addresses(), None)
        self.lowest = found or self.network[-1]
        return found

    def holds(self, address: IPv4Address) -> bool:
        """Return whether instances may have an address."""
        return self.network[_FIRST] <= address < self.network[-1]


@dataclass
class Instance:
    """An instance, from its launch until EC2 forgets it some time after its end.

    ``subject`` is what manners know it by, ``name`` what it is called, ``origin`` the source server that it was
    launched for. ``protected`` ones may not be terminated.
    """

    instance_id: str
    subject: str
    launched_at: datetime
    instance_type: str
    interfaces: list[Interface]
    state: Timeline[State]
    tags: dict[str, str]
    name: str
    origin: str | None = None
    template: tuple[str, int] | None = None
    protected: bool = False
    windows: bool = False
    zone: str = ""

    @property
    def primary(self) -> Interface | None:
        """Return the interface that counts; None once it was given up."""
        return self.interfaces[0] if self.interfaces else None

    @property
    def is_gone(self) -> bool:
        """Return whether it ends or has ended."""
        return self.state.now in (State.SHUTTING_DOWN, State.TERMINATED)


@dataclass(frozen=True)
class Version:
    """A version of a launch template; ``data`` is a RequestLaunchTemplateData of the EC2 model."""

    number: int
    data: dict[str, Any]
    description: str | None
    created_at: datetime
    created_by: str


@dataclass
class LaunchTemplate:
    """A launch template with its versions, ``deleted`` ones not among them."""

    template_id: str
    name: str
    created_at: datetime
    created_by: str
    tags: dict[str, str]
    versions: dict[int, Version] = field(default_factory=dict)
    default: Timeline[int] = field(default_factory=lambda: Timeline(1))
    latest: int = 0

    def add(self, version: Version) -> None:
        """Add the next version."""
        self.versions[version.number] = version
        self.latest = version.number
