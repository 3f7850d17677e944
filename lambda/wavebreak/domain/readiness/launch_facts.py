"""What was seen of how servers are launched in one site, and where a launch lands by that.

A launch takes the default version of the server's launch template, as EC2 reads it then: an interface without a subnet
is in a default subnet, one without groups in the default group of its VPC. With right sizing DRS chooses the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.drs import SourceServer
    from wavebreak.domain.launch_templates.model import LaunchConfiguration, Subnet, TemplateVersion


class LaunchFacts(Value):
    """What was seen. Where None stands for all of a kind, it was not asked for or not told."""

    configurations: Mapping[str, LaunchConfiguration] = field(default_factory=dict)
    """By source server, of those that were checked."""
    templates: Mapping[str, TemplateVersion] | None = None
    """The default versions by template; one that EC2 does not show is left out."""
    gone: frozenset[str] = frozenset()
    """Launch templates that do not exist; others that are left out EC2 may only not show yet."""
    subnets: Mapping[str, Subnet] | None = None
    default_subnets: tuple[Subnet, ...] | None = None
    groups: Mapping[str, str] | None = None
    """The VPC of each security group."""
    zones: Mapping[str, frozenset[str]] | None = None
    """The zones that offer each instance type."""
    vcpus: Mapping[str, int] = field(default_factory=dict)
    vcpu_quota: int | None = None
    addresses: Mapping[tuple[str, str], str | None] | None = None
    """The instance that has each private address that is taken, by subnet and address; None is none."""
    targets: Mapping[str, str] | None = None
    """The states of instances that servers are launched into, in EC2's words."""


class Interface(Value):
    """A network interface that a launch template asks for."""

    subnet_id: str | None
    group_ids: tuple[str, ...]
    existing: str | None = None
    """The interface that is there already."""
    addresses: int = 1


class Launch(Value):
    """How a server would be launched now."""

    configuration: LaunchConfiguration
    template: TemplateVersion | None
    instance_type: str | None
    zone: str | None
    """The zone that the template names."""
    interfaces: tuple[Interface, ...]
    profile: bool = False
    """Whether the template names an instance profile."""


def launch_of(facts: LaunchFacts, server: SourceServer) -> Launch | None:
    """Return how a server would be launched; None of one whose configuration was not seen."""
    configuration = facts.configurations.get(server.source_server_id)
    if configuration is None:
        return None
    template = (facts.templates or {}).get(configuration.template_id or "")
    data: Mapping[str, Any] = template.data if template else {}
    chosen = server.recommended_type if configuration.right_sizing != "NONE" else None
    return Launch(
        configuration,
        template,
        chosen or data.get("InstanceType"),
        data.get("Placement", {}).get("AvailabilityZone"),
        _interfaces(data),
        bool(data.get("IamInstanceProfile")),
    )


def _interfaces(data: Mapping[str, Any]) -> tuple[Interface, ...]:
    written = sorted(data.get("NetworkInterfaces") or [], key=lambda each: int(each.get("DeviceIndex", 0)))
    if not written:
        return (Interface(None, tuple(data.get("SecurityGroupIds") or ())),)
    return tuple(
        Interface(
            each.get("SubnetId"),
            tuple(each.get("Groups") or ()),
            each.get("NetworkInterfaceId"),
            max(1, int(each.get("SecondaryPrivateIpAddressCount") or 0) + 1, len(each.get("PrivateIpAddresses") or ())),
        )
        for each in written
    )


def subnet_of(facts: LaunchFacts, launch: Launch, interface: Interface) -> Subnet | None:
    """Return the subnet of an interface, if it is known."""
    if interface.subnet_id is not None:
        return (facts.subnets or {}).get(interface.subnet_id)
    offering = None if launch.instance_type is None else (facts.zones or {}).get(launch.instance_type)
    fitting = [
        each
        for each in facts.default_subnets or ()
        if (launch.zone is None or each.zone == launch.zone) and (offering is None or each.zone in offering)
    ]
    return max(fitting, key=lambda each: each.free, default=None)
