"""What an execution left running, as far as is stored, and what a termination has not ended, with the reason.

Lists are derived from the servers, which hold what is known of each instance; an overview keeps counts and a few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.domain.executions.observing.instances import ending_of, is_launched, needs_manual_end
from wavebreak.execution_utils import TerminationStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave

MOST_IN_AN_OVERVIEW: Final = 20
"""Entries of each list that an overview keeps."""
_ON_ITS_WAY: Final = frozenset({LaunchStatus.PENDING, LaunchStatus.IN_PROGRESS})
_REASON_LENGTH: Final = 500
"""Characters of a reason that are shown, so that an answer about 4,000 servers stays far below 6 MB."""
_BRIEF_REASON: Final = 200
"""Characters of a reason that an overview keeps."""

Entry = dict[str, Any]
"""`{recoveryInstanceId, sourceServerId, reason}`."""


def launched_count(execution: Execution) -> int:
    """Count the servers that have, or had, a recovery instance of this execution."""
    return sum(is_launched(server) for wave in execution.waves for server in wave.servers)


def terminated_count(execution: Execution) -> int:
    """Count the instances that are known to be terminated or replaced; a COMPLETED termination ended all of them."""
    if execution.instances_terminated:
        return launched_count(execution)
    return sum(ending_of(server).is_over for wave in execution.waves for server in wave.servers)


def remaining(execution: Execution) -> list[Entry]:
    """List what a termination that was asked for has yet to end, or could not; launches under way are among it."""
    if execution.termination.status in {TerminationStatus.NOT_REQUESTED, TerminationStatus.COMPLETED}:
        return []
    launching = {
        name: job.job_id for job in execution.launch_jobs() if job.state is JobState.STARTED for name in job.subjects
    }
    return [
        _entry(server, _reason(execution, wave, server, launching))
        for wave, server in _servers(execution)
        if _is_left(server, launching)
    ]


def unknown(execution: Execution) -> list[Entry]:
    """List the instances that are gone from DRS though nothing is known to have ended them."""
    if execution.instances_terminated:
        return []
    return [
        _entry(server, ending_of(server).reason)
        for _, server in _servers(execution)
        if ending_of(server).outcome is EndingOutcome.UNKNOWN
    ]


def ending_outcome(execution: Execution, server: Server) -> str | None:
    """Return the outcome of a server's instance: TERMINATED, REPLACED or UNKNOWN; None while it exists."""
    if not is_launched(server):
        return None
    outcome = ending_of(server).outcome
    if outcome is None and execution.instances_terminated:
        return EndingOutcome.TERMINATED.value
    return outcome and outcome.value


def may_be_ended(execution: Execution) -> bool:
    """Return whether an instance is left that another termination may end: neither unknown nor for people to end."""
    return any(
        is_launched(server) and ending_of(server).outcome is None and not ending_of(server).by_hand
        for _, server in _servers(execution)
    )


def notified_before(execution: Execution) -> frozenset[str]:
    """Return the instances that are left to people, as an earlier run reported at its end (contract 13)."""
    return frozenset(
        server.recovery_instance_id
        for _, server in _servers(execution)
        if server.recovery_instance_id and ending_of(server).notified and needs_manual_end(ending_of(server))
    )


def _is_left(server: Server, launching: Mapping[str, str | None]) -> bool:
    if not is_launched(server):
        return server.source_server_id in launching and server.launch_status in _ON_ITS_WAY
    ending = ending_of(server)
    return not ending.is_over and ending.outcome is not EndingOutcome.UNKNOWN


def _servers(execution: Execution) -> Iterator[tuple[Wave, Server]]:
    return ((wave, server) for wave in execution.waves for server in wave.servers)


def _reason(execution: Execution, wave: Wave, server: Server, launching: Mapping[str, str | None]) -> str | None:
    """Return why an instance is left: what stands in its way, what DRS said of it, or of its account and Region."""
    ending = ending_of(server)
    if not is_launched(server):
        return f"DRS job {launching[server.source_server_id]}, which launches it, has not ended"
    if ending.reason is not None:
        return ending.reason
    if ending.suspicion is not None:
        return ending.suspicion.words
    return next((hold.words for hold in execution.termination.holds if hold.site == wave.site), None)


def in_brief(entries: list[Entry]) -> list[Entry]:
    """Return the first few entries for an overview, their reasons cut."""
    return [{**entry, "reason": _cut(entry["reason"], _BRIEF_REASON)} for entry in entries[:MOST_IN_AN_OVERVIEW]]


def _entry(server: Server, reason: str | None) -> Entry:
    return {
        "recoveryInstanceId": server.recovery_instance_id,
        "sourceServerId": server.source_server_id,
        "reason": _cut(reason, _REASON_LENGTH),
    }


def _cut(reason: str | None, length: int) -> str | None:
    return reason if reason is None or len(reason) <= length else reason[: length - 1] + "…"
