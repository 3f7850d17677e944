"""Whether the servers of a plan could be launched as DRS and EC2 have it now, and where they would land."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from wavebreak.domain.drs import GET_LAUNCH_CONFIGURATION
from wavebreak.domain.launch_templates.choosing import holds
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness.drill_places import drill_checks, places_of
from wavebreak.domain.readiness.launch_facts import launch_of, subnet_of
from wavebreak.domain.readiness.refusals import refused_to
from wavebreak.domain.readiness.verdicts import (
    DRILL,
    MOST_FINDINGS,
    Check,
    CheckStatus,
    Finding,
    by_impact,
    each_of,
    servers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wavebreak.domain.launch_templates.model import Subnet
    from wavebreak.domain.readiness.facts import Member, SiteFacts
    from wavebreak.domain.readiness.launch_facts import Interface, Launch, LaunchFacts

    Launches = Mapping[str, Launch]
    Verdict = Callable[[Member], Finding | None]

_GONE: Final = frozenset({"terminated", "shutting-down"})
_STOPPED: Final = "stopped"
_STANDARD: Final = "acdhimrtz"
"""First letters of the instance families whose vCPUs the quota of standard instances counts (L-1216C47A)."""


def launch_checks(site: SiteFacts, *, commands: bool, runs_actions: bool) -> Iterator[Check]:
    """Make the checks of how servers are launched in a site.

    `commands` is whether the plan runs any, `runs_actions` whether the stack may run post-launch actions of DRS.
    """
    facts = site.launches
    if facts is None:
        return
    known = {name: server for name, server in site.servers.items() if server is not None}
    launches = {name: launch for name, server in known.items() if (launch := launch_of(facts, server)) is not None}
    seen = [member for member in site.members if member.source_server_id in launches]
    new_launches = [member for member in seen if launches[member.source_server_id].configuration.launches_into is None]
    refused = [name for name in known if refused_to(site, name, GET_LAUNCH_CONFIGURATION)]
    yield from _not_checked(site, len(known) - len(seen) - len(refused))
    yield from each_of("launch-into", site.where, seen, _into(facts, launches), "launched as instances of their own")
    yield from each_of("launch-disposition", site.where, seen, _stopped(launches), "started by their launch")
    yield from each_of("post-launch", site.where, seen, _actions(launches, runs_actions), "no actions without rights")
    if facts.templates is None or facts.subnets is None or facts.groups is None or facts.zones is None:
        yield from _places_not_checked(site)
    if facts.templates is None:
        return
    # What a drill has changed a recovery puts back: the template says nothing of where that lands now.
    own = [member for member in new_launches if member.source_server_id not in site.changed]
    templated = [member for member in own if launches[member.source_server_id].template is not None]
    yield from each_of("template", site.where, new_launches, _template(facts, launches), "with a launch template")
    if commands:
        yield from each_of("instance-profile", site.where, templated, _profile(launches), "with an instance profile")
    yield from _of_places(site, facts, launches, templated, seen)


def _of_places(
    site: SiteFacts, facts: LaunchFacts, launches: Launches, new_launches: Sequence[Member], seen: Sequence[Member]
) -> Iterator[Check]:
    """Make the checks of subnets, groups, types and addresses, as far as EC2 reported them."""
    if facts.subnets is None or facts.groups is None or facts.zones is None:
        return
    copying = [member for member in new_launches if launches[member.source_server_id].configuration.copies_private_ip]
    yield from each_of(
        "network", site.where, new_launches, _network(facts, launches), "whose subnets and groups fit together"
    )
    yield from each_of(
        "instance-type", site.where, new_launches, _type(facts, launches), "whose type is offered in its zone"
    )
    if facts.addresses is not None:
        yield from each_of("private-ip", site.where, copying, _address(site, facts, launches), "with a free address")
    yield from _free_addresses(site, facts, launches, new_launches)
    yield from _vcpus(site, facts, launches, new_launches)
    drills = places_of(site, facts, launches, seen)
    yield from drill_checks(site, facts, seen, drills)
    yield from _landings(facts, launches, new_launches, drills)


def _not_checked(site: SiteFacts, left: int) -> Iterator[Check]:
    if left and not any(trouble.operation == GET_LAUNCH_CONFIGURATION for trouble in site.troubles):
        sentence = f"how {servers(left)} are launched was not looked at: DRS reports it one server at a time"
        yield Check("launch", site.where, CheckStatus.WARN, sentence)


def _places_not_checked(site: SiteFacts) -> Iterator[Check]:
    if not any(trouble.operation.startswith("ec2:") for trouble in site.troubles):
        sentence = "where servers would land was not looked at: there was no time left to ask EC2"
        yield Check("launch", site.where, CheckStatus.WARN, sentence)


def _into(facts: LaunchFacts, launches: Launches) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        into = launches[member.source_server_id].configuration.launches_into
        if into is None:
            return None
        state = None if facts.targets is None else facts.targets.get(into, "terminated")
        if state in _GONE:
            return by_impact(member, f"it is launched into {into}, which does not exist")
        if state not in {None, _STOPPED}:
            return by_impact(member, f"it is launched into {into}, which is {state}: DRS asks for a stopped instance")
        return CheckStatus.WARN, f"{DRILL}it is launched into {into}: a drill, too, replaces what is on that instance"

    return verdict


def _stopped(launches: Launches) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        if launches[member.source_server_id].configuration.disposition != "STOPPED":
            return None
        return CheckStatus.WARN, "its launch configuration leaves it STOPPED: somebody has to start it, no command runs"

    return verdict


def _actions(launches: Launches, runs_actions: bool) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        if runs_actions or not launches[member.source_server_id].configuration.post_launch_enabled:
            return None
        return CheckStatus.WARN, (
            "its post-launch actions are on, and the stack's parameter PostLaunchActions is not: they fail for want of"
            " rights, and are not waited for"
        )

    return verdict


def _template(facts: LaunchFacts, launches: Launches) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        launch = launches[member.source_server_id]
        if launch.template is not None:
            return None
        name = launch.configuration.template_id
        if name is None or name in facts.gone:
            return by_impact(member, f"EC2 knows no launch template {name}")
        return CheckStatus.WARN, f"EC2 does not show its launch template {name} now"

    return verdict


def _profile(launches: Launches) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        if launches[member.source_server_id].profile:
            return None
        return CheckStatus.WARN, "its launch template names no instance profile: SSM, and so no command, may reach it"

    return verdict


def _network(facts: LaunchFacts, launches: Launches) -> Verdict:
    def verdict(member: Member) -> Finding | None:
        launch = launches[member.source_server_id]
        wrong = [words for interface in launch.interfaces if (words := _wrong_with(facts, launch, interface))]
        return by_impact(member, "; ".join(dict.fromkeys(wrong))) if wrong else None

    return verdict


def _wrong_with(facts: LaunchFacts, launch: Launch, interface: Interface) -> str | None:
    """Return what EC2 would refuse an interface for."""
    if interface.existing is not None:
        return None  # EC2 takes subnet and groups from it
    subnet = subnet_of(facts, launch, interface)
    if subnet is None:
        named = interface.subnet_id
        if named is None and facts.default_subnets is None:
            return None  # they were not seen
        return f"its launch template names subnet {named}, which does not exist" if named else "no default subnet fits"
    groups = facts.groups or {}
    absent = [each for each in interface.group_ids if each not in groups]
    if absent:
        return f"its launch template names security group {absent[0]}, which does not exist"
    foreign = [each for each in interface.group_ids if groups[each] != subnet.vpc_id]
    if foreign:
        return f"security group {foreign[0]} and subnet {subnet.subnet_id} of its launch template are of different VPCs"
    return None


def _type(facts: LaunchFacts, launches: Launches) -> Verdict:
    zones = facts.zones or {}

    def verdict(member: Member) -> Finding | None:
        launch = launches[member.source_server_id]
        name = launch.instance_type
        if name is None or not launch.interfaces or launch.interfaces[0].existing is not None:
            return None
        if not zones.get(name):
            return by_impact(member, f"its instance type {name} is not offered in this Region")
        subnet = subnet_of(facts, launch, launch.interfaces[0])
        if subnet is None or subnet.zone in zones[name]:
            return None
        return by_impact(member, f"its instance type {name} is not offered in {subnet.zone}, where its subnet is")

    return verdict


def _address(site: SiteFacts, facts: LaunchFacts, launches: Launches) -> Verdict:
    """Return whether a private address that is kept can be had; its own earlier instance gives it up before."""
    taken = facts.addresses or {}

    def verdict(member: Member) -> Finding | None:
        name = member.source_server_id
        server, launch = site.servers[name], launches[name]
        subnet = subnet_of(facts, launch, launch.interfaces[0])
        address = server.address if server else None
        if subnet is None or address is None:
            return None
        if not holds(subnet.cidr, address):
            return by_impact(member, f"it keeps its private address {address}, which subnet {subnet.subnet_id} lacks")
        place = (subnet.subnet_id, address)
        own = {instance.recovery_instance_id for instance in site.instances.get(name, ())}
        if place in taken and taken[place] not in own:
            holder = taken[place] or "somebody else"
            return by_impact(member, f"it keeps its private address {address}, which {holder} has")
        return None

    return verdict


def _free_addresses(
    site: SiteFacts, facts: LaunchFacts, launches: Launches, new_launches: Sequence[Member]
) -> Iterator[Check]:
    """Compare the free addresses of each subnet with all servers of the plan that land there, wave after wave."""
    wanted, critical, free = Counter[str](), Counter[str](), dict[str, int]()
    for member in new_launches:
        launch = launches[member.source_server_id]
        for interface in launch.interfaces:
            subnet = None if interface.existing else subnet_of(facts, launch, interface)
            if subnet is not None:
                free[subnet.subnet_id] = subnet.free
                wanted[subnet.subnet_id] += interface.addresses
                counts = member.impact is Impact.CRITICAL and not _gives_back(site, member)
                critical[subnet.subnet_id] += interface.addresses if counts else 0
    short = [each for each in free if wanted[each] > free[each]]
    for each in short:
        sentence = (
            f"{free[each]} addresses are free, and {wanted[each]} are needed, {critical[each]} by CRITICAL servers"
        )
        status = CheckStatus.FAIL if critical[each] > free[each] else CheckStatus.WARN
        yield Check("addresses", each, status, sentence)
    if free and not short:
        yield Check("addresses", site.where, CheckStatus.PASS, f"free addresses for all in {len(free)} subnet(s)")


def _gives_back(site: SiteFacts, member: Member) -> bool:
    """Return whether a launch ends an earlier instance of a server, and with it what that holds of its own subnet.

    A drill's instance in a network of its own holds nothing there.
    """
    earlier = site.instances.get(member.source_server_id, ())
    return any(not (site.network and instance.is_drill) for instance in earlier)


def _vcpus(site: SiteFacts, facts: LaunchFacts, launches: Launches, new_launches: Sequence[Member]) -> Iterator[Check]:
    """Compare the quota of vCPUs with the needs of the plan's servers; other instances count too, but are not seen."""
    quota = facts.vcpu_quota
    sizes = {
        member: facts.vcpus.get(name, 0)
        for member in new_launches
        if (name := launches[member.source_server_id].instance_type) is not None and name[0] in _STANDARD
    }
    needed = sum(sizes.values())
    if quota is None or not needed:
        return
    critical = sum(size for member, size in sizes.items() if member.impact is Impact.CRITICAL)
    sentence = f"standard instances may have {quota} vCPUs together, the plan's servers need {needed}"
    status = CheckStatus.PASS
    if needed > quota:
        status = CheckStatus.FAIL if critical > quota else CheckStatus.WARN
    yield Check("vcpu-quota", site.where, status, sentence)


def _landings(
    facts: LaunchFacts, launches: Launches, new_launches: Sequence[Member], drills: Mapping[str, Subnet | str]
) -> Iterator[Check]:
    """Report where each server would land."""
    for member in new_launches[:MOST_FINDINGS]:
        place = _place(facts, launches[member.source_server_id])
        drill = drills.get(member.source_server_id)
        sentence = f"a drill and a recovery land in {place}"
        if drill is not None:
            where = "nowhere" if isinstance(drill, str) else f"{drill.subnet_id} ({drill.zone})"
            sentence = f"a drill lands in {where}, a recovery in {place}"
        yield Check("landing", member.source_server_id, CheckStatus.PASS, sentence)


def _place(facts: LaunchFacts, launch: Launch) -> str:
    interface = launch.interfaces[0]
    kind = f" as {launch.instance_type}" if launch.instance_type else ""
    if interface.existing is not None:
        return f"the network interface {interface.existing}{kind}"
    subnet = subnet_of(facts, launch, interface)
    where = f"{subnet.subnet_id} ({subnet.zone})" if subnet else str(interface.subnet_id or "no subnet that fits")
    groups = ", ".join(interface.group_ids) or "the default security group"
    return f"{where} with {groups}{kind}"
