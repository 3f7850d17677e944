"""Steps of an execution while a wave is launched: each takes an `Execution` and gives another. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wavebreak.domain.executions.model import Execution, Job, JobState, LaunchStatus, Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def launching(server: Server) -> Server:
    """Give a server that its job is about to launch; one that is past that stays as it is."""
    return replace(server, launch_status=LaunchStatus.IN_PROGRESS, error=None) if _is_pending(server) else server


def _is_pending(server: Server) -> bool:
    return server.launch_status is LaunchStatus.PENDING


def refuted(execution: Execution, job: Job) -> Execution:
    """Refute the intent of a job, unless its outcome is known by now."""
    known = next((other for other in execution.jobs if other.key == job.key), None)
    if known is None or known.state is not JobState.INTENDED:
        return execution
    return execution.with_job(replace(known, state=JobState.REFUTED))


def still_intended(execution: Execution, later: Job) -> Execution:
    """Have an intent without an outcome looked for again later."""
    known = next((other for other in execution.jobs if other.key == later.key), None)
    return execution.with_job(later) if known is not None and known.state is JobState.INTENDED else execution


def blocked(execution: Execution, number: int, until: datetime) -> Execution:
    """Start nothing more of a wave before a moment."""
    return execution.with_waves([replace(execution.wave(number), blocked_until=until)])


def explained(execution: Execution, number: int, reasons: Mapping[str, str]) -> Execution:
    """Say of servers why they wait."""
    wave = execution.wave(number).with_servers(
        lambda server: (
            replace(server, error=reasons[server.source_server_id])
            if server.source_server_id in reasons and _is_pending(server)
            else server
        ),
    )
    return execution.with_waves([wave])


def failed(execution: Execution, number: int, reasons: Mapping[str, str]) -> Execution:
    """Fail servers that wait to be launched, each with its reason."""
    wave = execution.wave(number).with_servers(
        lambda server: (
            replace(server, launch_status=LaunchStatus.FAILED, error=reasons[server.source_server_id])
            if server.source_server_id in reasons and _is_pending(server)
            else server
        ),
    )
    return execution.with_waves([wave])
