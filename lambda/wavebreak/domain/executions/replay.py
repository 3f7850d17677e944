"""An execution as it stood right after one of its events, read back from the audit trail. Pure.

Messages tell what happened exactly as it happened, even if they leave late: by then the stored state may be another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import COMMAND, WORDS
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus, is_terminal
from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model import Execution, Wave


def state_after(execution: Execution, trail: Iterable[Mapping[str, Any]]) -> Execution:
    """Give an execution with the statuses that its trail, from the first event to the one in question, adds up to.

    What the trail does not tell (servers, jobs, errors of waves) is as stored; the error of a wave that has another
    status by now is left out.
    """
    status = ExecutionStatus.PENDING
    termination = TerminationStatus.NOT_REQUESTED
    waves: dict[int, WaveStatus] = {}
    ended_at: datetime | None = None
    for event in trail:
        for change in event["data"]["changes"]:
            if change.get("subject") in {COMMAND, *WORDS}:
                continue
            if "waveNumber" in change:
                waves[int(change["waveNumber"])] = WaveStatus(change["to"])
            elif "subject" in change:
                termination = TerminationStatus(change["to"])
            else:
                status = ExecutionStatus(change["to"])
                ended_at = parse_iso(event["at"]) if is_terminal(status) else None
    return replace(
        execution,
        status=status,
        ended_at=ended_at,
        waves=tuple(_wave_then(wave, waves.get(wave.number, WaveStatus.NOT_STARTED)) for wave in execution.waves),
        termination=replace(execution.termination, status=termination),
        lease=execution.lease and replace(execution.lease, expires_at=execution.lease.expires_at if ended_at else None),
    )


def _wave_then(wave: Wave, status: WaveStatus) -> Wave:
    return wave if wave.status is status else replace(wave, status=status, error=None)
