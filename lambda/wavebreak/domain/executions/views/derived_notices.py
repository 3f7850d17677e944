"""Warnings that follow from the state of servers and waves, and need not be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.notices import Notice, NoticeCode
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave


def derived_notices(execution: Execution) -> list[Notice]:
    """Return the warnings that follow from the state of waves and servers (contract 4)."""
    return [notice for wave in execution.waves for notice in _of_wave(wave)]


def _of_wave(wave: Wave) -> Iterator[Notice]:
    launched = any(server.launch_status is LaunchStatus.LAUNCHED for server in wave.servers)
    if wave.status is WaveStatus.COMPLETED and not launched:
        message = f"Wave {wave.number} ({wave.name}) is complete though nothing of it was launched: all are OPTIONAL"
        yield Notice(NoticeCode.NOTHING_LAUNCHED, message, wave.number)
    for server in wave.servers:
        if server.older_snapshot:
            yield Notice(NoticeCode.OLDER_SNAPSHOT, _older(server), wave.number, server.source_server_id)


def _older(server: Server) -> str:
    known = f" ({iso(server.snapshot_at)})" if server.snapshot_at else ""
    return f"Server {server.source_server_id} was launched from an older recovery point than was asked for{known}"
