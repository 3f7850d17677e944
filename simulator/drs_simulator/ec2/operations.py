"""The operations of EC2 that the simulator knows, each as a function of an Ec2 and checked parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from drs_simulator.ec2 import launch_templates
from drs_simulator.ec2.pages import filters_of, page, passes
from drs_simulator.ec2.refusals import (
    must_be_known,
    must_look_like,
    unknown_group,
    unknown_instances,
    unknown_interface,
    unknown_subnet,
    unknown_type,
)
from drs_simulator.ec2.views import group_view, instance_type_view, instance_view, interface_view, subnet_view
from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from drs_simulator.ec2.cloud import Ec2
    from drs_simulator.ec2.model import Instance, Interface, SecurityGroup, Subnet

    Parameters = dict[str, Any]
    Operation = Callable[[Ec2, Parameters], dict[str, Any]]

_MOST_TYPES: Final = 100


def describe_instances(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List instances, each in a reservation of its own; those that have ended are shown for a while."""
    wanted = parameters.get("InstanceIds") or []
    must_look_like("i-", "InvalidInstanceID.Malformed", wanted)
    filters = filters_of(parameters)
    must_be_known(filters, (*_INSTANCE_FILTERS, "tag:"))
    lens = ec2.world.lens
    found = [
        (each, moment)
        for each in ec2.instances.values()
        if not wanted or each.instance_id in wanted
        for moment in (lens.moment(each.subject),)
        if each.launched_at <= moment
    ]
    unknown = [each for each in wanted if each not in {instance.instance_id for instance, _ in found}]
    if unknown:
        raise unknown_instances(unknown)
    for name, values in filters.items():
        found = [(each, moment) for each, moment in found if passes(_instance_values(each, moment, name), values)]

    def reservation(entry: tuple[Instance, datetime]) -> dict[str, Any]:
        instance, moment = entry
        return {
            "ReservationId": ec2.own_id("r", instance.subject),
            "OwnerId": ec2.account,
            "Groups": [],
            "Instances": [instance_view(ec2, instance, moment)],
        }

    return page(
        ec2,
        "Reservations",
        found,
        parameters,
        lambda entry: entry[0].instance_id,
        reservation,
        subject=lambda entry: entry[0].subject,
    )


_INSTANCE_FILTERS: Final[Mapping[str, Callable[[Instance, datetime], list[str | None]]]] = {
    "instance-id": lambda each, _: [each.instance_id],
    "instance-type": lambda each, _: [each.instance_type],
    "instance-state-name": lambda each, moment: [each.state.at(moment).value],
    "availability-zone": lambda each, _: [each.zone],
    "private-ip-address": lambda each, _: [str(one.address) for one in each.interfaces[:1]],
    "subnet-id": lambda each, _: [one.subnet.subnet_id for one in each.interfaces[:1]],
    "vpc-id": lambda each, _: [one.subnet.vpc_id for one in each.interfaces[:1]],
    "tag-key": lambda each, _: list(each.tags),
}


def _instance_values(instance: Instance, moment: datetime, name: str) -> list[str | None]:
    if name.startswith("tag:"):
        return [instance.tags.get(name.removeprefix("tag:"))]
    return _INSTANCE_FILTERS[name](instance, moment)


def describe_subnets(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List subnets with how many addresses are left in each."""
    wanted = parameters.get("SubnetIds") or []
    for each in wanted:
        if each not in ec2.subnets:
            raise unknown_subnet(each)
    found = [each for each in ec2.subnets.values() if not wanted or each.subnet_id in wanted]
    found = _filtered(found, parameters, _SUBNET_FILTERS)
    return page(ec2, "Subnets", found, parameters, lambda each: each.subnet_id, lambda each: subnet_view(ec2, each))


_SUBNET_FILTERS: Final[Mapping[str, Callable[[Subnet], list[str | None]]]] = {
    "subnet-id": lambda each: [each.subnet_id],
    "vpc-id": lambda each: [each.vpc_id],
    "availability-zone": lambda each: [each.zone],
    "availabilityZone": lambda each: [each.zone],
    "cidr-block": lambda each: [str(each.network)],
    "default-for-az": lambda each: ["true" if each.is_default else "false"],
    "state": lambda _: ["available"],
}


def describe_security_groups(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List security groups by id, name or filter."""
    wanted, names = parameters.get("GroupIds") or [], parameters.get("GroupNames") or []
    must_look_like("sg-", "InvalidGroupId.Malformed", wanted)
    known_names = {each.name for each in ec2.groups.values()}
    for each in (*(one for one in wanted if one not in ec2.groups), *(one for one in names if one not in known_names)):
        raise unknown_group(each)
    everything = ec2.groups.values()
    found = [
        each for each in everything if (not wanted or each.group_id in wanted) and (not names or each.name in names)
    ]
    found = _filtered(found, parameters, _GROUP_FILTERS)
    return page(
        ec2, "SecurityGroups", found, parameters, lambda each: each.group_id, lambda each: group_view(ec2, each)
    )


_GROUP_FILTERS: Final[Mapping[str, Callable[[SecurityGroup], list[str | None]]]] = {
    "group-id": lambda each: [each.group_id],
    "group-name": lambda each: [each.name],
    "vpc-id": lambda each: [each.vpc_id],
}


def describe_network_interfaces(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List network interfaces, other people's too: who has which address."""
    wanted = parameters.get("NetworkInterfaceIds") or []
    known = {each.interface_id: each for each in ec2.interfaces()}
    for each in wanted:
        if each not in known:
            raise unknown_interface(each)
    found = [each for each in known.values() if not wanted or each.interface_id in wanted]
    found = _filtered(found, parameters, _INTERFACE_FILTERS)
    return page(
        ec2,
        "NetworkInterfaces",
        found,
        parameters,
        lambda each: each.interface_id,
        lambda each: interface_view(ec2, each),
        subject=lambda each: f"{each.subnet.subnet_id}/{each.address}",
    )


_INTERFACE_FILTERS: Final[Mapping[str, Callable[[Interface], list[str | None]]]] = {
    "network-interface-id": lambda each: [each.interface_id],
    "subnet-id": lambda each: [each.subnet.subnet_id],
    "vpc-id": lambda each: [each.subnet.vpc_id],
    "private-ip-address": lambda each: [str(each.address)],
    "addresses.private-ip-address": lambda each: [str(each.address)],
    "attachment.instance-id": lambda each: [each.instance_id],
    "group-id": lambda each: list(each.group_ids),
    "status": lambda each: ["in-use" if each.instance_id else "available"],
}


def describe_instance_type_offerings(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List which instance types are offered where: in the Region, unless zones are asked for."""
    filters = filters_of(parameters)
    must_be_known(filters, ("instance-type", "location"))
    by = parameters.get("LocationType") or "region"
    if by not in {"region", "availability-zone"}:
        raise ApiError("NotImplemented", f"The simulator does not implement offerings by {by}", status=501)
    offerings = ec2.offerings
    found = [
        (name, location)
        for name in offerings.types
        for location in ((ec2.region,) if by == "region" else offerings.zones_with(name))
        if passes([name], filters.get("instance-type", ["*"])) and passes([location], filters.get("location", ["*"]))
    ]
    return page(
        ec2,
        "InstanceTypeOfferings",
        found,
        parameters,
        lambda each: f"{each[1]}/{each[0]}",
        lambda each: {"InstanceType": each[0], "LocationType": by, "Location": each[1]},
    )


def describe_instance_types(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List instance types with their vCPUs."""
    wanted = parameters.get("InstanceTypes") or []
    for each in wanted:
        if each not in ec2.offerings.types:
            raise unknown_type(each)
    filters = filters_of(parameters)
    must_be_known(filters, ("instance-type",))
    patterns = filters.get("instance-type", ["*"])
    everything = ec2.offerings.types.values()
    found = [each for each in everything if (not wanted or each.name in wanted) and passes([each.name], patterns)]
    sizes = (5, _MOST_TYPES)
    return page(ec2, "InstanceTypes", found, parameters, lambda each: each.name, instance_type_view, sizes=sizes)


def _filtered(found: list[Any], parameters: Parameters, known: Mapping[str, Callable[[Any], list[str | None]]]) -> Any:
    filters = filters_of(parameters)
    must_be_known(filters, known)
    return [each for each in found if all(passes(known[name](each), values) for name, values in filters.items())]


def _unless_dry(perform: Operation) -> Operation:
    """Return the operation with support for dry runs, which only answer that it would be allowed."""

    def performed(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
        if parameters.get("DryRun"):
            raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
        return perform(ec2, parameters)

    return performed


_ALL: dict[str, Operation] = {
    "DescribeInstances": describe_instances,
    "DescribeSubnets": describe_subnets,
    "DescribeSecurityGroups": describe_security_groups,
    "DescribeNetworkInterfaces": describe_network_interfaces,
    "DescribeInstanceTypeOfferings": describe_instance_type_offerings,
    "DescribeInstanceTypes": describe_instance_types,
    **launch_templates.OPERATIONS,
}

OPERATIONS: dict[str, Operation] = {name: _unless_dry(perform) for name, perform in _ALL.items()}
