"""An execution as it stood right after one of its events, read back from the audit trail.

Messages tell what happened exactly as it happened, even if they leave late: by then the stored state may be another.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import TERMINATION
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus, is_terminal
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.leases import Lease
    from wavebreak.domain.executions.model.waves import Wave


class Statuses(Value):
    """What the events of a trail, from the first to one in question, add up to; at first that of a new execution."""

    execution: ExecutionStatus = ExecutionStatus.PENDING
    termination: TerminationStatus = TerminationStatus.NOT_REQUESTED
    ended_at: datetime | None = None
    waves: Mapping[int, WaveStatus] = field(default_factory=dict)
    """By number; one that is missing has not started."""

    def after(self, event: Mapping[str, Any]) -> Statuses:
        """Return the statuses after the next event of the trail."""
        execution, termination, ended_at, waves = self.execution, self.termination, self.ended_at, dict(self.waves)
        for change in event["data"]["changes"]:
            if change.get("subject") == TERMINATION:
                termination = TerminationStatus(change["to"])
            elif "subject" in change:
                continue
            elif "waveNumber" in change:
                waves[int(change["waveNumber"])] = WaveStatus(change["to"])
            else:
                execution = ExecutionStatus(change["to"])
                ended_at = parse_iso(event["at"]) if is_terminal(execution) else None
        return Statuses(execution, termination, ended_at, waves)

    def shown_by(self, execution: Execution) -> Execution:
        """Return an execution with these statuses.

        What a trail does not report (servers, jobs, errors of waves) is as stored; the error of a wave that has another
        status by now is left out.
        """
        then = (_wave_then(wave, self.waves.get(wave.number, WaveStatus.NOT_STARTED)) for wave in execution.waves)
        return replace(
            execution,
            status=self.execution,
            ended_at=self.ended_at,
            waves=tuple(then),
            termination=replace(execution.termination, status=self.termination),
            lease=self._lease(execution),
        )

    def _lease(self, execution: Execution) -> Lease | None:
        lease = execution.lease
        return lease if lease is None or self.ended_at is not None else replace(lease, expires_at=None)

    def record(self) -> dict[str, Any]:
        """Write the statuses down as JSON values, for `read_statuses`."""
        ended = {"endedAt": iso(self.ended_at)} if self.ended_at else {}
        waves = {str(number): status.value for number, status in self.waves.items()}
        return {"execution": self.execution.value, "termination": self.termination.value, "waves": waves, **ended}


def read_statuses(record: Mapping[str, Any]) -> Statuses:
    """Read what `Statuses.record` wrote."""
    return Statuses(
        ExecutionStatus(record["execution"]),
        TerminationStatus(record["termination"]),
        parse_iso(record["endedAt"]) if "endedAt" in record else None,
        {int(number): WaveStatus(status) for number, status in record["waves"].items()},
    )


def statuses_after(
    trail: Iterable[Mapping[str, Any]], after: Callable[[Statuses, Mapping[str, Any]], Statuses] = Statuses.after
) -> Statuses:
    """Add up a trail, from its first event on; `after` is what adds one."""
    return reduce(after, trail, Statuses())


def _wave_then(wave: Wave, status: WaveStatus) -> Wave:
    return wave if wave.status is status else replace(wave, status=status, error=None)
