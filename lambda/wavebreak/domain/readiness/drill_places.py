"""Where the drills of a plan would land that has networks of its own for them (contract 13).

By the rules that a drill itself goes by. What is found stands in the way of a drill alone: a recovery ignores it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.launch_templates.changing import NotForDrillsError, changed
from wavebreak.domain.launch_templates.choosing import NoPlaceError, Places, wish_of
from wavebreak.domain.readiness.verdicts import DRILL, Check, CheckStatus, Finding, each_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wavebreak.domain.launch_templates.model import DrillNetwork, Subnet
    from wavebreak.domain.readiness.facts import Member, SiteFacts
    from wavebreak.domain.readiness.launch_facts import Launch, LaunchFacts


def places_of(
    site: SiteFacts, facts: LaunchFacts, launches: Mapping[str, Launch], members: Sequence[Member]
) -> dict[str, Subnet | str]:
    """Return the subnet where each server's drill lands, or why it lands nowhere; nothing without a network."""
    network = site.network
    if network is None:
        return {}
    places = Places(network, facts.subnets or {}, facts.zones or {})
    return {
        member.source_server_id: _place(site, network, places, launches[member.source_server_id], member)
        for member in members
    }


def _place(site: SiteFacts, network: DrillNetwork, places: Places, launch: Launch, member: Member) -> Subnet | str:
    into = launch.configuration.launches_into
    if into is not None:
        return f"it is launched into the existing instance {into}, wherever that is"
    data = launch.template.data if launch.template else {}
    server = site.servers[member.source_server_id]
    known = (server.recommended_type, server.address) if server is not None else (None, None)
    wish = wish_of(launch.configuration, data, *known)
    try:
        subnet = places.choose(wish)
        changed(data, subnet.subnet_id, network.group_ids)
    except (NoPlaceError, NotForDrillsError) as error:
        return str(error)
    return subnet


def drill_checks(
    site: SiteFacts, facts: LaunchFacts, members: Sequence[Member], places: Mapping[str, Subnet | str]
) -> Iterator[Check]:
    """Make the checks of the network that a plan's drills have in a site."""
    network = site.network
    if network is None:
        return
    yield from _of_groups(site, facts, network)

    def verdict(member: Member) -> Finding | None:
        place = places[member.source_server_id]
        return (CheckStatus.WARN, f"{DRILL}it fails alone: {place}") if isinstance(place, str) else None

    yield from each_of("drill-network", site.where, members, verdict, "land in the drill's network")


def _of_groups(site: SiteFacts, facts: LaunchFacts, network: DrillNetwork) -> Iterator[Check]:
    """Report groups that are not there, or belong to another VPC than a subnet: EC2 refuses every launch with them."""
    groups, subnets = facts.groups or {}, facts.subnets or {}
    absent = [each for each in network.group_ids if each not in groups]
    vpcs = {subnets[each].vpc_id for each in network.subnet_ids if each in subnets}
    foreign = [each for each in network.group_ids if each in groups and vpcs - {groups[each]}]
    for each in absent:
        yield Check("drill-network", site.where, CheckStatus.WARN, f"{DRILL}security group {each} does not exist")
    for each in foreign:
        sentence = f"{DRILL}security group {each} is of another VPC than a subnet of the drill's network"
        yield Check("drill-network", site.where, CheckStatus.WARN, sentence)
