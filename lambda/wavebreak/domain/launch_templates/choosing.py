"""Into which subnet of a drill's network a server goes (contract 13)."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from wavebreak.domain.launch_templates.changing import interfaces_of
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.launch_templates.model import DrillNetwork, LaunchConfiguration, Subnet


class NoPlaceError(Exception):
    """No subnet of the network takes a server; the message says why."""


class PlaceTakenError(Exception):
    """Others are being launched into what is free for a server: how much they leave shows when they have landed."""

    def __init__(self) -> None:
        """Keep the reason of the wait."""
        super().__init__("Waits until others have landed in the drill's subnets, to see what they leave free")


class Wish(Value):
    """What a server needs of a subnet."""

    instance_type: str | None = None
    """None where it is not known: then any zone will do."""
    zone: str | None = None
    """The zone that its launch template names, if it does."""
    address: str | None = None
    """The private address that it keeps."""
    interfaces: int = 1


def wish_of(
    configuration: LaunchConfiguration, data: Mapping[str, Any], recommended_type: str | None, address: str | None
) -> Wish:
    """Return what a server needs of a subnet, by its launch configuration and its template's default version.

    `recommended_type` and `address` are facts of DRS about the source server: a type for it, and its private address.
    """
    return Wish(
        (recommended_type if configuration.right_sizing != "NONE" else None) or data.get("InstanceType"),
        (data.get("Placement") or {}).get("AvailabilityZone"),
        address if configuration.copies_private_ip else None,
        max(1, len(interfaces_of(data))),
    )


class Places(Struct):
    """The subnets of a network as EC2 described them, and what was given away of them since."""

    network: DrillNetwork
    subnets: Mapping[str, Subnet]
    zones: Mapping[str, frozenset[str]]
    """The zones that offer each instance type."""
    given: Counter[str] = field(default_factory=Counter)
    led: Counter[str] = field(default_factory=Counter)
    """Addresses of each subnet for servers that are led there and not known to have landed; EC2 may count them."""

    def choose(self, wish: Wish) -> Subnet:
        """Return the subnet with most free addresses in a zone that offers the type, and count the addresses as taken.

        Raise NoPlaceError, and PlaceTakenError where others may have left enough once they have landed.
        """
        known = [self.subnets[each] for each in self.network.subnet_ids if each in self.subnets]
        if not known:
            raise NoPlaceError(f"EC2 knows none of the drill's subnets {', '.join(self.network.subnet_ids)}")
        fitting = [each for each in known if self._offers(each, wish)]
        if not fitting:
            raise NoPlaceError(f"No subnet of the drill is in a zone that offers {wish.instance_type} to it")
        if wish.address is not None:
            fitting = [each for each in fitting if holds(each.cidr, wish.address)]
            if not fitting:
                raise NoPlaceError(f"It keeps its private address {wish.address}, which no subnet of the drill holds")
        if all(each.free - self.given[each.subnet_id] < wish.interfaces for each in fitting):
            raise NoPlaceError("No subnet of the drill has enough free addresses for it")
        best = max(fitting, key=self.left)
        if self.left(best) < wish.interfaces:
            raise PlaceTakenError
        self.given[best.subnet_id] += wish.interfaces
        return best

    def left(self, subnet: Subnet) -> int:
        """Return how many addresses of a subnet are certainly free."""
        return subnet.free - self.given[subnet.subnet_id] - self.led[subnet.subnet_id]

    def _offers(self, subnet: Subnet, wish: Wish) -> bool:
        if wish.zone is not None and subnet.zone != wish.zone:
            return False
        return wish.instance_type is None or subnet.zone in self.zones.get(wish.instance_type, frozenset())


def holds(cidr: str, address: str) -> bool:
    """Return whether a range holds an address; what is no IPv4 is held by none."""
    try:
        return IPv4Address(address) in IPv4Network(cidr)
    except ValueError:
        return False
