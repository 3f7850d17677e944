"""What a drill changes in a launch template, and what it is put back to (contract 13).

A change is the whole list of interfaces: a new version inherits everything else from the version that it is made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Interface = Mapping[str, Any]

INTERFACES: Final = "NetworkInterfaces"
_FIXED: Final = ("PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses", "Ipv4Prefixes", "Ipv6Prefixes")
"""Addresses that belong to a subnet: in another one they would refuse the launch."""


class NotForDrillsError(Exception):
    """A launch template that cannot be led into another network; the message says why."""


def interfaces_of(data: Mapping[str, Any]) -> list[Interface]:
    """Return the interfaces that a launch template names."""
    return list(data.get(INTERFACES) or ())


def changed(data: Mapping[str, Any], subnet_id: str, group_ids: Sequence[str]) -> dict[str, Any]:
    """Return what a version of a template says in which every interface is in a subnet, with groups.

    Raise NotForDrillsError.
    """
    interfaces = interfaces_of(data)
    existing = next((each["NetworkInterfaceId"] for each in interfaces if each.get("NetworkInterfaceId")), None)
    if existing:
        raise NotForDrillsError(f"Its launch template names the existing network interface {existing}")
    if not interfaces and (data.get("SecurityGroupIds") or data.get("SecurityGroups")):
        raise NotForDrillsError("Its launch template names security groups and no network interface")
    there = {"SubnetId": subnet_id, "Groups": list(group_ids)}
    made = [_without(each, _FIXED) | there for each in interfaces or [{"DeviceIndex": 0}]]
    return {INTERFACES: made, **_snapshots(data)}


def put_back(
    theirs: Mapping[str, Any], original: Sequence[Interface], subnet_id: str, group_ids: Sequence[str]
) -> dict[str, Any] | None:
    """Return the changes to another caller's version that leave nothing of the drill in it.

    `original` are the interfaces from before the drill, `subnet_id` and `group_ids` what it put there. Only these have
    their original values; whatever else they say stays. An address comes back with its subnet: in the subnet that they
    chose it would refuse the launch. None when there is nothing of the drill in it.
    """
    before = {_slot(each): each for each in original}
    first: Interface = original[0] if original else {}
    present = interfaces_of(theirs)
    made = [_restored(each, before.get(_slot(each)), first, subnet_id, group_ids) for each in present]
    return None if made == present else {INTERFACES: made, **_snapshots(theirs)}


def _restored(
    theirs: Interface, before: Interface | None, first: Interface, subnet_id: str, group_ids: Sequence[str]
) -> Interface:
    """Put back one interface; one that was not there before is led to where the first one was."""
    source = first if before is None else before
    restored = dict(theirs)
    if theirs.get("SubnetId") == subnet_id != source.get("SubnetId"):
        restored = _with(restored, source, ("SubnetId",))
        absent = [] if before is None else [name for name in _FIXED if name not in theirs]
        restored = _with(restored, source, absent)
    groups = list(theirs.get("Groups") or ())
    if set(groups) & set(group_ids):
        kept = [each for each in groups if each not in group_ids]
        restored["Groups"] = list(dict.fromkeys([*(source.get("Groups") or ()), *kept]))
        if not restored["Groups"]:
            del restored["Groups"]
    return restored


def _slot(interface: Interface) -> tuple[int, int]:
    return interface.get("NetworkCardIndex") or 0, interface.get("DeviceIndex") or 0


def _without(interface: Interface, names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in interface.items() if name not in names}


def _with(interface: Interface, source: Interface, names: Sequence[str]) -> dict[str, Any]:
    """Return an interface in which these fields are as in another one, missing where they are there."""
    return _without(interface, names) | {name: source[name] for name in names if name in source}


def _snapshots(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the block devices that name snapshots: a new version does not inherit those (EC2's documentation)."""
    devices = data.get("BlockDeviceMappings") or []
    named = any((each.get("Ebs") or {}).get("SnapshotId") for each in devices)
    return {"BlockDeviceMappings": devices} if named else {}
