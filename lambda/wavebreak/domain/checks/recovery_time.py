"""Recovery time: what it was against its objective, and how long each wave took (contract 7 and 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from wavebreak.domain.checks.waiting import waited_in
from wavebreak.domain.executions.model.findings import Objectives
from wavebreak.domain.executions.trail_reading import changes_in, has_gaps
from wavebreak.execution_utils import ExecutionStatus, is_terminal, normalize_execution_status
from wavebreak.timing import known_time, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_MINUTE: Final = 60


class WaveTime(TypedDict):
    """How long a wave took, from its start to its end; null while that is not known."""

    waveNumber: int
    seconds: int | None


class Rto(TypedDict):
    """The recovery time, in seconds, and whether it met its objective; null where that is not known."""

    objectiveSeconds: int | None
    achievedSeconds: int | None
    waitingSeconds: int | None
    met: bool | None


class RecoveryTime(Rto):
    """The built-in factor `recovery_time`."""

    waves: list[WaveTime]


def recovery_time(
    execution: Mapping[str, Any], events: Sequence[Mapping[str, Any]] | None = None, now: datetime | None = None
) -> RecoveryTime:
    """Return the built-in factor of an execution as the API shows it; without its trail `waitingSeconds` is null."""
    waves: list[WaveTime] = [
        {"waveNumber": wave["waveNumber"], "seconds": _between(wave.get("startedAt"), wave.get("endedAt"))}
        for wave in execution.get("waves") or ()
    ]
    return {**rto(execution, events, now), "waves": waves}


def rto(
    execution: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]] | None,
    now: datetime | None,
    first_acts: Mapping[int, datetime] | None = None,
) -> Rto:
    """Measure from the first request to the end of the last wave of a COMPLETED execution (contract 8).

    One that ended otherwise has met no objective; one that runs has failed it once it is past. `waitingSeconds` is
    the part in which only a person or waitBefore was waited for, and needs a trail without gaps (`waiting.waited_in`).
    """
    objective = objective_seconds(execution, "rtoMinutes")
    status = normalize_execution_status(execution.get("status"))
    begin = known_time(execution.get("startedAt"))
    end = _end_of_last_wave(execution) if status is ExecutionStatus.COMPLETED else None
    achieved = whole_seconds(begin, end)
    measured_to = end or known_time(execution.get("endedAt")) or now
    waiting = _waiting(execution, events, begin, measured_to, first_acts or {})
    lasted = achieved if is_terminal(status) else whole_seconds(begin, now)
    return {
        "objectiveSeconds": objective,
        "achievedSeconds": achieved,
        "waitingSeconds": waiting,
        "met": _met(status, objective, lasted),
    }


def objective_seconds(execution: Mapping[str, Any], name: str) -> int | None:
    """Read an objective of the frozen plan, in seconds; null when the plan is not known."""
    plan = execution.get("plan")
    if not isinstance(plan, dict):
        return None
    return Objectives.of(plan.get("objectives")).view()[name] * _MINUTE


def _met(status: ExecutionStatus | None, objective: int | None, lasted: int | None) -> bool | None:
    if is_terminal(status) and status is not ExecutionStatus.COMPLETED:
        return False
    if objective is None or lasted is None:
        return None
    if lasted > objective:
        return False
    return True if status is ExecutionStatus.COMPLETED else None


def _end_of_last_wave(execution: Mapping[str, Any]) -> datetime | None:
    ends = [known_time(wave.get("endedAt")) for wave in execution.get("waves") or ()]
    return max((end for end in ends if end is not None), default=None)


def _waiting(
    execution: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]] | None,
    begin: datetime | None,
    end: datetime | None,
    first_acts: Mapping[int, datetime],
) -> int | None:
    if not events or begin is None or end is None or has_gaps(events):
        return None
    return int(waited_in(execution, changes_in(events), (begin, end), first_acts).total_seconds())


def _between(start: str | None, end: str | None) -> int | None:
    return whole_seconds(known_time(start), known_time(end))
