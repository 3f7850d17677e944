"""How servers are launched, and what EC2 reports about the places where they would land, in as few calls as possible.

DRS returns one launch configuration a call. EC2 is asked in each site for all servers of all plans at once: one listing
has the default versions of launch templates, and one call each two hundred subnets, groups, types and addresses.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.drs import GET_LAUNCH_CONFIGURATION
from wavebreak.domain.launch_templates.model import DESCRIBE_VERSIONS
from wavebreak.domain.readiness.launch_facts import LaunchFacts, launch_of
from wavebreak.use_cases.readiness.site_reads import Ask, put
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.launch_templates.model import LaunchConfiguration
    from wavebreak.domain.readiness.launch_facts import Launch
    from wavebreak.ports.capabilities import HasPlaces, HasVcpus
    from wavebreak.ports.ec2 import LandingPlaces
    from wavebreak.site import Site
    from wavebreak.use_cases.readiness.site_reads import SiteReads

    class Ports(HasPlaces, HasVcpus, Protocol):
        """What looking at launches needs."""


_EMPTY: Final = LaunchFacts()
_DESCRIBE_VERSIONS: Final = f"ec2:{DESCRIBE_VERSIONS}"


def read_places(app: Ports, asking: Asking, seen: Mapping[Site, SiteReads]) -> None:
    """Read where servers with a known launch configuration land; what there is no time for is left out."""
    asked = [reads for reads in seen.values() if reads.launches is not None]
    # In one thread: making several clients at a time is not safe.
    places = [(reads, app.places_at(reads.site)) for reads in asked]
    put(asking, [_templates(reads, found) for reads, found in places], spare=True)
    put(asking, [each for reads, found in places for each in _absent(reads, found)], spare=True)
    put(asking, [each for reads, found in places for each in _of_places(reads, found)], spare=True)
    for reads in asked:
        if _facts(reads).vcpus and not asking.over:
            _learn(reads, vcpu_quota=app.vcpus_at(reads.site))


def configuration_question(reads: SiteReads, server: str) -> Iterator[Ask]:
    """Ask for a server's launch configuration."""
    if reads.drs is None:
        return

    def take(found: LaunchConfiguration) -> None:
        _learn(reads, configurations={**_facts(reads).configurations, server: found})

    yield Ask(reads, GET_LAUNCH_CONFIGURATION, partial(reads.drs.launch_configuration, server), take, server)


def _facts(reads: SiteReads) -> LaunchFacts:
    return reads.launches or _EMPTY


def _learn(reads: SiteReads, **found: Any) -> None:
    reads.launches = replace(_facts(reads), **found)


def _launches(reads: SiteReads) -> list[Launch]:
    found = [launch_of(_facts(reads), server) for server in reads.servers.values() if server is not None]
    return [launch for launch in found if launch is not None]


def _templates(reads: SiteReads, places: LandingPlaces) -> Ask:
    """Ask for the default versions of the launch templates."""
    wanted = {each.template_id for each in _facts(reads).configurations.values() if each.template_id}
    return _ask(reads, _DESCRIBE_VERSIONS, places.templates.defaults, wanted, "templates")


def _absent(reads: SiteReads, places: LandingPlaces) -> Iterator[Ask]:
    """Ask for each template that the listing does not show whether it exists."""
    shown = _facts(reads).templates
    if shown is None:
        return
    wanted = {each.template_id for each in _facts(reads).configurations.values() if each.template_id}
    for name in sorted(wanted - shown.keys()):
        yield Ask(reads, _DESCRIBE_VERSIONS, partial(places.is_gone, name), partial(_gone, reads, name))


def _gone(reads: SiteReads, name: str, is_gone: bool) -> None:
    if is_gone:
        _learn(reads, gone=_facts(reads).gone | {name})


def _of_places(reads: SiteReads, places: LandingPlaces) -> Iterator[Ask]:
    """Ask for subnets, groups, types and addresses of what the templates name, and for instances to launch into."""
    launches = _launches(reads)
    into = sorted({each.configuration.launches_into for each in launches if each.configuration.launches_into})
    if into:
        yield _ask(reads, "ec2:DescribeInstances", places.instances.states, into, "targets")
    new_launches = [each for each in launches if each.configuration.launches_into is None and each.template is not None]
    interfaces = [interface for each in new_launches for interface in each.interfaces if interface.existing is None]
    drills = reads.networks
    subnets = sorted(
        {each.subnet_id for each in interfaces if each.subnet_id is not None}
        | {subnet for network in drills for subnet in network.subnet_ids}
    )
    types = sorted({each.instance_type for each in new_launches if each.instance_type is not None})
    groups = sorted(
        {group for each in interfaces for group in each.group_ids}
        | {group for each in drills for group in each.group_ids}
    )
    yield _ask(reads, "ec2:DescribeSubnets", places.templates.subnets, subnets, "subnets")
    if any(each.subnet_id is None for each in interfaces):
        take = partial(_take, reads, "default_subnets")
        yield Ask(reads, "ec2:DescribeSubnets", places.default_subnets, take)
    yield _ask(reads, "ec2:DescribeSecurityGroups", places.vpcs_of, groups, "groups")
    yield _ask(reads, "ec2:DescribeInstanceTypeOfferings", places.templates.zones_of, types, "zones")
    yield _ask(reads, "ec2:DescribeInstanceTypes", places.vcpus_of, types, "vcpus")
    yield _ask(reads, "ec2:DescribeNetworkInterfaces", places.holders_of, _kept_addresses(reads), "addresses")


def _kept_addresses(reads: SiteReads) -> list[str]:
    copying = {name for name, each in _facts(reads).configurations.items() if each.copies_private_ip}
    servers = [server for name, server in reads.servers.items() if server is not None and name in copying]
    return sorted({server.address for server in servers if server.address})


def _ask(reads: SiteReads, operation: str, call: Callable[[Any], Any], about: Collection[str], field: str) -> Ask:
    return Ask(reads, operation, partial(call, about), partial(_take, reads, field))


def _take(reads: SiteReads, field: str, found: Any) -> None:
    _learn(reads, **{field: found})
