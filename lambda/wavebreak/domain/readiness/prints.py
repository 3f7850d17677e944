"""Fingerprints of a server and its launch when a drill had completed, to detect later changes.

A print covers the launch configuration, the launch template, and what DRS reports about the machine itself.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict

from wavebreak.domain.readiness.launch_facts import launch_of
from wavebreak.domain.readiness.verdicts import Check, CheckStatus, Finding, each_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wavebreak.domain.readiness.facts import Member, SiteFacts

_LENGTH: Final = 8


def prints_of(site: SiteFacts) -> dict[str, str]:
    """Return the prints of a site's servers by their ids, of those that were seen whole.

    A template that a drill has changed says nothing now: it is put back.
    """
    found: dict[str, str] = {}
    for name, server in site.servers.items():
        launch = launch_of(site.launches, server) if site.launches is not None and server is not None else None
        if launch is None or launch.template is None or server is None or name in site.changed:
            continue
        seen = [asdict(launch.configuration), launch.template.data, server.address, server.hardware]
        text = json.dumps(seen, sort_keys=True, default=str)
        found[name] = sha256(text.encode()).hexdigest()[:_LENGTH]
    return found


def drift_checks(site: SiteFacts, since: str, before: Mapping[str, str]) -> Iterator[Check]:
    """Report servers that changed since a drill (`since`) completed; `before` is their prints then."""
    now = prints_of(site)
    known = [member for member in site.members if member.source_server_id in now.keys() & before.keys()]

    def verdict(member: Member) -> Finding | None:
        name = member.source_server_id
        if now[name] == before[name]:
            return None
        return CheckStatus.WARN, f"its launch settings, its launch template or the machine itself changed since {since}"

    yield from each_of("changed", site.where, known, verdict, f"as they were when {since} had completed")
