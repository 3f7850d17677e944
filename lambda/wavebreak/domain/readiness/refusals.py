"""What DRS refused to report about single servers: it concerns them alone, and no other plan of the same account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.drs import DESCRIBE_SNAPSHOTS, GET_LAUNCH_CONFIGURATION
from wavebreak.domain.readiness.verdicts import Check, CheckStatus, Finding, by_impact, each_of, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.domain.drs import Trouble
    from wavebreak.domain.readiness.facts import Member, SiteFacts

_ASKED_OF_ONE = (GET_LAUNCH_CONFIGURATION, DESCRIBE_SNAPSHOTS)
"""Operations that are asked one server at a time."""


def refused_to(site: SiteFacts, server: str, operation: str) -> Trouble | None:
    """Return why an operation was refused for a server; None when it was not."""
    return next((each for each in site.refused.get(server, ()) if each.operation == operation), None)


def refusals(site: SiteFacts) -> Iterator[Check]:
    """Report what was refused for each server; a permission that is missing for all of them, once.

    The permission to read launches is not needed to launch: a missing one is a WARN.
    """
    for operation in _ASKED_OF_ONE:
        refused = {
            member: trouble
            for member in site.members
            if (trouble := refused_to(site, member.source_server_id, operation)) is not None
        }
        denied = {member: trouble for member, trouble in refused.items() if trouble.denied}
        if len(denied) > 1 and len(denied) == len(refused) and not _answered(site, operation):
            yield _denied_for_all(site, operation, denied)
            continue
        yield from _of_each("permissions", site, denied)
        yield from _of_each("drs", site, {each: refused[each] for each in refused if each not in denied})


def _answered(site: SiteFacts, operation: str) -> bool:
    """Return whether an operation was answered for any server of the plan."""
    if operation == DESCRIBE_SNAPSHOTS:
        return bool(site.snapshots)
    configurations = site.launches.configurations if site.launches is not None else {}
    return any(member.source_server_id in configurations for member in site.members)


def _denied_for_all(site: SiteFacts, operation: str, denied: dict[Member, Trouble]) -> Check:
    reason = next(iter(denied.values())).reason
    about = f"no permission for {operation} of {servers(len(denied))} in {site.where}"
    if operation == GET_LAUNCH_CONFIGURATION:
        return Check("permissions", site.where, CheckStatus.WARN, f"{about}, so launches are not looked at: {reason}")
    found = [by_impact(member, f"{about}: {reason}") for member in denied]
    status, message = next((each for each in found if each[0] is CheckStatus.FAIL), found[0])
    return Check("permissions", site.where, status, message)


def _of_each(name: str, site: SiteFacts, refused: dict[Member, Trouble]) -> Iterator[Check]:
    def verdict(member: Member) -> Finding | None:
        trouble = refused[member]
        if not trouble.denied:
            return by_impact(member, f"DRS refused {trouble.operation} of it: {trouble.reason}")
        message = f"no permission for {trouble.operation} of it"
        if trouble.operation == GET_LAUNCH_CONFIGURATION:
            return CheckStatus.WARN, f"{message}, so its launch is not looked at: {trouble.reason}"
        return by_impact(member, f"{message}: {trouble.reason}")

    yield from each_of(name, site.where, list(refused), verdict, "")
