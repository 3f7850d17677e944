"""What the control API sets of EC2: networks, instance types, and instances that the simulator has not launched."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from drs_simulator.ec2.cloud import Existing
from drs_simulator.ec2.instance_types import InstanceType
from drs_simulator.ec2.model import Interface, SecurityGroup, State, Subnet
from drs_simulator.ec2.views import group_view, instance_view, subnet_view
from drs_simulator.settings import Settings

if TYPE_CHECKING:
    from drs_simulator.ec2.cloud import Ec2

_DIGITS = "([0-9a-f]{8}|[0-9a-f]{17})"
SUBNET_ID = f"subnet-{_DIGITS}"
GROUP_ID = f"sg-{_DIGITS}"
INSTANCE_ID = f"i-{_DIGITS}"
INSTANCE_TYPE = r"[a-z0-9-]{1,32}\.[a-z0-9-]{1,32}"
_VpcId = Annotated[str, StringConstraints(pattern=f"^vpc-{_DIGITS}$")]
_LARGEST, _SMALLEST = 16, 28


class ImpossibleError(Exception):
    """A setting does not fit what is there."""


class SubnetSettings(Settings):
    """A subnet; what is left out keeps its value, and a new one needs its range.

    ``used_addresses`` is how many of its lowest free addresses other people have, ``taken_addresses`` are certain ones
    that they have; both take the place of what they had before.
    """

    cidr_block: str | None = None
    vpc_id: _VpcId | None = None
    availability_zone: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]{0,62}$")
    used_addresses: int | None = Field(default=None, ge=0, le=65_536)
    taken_addresses: list[str] | None = None

    @field_validator("cidr_block")
    @classmethod
    def _is_range(cls, value: str | None) -> str | None:
        if value is not None and not _LARGEST <= IPv4Network(value).prefixlen <= _SMALLEST:
            raise ValueError(f"a subnet is a /{_LARGEST} to a /{_SMALLEST}")
        return value

    @field_validator("taken_addresses")
    @classmethod
    def _are_addresses(cls, values: list[str] | None) -> list[str] | None:
        for value in values or []:
            IPv4Address(value)
        return values

    def apply(self, ec2: Ec2, subnet_id: str) -> dict[str, Any]:
        """Add or change a subnet; raise ImpossibleError."""
        subnet = ec2.subnets.get(subnet_id)
        if subnet is None:
            if self.cidr_block is None:
                raise ImpossibleError("a new subnet needs its cidrBlock")
            zone = self.availability_zone or ec2.offerings.zones[0]
            subnet = Subnet(subnet_id, self.vpc_id or ec2.vpc_id, zone, IPv4Network(self.cidr_block))
        elif self.cidr_block not in (None, str(subnet.network)):
            raise ImpossibleError(f"the range of {subnet_id} cannot be changed")
        subnet.vpc_id = self.vpc_id or subnet.vpc_id
        subnet.zone = self.availability_zone or subnet.zone
        self._give_to_others(ec2, subnet)
        ec2.subnets[subnet_id] = subnet
        return subnet_view(ec2, subnet)

    def _give_to_others(self, ec2: Ec2, subnet: Subnet) -> None:
        if self.used_addresses is None and self.taken_addresses is None:
            return
        ours = [each for each in subnet.interfaces.values() if each.instance_id]
        had = {each.address for each in ours}
        taken = [IPv4Address(text) for text in self.taken_addresses or []]
        for address in taken:
            if not subnet.holds(address) or address in had:
                raise ImpossibleError(f"{address} is no free address of {subnet.subnet_id}")
        for other in [each for each in subnet.interfaces.values() if not each.instance_id]:
            subnet.release(other)
        free = [each for each in subnet.free_addresses() if each not in taken]
        used = self.used_addresses or 0
        if used > len(free):
            raise ImpossibleError(f"{subnet.subnet_id} has {len(free)} free addresses")
        for address in (*taken, *free[:used]):
            interface_id = ec2.own_id("eni", subnet.subnet_id, str(address))
            subnet.take(Interface(interface_id, subnet, address, ()))


class SecurityGroupSettings(Settings):
    """A security group; what is left out keeps its value."""

    vpc_id: _VpcId | None = None
    name: str | None = Field(default=None, min_length=1, max_length=255)

    def apply(self, ec2: Ec2, group_id: str) -> dict[str, Any]:
        """Add or change a group."""
        group = ec2.groups.get(group_id) or SecurityGroup(group_id, ec2.vpc_id, group_id)
        group.vpc_id, group.name = self.vpc_id or group.vpc_id, self.name or group.name
        ec2.groups[group_id] = group
        return group_view(ec2, group)


class InstanceTypeSettings(Settings):
    """An instance type; what is left out keeps its value. An empty list of zones offers it nowhere."""

    vcpus: int | None = Field(default=None, ge=1, le=1024)
    memory_mi_b: int | None = Field(default=None, ge=1, alias="memoryMiB")
    availability_zones: list[str] | None = None

    def apply(self, ec2: Ec2, name: str) -> dict[str, Any]:
        """Add or change a type, and where it is offered."""
        offerings = ec2.offerings
        known = offerings.types.get(name, InstanceType(name, 2, 8192))
        changed = InstanceType(name, self.vcpus or known.vcpus, self.memory_mi_b or known.memory)
        strange = set(self.availability_zones or []) - set(offerings.zones)
        if strange:
            raise ImpossibleError(f"{ec2.region} has no zone {', '.join(sorted(strange))}")
        offerings.types[name] = changed
        if self.availability_zones is not None:
            offerings.zones_of[name] = tuple(self.availability_zones)
        zones = list(offerings.zones_with(name))
        return {"instanceType": name, "vcpus": changed.vcpus, "memoryMiB": changed.memory, "availabilityZones": zones}


class ExistingInstanceSettings(Settings):
    """An instance that exists without a launch of the simulator: to launch into, or to be in the way."""

    instance_type: str = Field(default="t3.medium", pattern=f"^{INSTANCE_TYPE}$")
    name: str | None = Field(default=None, min_length=1, max_length=256)
    state: Literal["RUNNING", "STOPPED"] = "RUNNING"
    platform: Literal["Linux", "Windows"] = "Linux"
    subnet_id: str | None = None

    def apply(self, ec2: Ec2, instance_id: str) -> dict[str, Any]:
        """Add the instance; raise ImpossibleError for one that exists already, or has no place."""
        if instance_id in ec2.instances:
            raise ImpossibleError(f"{instance_id} is there already: PUT instances changes it")
        subnet = self._subnet(ec2)
        now = ec2.world.clock.now()
        existing = Existing(
            instance_id,
            self.instance_type,
            self.name or instance_id,
            subnet,
            State(self.state.lower()),
            windows=self.platform == "Windows",
        )
        return instance_view(ec2, ec2.put(existing, now), now)

    def _subnet(self, ec2: Ec2) -> Subnet | None:
        if self.subnet_id is None:
            return None
        subnet = ec2.subnets.get(self.subnet_id)
        if subnet is None or subnet.next_free() is None:
            raise ImpossibleError(f"there is no subnet {self.subnet_id} with a free address")
        return subnet
