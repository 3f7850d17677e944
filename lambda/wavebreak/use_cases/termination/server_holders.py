"""Which servers a RECOVERY holds by now: a termination leaves their instances alone (contract 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model import Mode
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.app import App
    from wavebreak.domain.executions.model import Server
    from wavebreak.site import Place

_RECOVERIES: Final = f"{Mode.RECOVERY.lower()}-"
"""What the ids of recoveries begin with."""


def holders(app: App, execution_id: str, place: Place, servers: Iterable[Server]) -> dict[str, str]:
    """Return which RECOVERY other than this execution holds each of these servers, by source server id."""
    partitions = {keys.server(place, server.source_server_id): server.source_server_id for server in servers}
    if not partitions:
        return {}
    held = app.locks.server_holders(list(partitions), app.now())
    return {
        partitions[partition]: holder
        for partition, holder in held.items()
        if holder != execution_id and holder.startswith(_RECOVERIES)
    }
