"""How a wave ends: with its servers, by a required step, or at its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.execution_utils import WaveStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave

_NAMED: Final = 3
"""Servers that fit a line."""


def failed_servers(wave: Wave) -> list[str]:
    """Name the servers that fail a wave whose launch is over."""
    return [server.label for server in wave.servers if server.fails_wave]


def failed_by(wave: Wave, step: WaveStep, now: datetime) -> Wave:
    """End a wave that a required step failed."""
    error = f"The required {step.kind.lower()} {step.name} {step.shortfall} ({step.phase.lower()} the launch)"
    return replace(wave, status=WaveStatus.FAILED, ended_at=now, error=error)


def ended(wave: Wave, now: datetime) -> Wave:
    """End a wave whose servers have all ended. What DRS said of the whole request stays its error."""
    failed = failed_servers(wave)
    if not failed:
        return replace(wave, status=WaveStatus.COMPLETED, ended_at=now, error=None)
    named = ", ".join(failed[:_NAMED]) + (f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else "")
    error = wave.error or f"{len(failed)} critical server(s) failed: {named}"
    return replace(wave, status=WaveStatus.FAILED, ended_at=now, error=error)


def timed_out(wave: Wave, waiting: Collection[str], now: datetime) -> Wave:
    """Fail a wave past its deadline; what its jobs still launch is recorded later, what waits for a call has failed."""
    marked = wave.with_servers(
        lambda server: (
            replace(server, launch_status=LaunchStatus.FAILED, error=_why_not_started(server))
            if server.source_server_id in waiting
            else server
        ),
    )
    error = f"Timed out after {wave.timeout_minutes} minute(s)"
    return replace(marked, status=WaveStatus.FAILED, ended_at=now, error=error)


def _why_not_started(server: Server) -> str:
    reason = "Not started before the wave timed out"
    return f"{reason}: {server.error}" if server.error else reason
