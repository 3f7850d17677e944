"""EC2 of one account in one Region: its networks, and the instances that are launched into them and end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any, Protocol

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.ec2.instance_types import ZONES, Offerings
from drs_simulator.ec2.model import Instance, Interface, SecurityGroup, State, Subnet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.clockwork.agenda import Agenda
    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.ids import IdSource
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.ec2.model import LaunchTemplate
    from drs_simulator.manners import Lens

_DEFAULT_RANGE = IPv4Network("172.31.0.0/16")
_DEFAULT_SUBNET_BITS = 20
# How long EC2 still shows an instance that has ended: about an hour, scaled.
_SHOWN_AFTER_ITS_END_SECONDS = 3600


class World(Protocol):
    """What EC2 needs of the simulation around it; ``vcpu_quota`` is how many vCPUs may run."""

    clock: Clock
    timing: Timing
    ids: IdSource
    agenda: Agenda
    lens: Lens

    @property
    def vcpu_quota(self) -> int:
        """Return how many vCPUs the running instances of a Region may have."""


@dataclass(frozen=True)
class Existing:
    """An instance that is to exist without a launch of the simulator."""

    instance_id: str
    instance_type: str
    name: str
    subnet: Subnet | None = None
    state: State = State.RUNNING
    windows: bool = False


class Ec2:
    """EC2 of one account in one Region. Not thread-safe: the simulation holds the lock.

    ``ended`` gets the id of each instance that has been terminated. It begins with a default VPC: a subnet in each
    zone, and the default security group.
    """

    def __init__(self, account: str, region: str, world: World, ended: Callable[[str], None]) -> None:
        self.account = account
        self.region = region
        self.world = world
        self.vpc_id = self.own_id("vpc", "default")
        self.offerings = Offerings(tuple(f"{region}{letter}" for letter in ZONES))
        self.subnets: dict[str, Subnet] = {}
        self.groups: dict[str, SecurityGroup] = {}
        self.instances: dict[str, Instance] = {}
        self.templates: dict[str, LaunchTemplate] = {}
        self.tokens: dict[tuple[str, str], tuple[Any, Any]] = {}
        self.running_vcpus = 0
        self._vcpus: dict[str, int] = {}
        self._ended = ended
        self._add_default_network()

    def own_id(self, kind: str, *names: str) -> str:
        """Return the id of something that is always there: the same in every run."""
        digest = sha256("/".join((self.account, self.region, kind, *names)).encode()).hexdigest()
        return f"{kind}-{digest[:17]}"

    def _add_default_network(self) -> None:
        ranges = _DEFAULT_RANGE.subnets(new_prefix=_DEFAULT_SUBNET_BITS)
        for zone, network in zip(self.offerings.zones, ranges, strict=False):
            subnet_id = self.own_id("subnet", zone)
            self.subnets[subnet_id] = Subnet(subnet_id, self.vpc_id, zone, network, is_default=True)
        group_id = self.own_id("sg", "default")
        self.groups[group_id] = SecurityGroup(group_id, self.vpc_id, "default")

    def default_group(self, vpc_id: str) -> str:
        """Return the id of a VPC's default security group, which every VPC has."""
        found = next((each for each in self.groups.values() if each.vpc_id == vpc_id and each.name == "default"), None)
        if found is None:
            group_id = self.own_id("sg", vpc_id, "default")
            found = self.groups[group_id] = SecurityGroup(group_id, vpc_id, "default")
        return found.group_id

    def interfaces(self) -> list[Interface]:
        """Return every network interface, other people's too."""
        return [each for subnet in self.subnets.values() for each in subnet.interfaces.values()]

    def add(self, instance: Instance) -> None:
        """Add an instance that has just been launched."""
        self.instances[instance.instance_id] = instance
        self._count(instance)

    def become(self, instance: Instance, state: State, at: datetime) -> None:
        """Set the state of an instance."""
        instance.state.set(state, at)
        self._count(instance)

    def _count(self, instance: Instance) -> None:
        """Keep count of the vCPUs that run: stopped instances do not count, ending ones do until they have ended."""
        before = self._vcpus.pop(instance.instance_id, 0)
        known = self.offerings.types.get(instance.instance_type)
        now = 0 if known is None or instance.state.now in (State.STOPPED, State.TERMINATED) else known.vcpus
        self.running_vcpus += now - before
        self._vcpus[instance.instance_id] = now

    def put(self, existing: Existing, at: datetime) -> Instance:
        """Add an instance that the simulator has not launched."""
        instance = Instance(
            instance_id=existing.instance_id,
            subject=f"{self.account}/{self.region}/{existing.instance_id}",
            launched_at=at,
            instance_type=existing.instance_type,
            interfaces=[],
            state=Timeline(existing.state),
            tags={"Name": existing.name},
            name=existing.name,
            windows=existing.windows,
            zone=existing.subnet.zone if existing.subnet else self.offerings.zones[0],
        )
        address = existing.subnet.next_free() if existing.subnet else None
        if existing.subnet and address:
            interface_id, groups = self.world.ids.interface(), (self.default_group(existing.subnet.vpc_id),)
            interface = Interface(interface_id, existing.subnet, address, groups, instance_id=existing.instance_id)
            existing.subnet.take(interface)
            instance.interfaces.append(interface)
        self.add(instance)
        return instance

    def shut_down(self, instance: Instance, at: datetime) -> None:
        """Begin to end an instance, unless that has begun."""
        if not instance.is_gone:
            self.become(instance, State.SHUTTING_DOWN, at)

    def terminate(self, instance: Instance, at: datetime) -> None:
        """End an instance: its addresses are free, and in some time EC2 forgets it."""
        if instance.state.now is State.TERMINATED:
            return
        self.become(instance, State.TERMINATED, at)
        for interface in instance.interfaces:
            interface.subnet.release(interface)
        instance.interfaces = []
        self._ended(instance.instance_id)
        shown = self.world.timing.delay(_SHOWN_AFTER_ITS_END_SECONDS)
        self.world.agenda.add(at + shown, partial(self._forget, instance))

    def _forget(self, instance: Instance, _at: datetime) -> None:
        if self.instances.get(instance.instance_id) is instance:
            del self.instances[instance.instance_id]
            if instance.state.now is State.TERMINATED:
                self._vcpus.pop(instance.instance_id, None)

    def change(self, instance: Instance, state: State | None, at: datetime) -> None:
        """Change an instance without DRS; None is one that EC2 does not show any more."""
        if state is None:
            self._forget(instance, at)
            return
        self.instances[instance.instance_id] = instance
        if state is State.TERMINATED:
            self.terminate(instance, at)
        else:
            self.become(instance, state, at)
