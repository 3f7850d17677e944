"""Which servers a RECOVERY holds by now: a termination leaves their instances alone (contract 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.identifiers import is_drill
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.ports.capabilities import HasClock, HasLocks
    from wavebreak.site import Site

    class Ports(HasClock, HasLocks, Protocol):
        """What reading the holder of a server needs."""


def holders(app: Ports, execution_id: str, site: Site, servers: Iterable[Server]) -> dict[str, str]:
    """Return which RECOVERY other than this execution holds each of these servers, by source server id."""
    partitions = {keys.server(site, server.source_server_id): server.source_server_id for server in servers}
    if not partitions:
        return {}
    held = app.locks.server_holders(list(partitions), app.now())
    return {
        partitions[partition]: holder
        for partition, holder in held.items()
        if holder != execution_id and not is_drill(holder)
    }
