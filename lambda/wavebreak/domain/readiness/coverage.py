"""What a check of a plan saw, and so which failures of an earlier check it may call cured.

DRS returns launch configurations and snapshots one server at a time, so a check may end before all are read. What it
did not see it says nothing of: an earlier failure there stands until it is seen again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from wavebreak.domain.drs import DESCRIBE_SNAPSHOTS, GET_LAUNCH_CONFIGURATION
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.plans.readiness import AND_MORE
from wavebreak.domain.readiness.checks import has_snapshots
from wavebreak.domain.readiness.launch_facts import LaunchFacts, launch_of
from wavebreak.domain.readiness.refusals import refused_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wavebreak.domain.plans.readiness import Failing
    from wavebreak.domain.readiness.facts import Facts, SiteFacts

T = TypeVar("T")

_OF_LISTS: Final = frozenset({"server", "replication", "lag"})
_OF_SNAPSHOTS: Final = frozenset({"snapshot"})
_OF_LAUNCHES: Final = frozenset({"launch-into", "template", "network", "instance-type", "private-ip"})
_OF_ALL_SERVERS: Final = frozenset({"addresses", "vcpu-quota"})
"""Checks that sum up what all servers of a plan need."""
_OF_TROUBLES: Final = frozenset({"drs", "ec2", "permissions"})
_PARTLY_SEEN: Final = _OF_LISTS | _OF_SNAPSHOTS | _OF_LAUNCHES | _OF_ALL_SERVERS | _OF_TROUBLES


def in_turn(candidates: Iterable[tuple[Impact, str, T]], begin: str | None) -> list[T]:
    """Order servers, given as impact, id and whatever: the CRITICAL ones first, beginning with `begin` if it is there.

    The check after one that could not see all begins with what was missed, so that all are seen in turn.
    """
    ordered = sorted(candidates, key=lambda each: each[0] is Impact.OPTIONAL)
    start = next((index for index, each in enumerate(ordered) if each[1] == begin), 0)
    return [each[2] for each in (*ordered[start:], *ordered[:start])]


def servers_covered(facts: Facts) -> int:
    """Count the servers of which everything was asked that DRS reports one server at a time."""
    return sum(_is_covered(site, member.source_server_id) for site in facts.sites for member in site.members)


def first_missed(facts: Facts, begin: str | None) -> str | None:
    """Return the server that the next check begins with; None when no server was missed."""
    candidates = [
        (member.impact, member.source_server_id, (site, member.source_server_id))
        for site in facts.sites
        for member in site.members
    ]
    return next((server for site, server in in_turn(candidates, begin) if not _is_covered(site, server)), None)


def still_standing(before: Sequence[Failing], facts: Facts, covered_before: int) -> list[Failing]:
    """Return earlier failures of which this check saw nothing; the earlier check covered `covered_before` servers."""
    return [each for each in before if not _is_seen(facts, each, covered_before)]


def _is_covered(site: SiteFacts, server: str) -> bool:
    if site.servers.get(server) is None:
        return server in site.servers  # DRS knows none: there is nothing to ask
    return _sees_configuration(site, server) and _sees_snapshots(site, server)


def _sees_configuration(site: SiteFacts, server: str) -> bool:
    return server in _launches(site).configurations or refused_to(site, server, GET_LAUNCH_CONFIGURATION) is not None


def _sees_snapshots(site: SiteFacts, server: str) -> bool:
    if server in site.snapshots or refused_to(site, server, DESCRIBE_SNAPSHOTS) is not None:
        return True
    return server in site.servers and not has_snapshots(site.servers[server])


def _launches(site: SiteFacts) -> LaunchFacts:
    return site.launches or LaunchFacts()


def _is_seen(facts: Facts, failing: Failing, covered_before: int) -> bool:
    """Return whether a check would have found a failure again if it were there still."""
    if failing.check not in _PARTLY_SEEN:
        return True
    for site in facts.sites:
        if any(member.source_server_id == failing.subject for member in site.members):
            return _is_seen_of_server(site, failing.check, failing.subject)
    where = next((site for site in facts.sites if site.where == failing.subject), None)
    if where is not None and failing.check in _OF_TROUBLES:
        return _sees_troubles(where, failing.check)
    if where is None and failing.subject != AND_MORE and failing.check not in _OF_ALL_SERVERS:
        return True  # a server that the plan has no more
    if failing.check == "vcpu-quota" and any(_launches(site).vcpu_quota is None for site in facts.sites):
        return False
    return servers_covered(facts) >= covered_before and all(_sees_places(site) for site in facts.sites)


def _is_seen_of_server(site: SiteFacts, check: str, server: str) -> bool:
    if server not in site.servers:
        return False
    if check in _OF_LISTS or site.servers[server] is None:
        return True
    if check in _OF_SNAPSHOTS:
        return _sees_snapshots(site, server)
    if check in _OF_TROUBLES:
        return _is_covered(site, server)
    return _sees_launch(site, check, server)


def _sees_launch(site: SiteFacts, check: str, server: str) -> bool:
    """Return whether the check of a server's launch was made, or does not apply to it any more."""
    facts, known = _launches(site), site.servers[server]
    launch = None if known is None else launch_of(facts, known)
    if launch is None:
        return False
    if launch.configuration.launches_into is not None:
        return facts.targets is not None or check != "launch-into"
    if check == "launch-into":
        return True
    if check == "template":
        return facts.templates is not None
    if launch.template is None or server in site.changed:
        return False
    copies = launch.configuration.copies_private_ip and facts.addresses is None
    return _sees_places(site) and not (check == "private-ip" and copies)


def _sees_places(site: SiteFacts) -> bool:
    facts = _launches(site)
    return all(each is not None for each in (facts.templates, facts.subnets, facts.groups, facts.zones))


def _sees_troubles(site: SiteFacts, check: str) -> bool:
    """Return whether a site was asked again what it had trouble with."""
    if check == "ec2":
        return _sees_places(site)
    return any(_is_covered(site, member.source_server_id) for member in site.members)
