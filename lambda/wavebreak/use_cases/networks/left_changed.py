"""Which servers' launch templates a drill has changed, as a check of readiness sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.readiness.facts import ChangedTemplate
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.ports.capabilities import HasTemplates
    from wavebreak.site import Site

    class Ports(HasTemplates, Protocol):
        """What finding changed templates needs."""


def changed_templates(
    app: Ports, servers: Mapping[Site, Iterable[str]], now: datetime
) -> dict[Site, dict[str, ChangedTemplate]]:
    """Return the changed templates of some servers, by site and server; servers that no index shows are not read."""
    listed = frozenset(app.templates.listed(now))
    found: dict[Site, dict[str, ChangedTemplate]] = {}
    for site, source_server_ids in servers.items():
        wanted = [each for each in source_server_ids if keys.server(site, each) in listed]
        found[site] = {
            name: ChangedTemplate(change.execution_id, _is_left(change, now), change.trouble)
            for name, change in app.templates.of(site, wanted).items()
        }
    return found


def _is_left(change: TemplateChange, now: datetime) -> bool:
    """Return whether a change could not be put back; one that is just being put back is not left."""
    return change.idle_since is not None and (change.trouble is not None or change.is_left(now))
