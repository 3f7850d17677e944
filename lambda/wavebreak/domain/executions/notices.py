"""What an execution has to say for itself besides its statuses, as far as its servers and waves tell it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model import LaunchStatus
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.domain.executions.model import Execution, Server, Wave

OLDER_SNAPSHOT = "OLDER_SNAPSHOT"
NOTHING_LAUNCHED = "NOTHING_LAUNCHED"


def derived_notices(execution: Execution) -> list[dict[str, Any]]:
    """Give the warnings that nobody has to write down: `{code, message, waveNumber, sourceServerId?}` (contract 4)."""
    return [notice for wave in execution.waves for notice in _of_wave(wave)]


def _of_wave(wave: Wave) -> Iterator[dict[str, Any]]:
    launched = any(server.launch_status is LaunchStatus.LAUNCHED for server in wave.servers)
    if wave.status is WaveStatus.COMPLETED and not launched:
        message = f"Wave {wave.number} ({wave.name}) is complete though nothing of it was launched: all are OPTIONAL"
        yield {"code": NOTHING_LAUNCHED, "message": message, "waveNumber": wave.number}
    for server in wave.servers:
        if server.older_snapshot:
            yield {
                "code": OLDER_SNAPSHOT,
                "message": _older(server),
                "waveNumber": wave.number,
                "sourceServerId": server.source_server_id,
            }


def _older(server: Server) -> str:
    known = f" ({iso(server.snapshot_at)})" if server.snapshot_at else ""
    return f"Server {server.source_server_id} was launched from an older recovery point than was asked for{known}"
