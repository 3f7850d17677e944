"""RunInstances, as DRS calls it: where an instance lands by its launch template, and what EC2 refuses it for."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.ec2.model import Instance, Interface, State, Subnet
from drs_simulator.ec2.refusals import unknown_group, unknown_interface, unknown_subnet, unknown_type
from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from drs_simulator.ec2.cloud import Ec2


@dataclass(frozen=True)
class Order:
    """What is to be launched: ``data`` of a launch template's version, and what goes beyond it.

    ``address`` is the private address that the first interface must have, whatever the template says.
    """

    data: Mapping[str, Any]
    subject: str
    name: str
    origin: str | None = None
    windows: bool = False
    template: tuple[str, int] | None = None
    instance_type: str | None = None
    address: IPv4Address | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def run(ec2: Ec2, order: Order, at: datetime) -> Instance:
    """Launch an instance, which is pending; raise ApiError with EC2's code when it cannot be."""
    instance_type = order.instance_type or order.data.get("InstanceType") or ""
    if instance_type not in ec2.offerings.types:
        raise unknown_type(instance_type)
    plans = _interface_plans(ec2, order, instance_type)
    _must_be_offered(ec2, instance_type, plans[0].subnet.zone)
    _must_fit_the_quota(ec2, instance_type)
    instance_id = ec2.world.ids.instance()
    instance = Instance(
        instance_id=instance_id,
        subject=order.subject,
        launched_at=at,
        instance_type=instance_type,
        interfaces=[plan.attach(ec2, instance_id, index) for index, plan in enumerate(plans)],
        state=Timeline(State.PENDING),
        tags={**_tags(order.data), **order.tags},
        name=order.name,
        origin=order.origin,
        windows=order.windows,
        template=order.template,
        zone=plans[0].subnet.zone,
    )
    ec2.add(instance)
    return instance


@dataclass(frozen=True)
class _InterfacePlan:
    """An interface that can be made: an address is there, or the very interface."""

    subnet: Subnet
    group_ids: tuple[str, ...]
    address: IPv4Address
    existing: Interface | None = None

    def attach(self, ec2: Ec2, instance_id: str, index: int) -> Interface:
        """Return the interface its address and its instance."""
        interface = self.existing or Interface(ec2.world.ids.interface(), self.subnet, self.address, self.group_ids)
        interface.instance_id, interface.device_index = instance_id, index
        self.subnet.take(interface)
        return interface


def _interface_plans(ec2: Ec2, order: Order, instance_type: str) -> list[_InterfacePlan]:
    specified = sorted(order.data.get("NetworkInterfaces") or [], key=lambda each: each.get("DeviceIndex", 0))
    if not specified:
        specified = [{"Groups": _group_ids(ec2, order.data)}]
    zone = order.data.get("Placement", {}).get("AvailabilityZone")
    plans: list[_InterfacePlan] = []
    for each in specified:
        wanted = dict(each)
        if order.address and not plans:
            wanted["PrivateIpAddress"] = str(order.address)
        plans.append(_plan(ec2, wanted, instance_type, zone, frozenset(plan.address for plan in plans)))
    if len({plan.subnet.zone for plan in plans}) > 1:
        raise ApiError("InvalidParameterCombination", "Interfaces are in different Availability Zones")
    return plans


def _plan(
    ec2: Ec2, wanted: Mapping[str, Any], instance_type: str, zone: str | None, taken: frozenset[IPv4Address]
) -> _InterfacePlan:
    if wanted.get("NetworkInterfaceId"):
        return _existing(ec2, wanted["NetworkInterfaceId"])
    subnet = _subnet(ec2, wanted.get("SubnetId"), instance_type, zone)
    group_ids = tuple(wanted.get("Groups") or [ec2.default_group(subnet.vpc_id)])
    for group_id in group_ids:
        group = ec2.groups.get(group_id)
        if group is None:
            raise unknown_group(group_id)
        if group.vpc_id != subnet.vpc_id:
            message = f"Security group {group_id} and subnet {subnet.subnet_id} belong to different networks."
            raise ApiError("InvalidParameter", message)
    return _InterfacePlan(subnet, group_ids, _address(subnet, _fixed(wanted), taken))


def _existing(ec2: Ec2, interface_id: str) -> _InterfacePlan:
    found = next((each for each in ec2.interfaces() if each.interface_id == interface_id), None)
    if found is None:
        raise unknown_interface(interface_id)
    if found.instance_id:
        raise ApiError("InvalidNetworkInterface.InUse", f"Interface: {interface_id} in use.")
    return _InterfacePlan(found.subnet, found.group_ids, found.address, found)


def _subnet(ec2: Ec2, subnet_id: str | None, instance_type: str, zone: str | None) -> Subnet:
    if subnet_id is not None:
        if subnet_id not in ec2.subnets:
            raise unknown_subnet(subnet_id)
        return ec2.subnets[subnet_id]
    offered = [zone] if zone else ec2.offerings.zones_with(instance_type)
    defaults = [each for each in ec2.subnets.values() if each.is_default and each.zone in offered]
    if not defaults:
        raise ApiError("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
    return max(defaults, key=lambda each: each.free)


def _fixed(wanted: Mapping[str, Any]) -> IPv4Address | None:
    listed = [each for each in wanted.get("PrivateIpAddresses") or [] if each.get("Primary")]
    text = wanted.get("PrivateIpAddress") or (listed[0].get("PrivateIpAddress") if listed else None)
    return IPv4Address(text) if text else None


def _address(subnet: Subnet, fixed: IPv4Address | None, taken: frozenset[IPv4Address]) -> IPv4Address:
    if fixed is None:
        first = subnet.next_free()
        free = (
            first if first not in taken else next((each for each in subnet.free_addresses() if each not in taken), None)
        )
        if free is None:
            message = f"There are not enough free addresses in subnet '{subnet.subnet_id}' to satisfy the request."
            raise ApiError("InsufficientFreeAddressesInSubnet", message)
        return free
    if not subnet.holds(fixed):
        message = f"Address {fixed} does not fall within the subnet's address range"
        raise ApiError("InvalidParameterValue", message)
    if fixed in subnet.interfaces:
        raise ApiError("InvalidIPAddress.InUse", f"Address {fixed} is in use.")
    return fixed


def _must_be_offered(ec2: Ec2, instance_type: str, zone: str) -> None:
    if zone not in ec2.offerings.zones_with(instance_type):
        message = (
            f"Your requested instance type ({instance_type}) is not supported in your requested Availability Zone "
            f"({zone}). Please retry your request by not specifying an Availability Zone or choosing "
            f"{', '.join(ec2.offerings.zones_with(instance_type))}."
        )
        raise ApiError("Unsupported", message)


def _must_fit_the_quota(ec2: Ec2, instance_type: str) -> None:
    limit = ec2.world.vcpu_quota
    if ec2.running_vcpus + ec2.offerings.types[instance_type].vcpus > limit:
        message = (
            f"You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/"
            "ec2-request to request an adjustment to this limit."
        )
        raise ApiError("VcpuLimitExceeded", message)


def _group_ids(ec2: Ec2, data: Mapping[str, Any]) -> list[str]:
    identifiers = list(data.get("SecurityGroupIds") or [])
    for name in data.get("SecurityGroups") or []:
        found = next((each for each in ec2.groups.values() if each.name == name), None)
        if found is None:
            raise unknown_group(name)
        identifiers.append(found.group_id)
    return identifiers


def _tags(data: Mapping[str, Any]) -> dict[str, str]:
    specified = data.get("TagSpecifications") or []
    return {
        tag["Key"]: tag.get("Value", "")
        for each in specified
        if each.get("ResourceType") == "instance"
        for tag in each.get("Tags") or []
    }
