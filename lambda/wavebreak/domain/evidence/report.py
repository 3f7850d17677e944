"""The report of an execution: what was asked, what came of it, and the proof that nothing of it was changed.

Contract 8 names its fields. What is not known is null, never a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.checks.launch import launch
from wavebreak.domain.checks.recovery_point import recovery_point, rpo
from wavebreak.domain.checks.recovery_time import recovery_time, rto
from wavebreak.domain.evidence.launch_logs import LaunchLogs
from wavebreak.domain.evidence.omissions import leftovers, not_executed
from wavebreak.domain.evidence.seal import chain_of, sealed
from wavebreak.domain.evidence.wave_records import wave_record
from wavebreak.domain.executions.trail_reading import changes_in
from wavebreak.execution_utils import is_terminal, normalize_execution_status
from wavebreak.timing import iso, known_time, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.evidence.inputs import Event, JobLogs


def report(
    execution: Mapping[str, Any], events: Sequence[Event], job_logs: JobLogs, *, made_at: datetime | None = None
) -> dict[str, Any]:
    """Make the report of an execution, at any time of its life.

    `execution` is the API's, whole, with its frozen plan (`inputs.ExecutionInput`); `events` is the whole trail, oldest
    first; `job_logs` has the items of DescribeJobLogItems by job id. None of them is changed. `made_at` is the time of
    making, by which an objective of a running execution may be past; without it, the last moment that anything here
    reports. The answer is plain JSON: `seal.as_json` writes it.
    """
    trail = [dict(event) for event in events]
    made = made_at or _last_moment(execution, trail)
    logs = LaunchLogs.of(execution, job_logs or {})
    changes = changes_in(trail)
    waves = [wave_record(wave, changes, logs) for wave in execution.get("waves") or ()]
    seen = {**execution, "waves": waves}
    times = rto(execution, trail, made, logs.first_acts(execution))
    return sealed(
        {
            "executionId": execution.get("executionId"),
            "plan": _plan(execution),
            "mode": execution.get("mode"),
            "status": execution.get("status"),
            "verdict": execution.get("verdict"),
            "requestedBy": execution.get("requestedBy"),
            "reason": execution.get("reason"),
            "startedAt": execution.get("startedAt"),
            "endedAt": execution.get("endedAt"),
            "durationSeconds": _duration(execution, made),
            "objectives": {"rto": times, "rpo": rpo(seen)},
            "waves": waves,
            "notExecuted": not_executed(execution, waves, changes),
            "leftovers": leftovers(execution, waves),
            "checks": execution.get("checks"),
            "factors": {
                **(execution.get("factors") or {}),
                "recovery_time": {**recovery_time(seen, None, made), **times},
                "recovery_point": recovery_point(seen),
                "launch": launch(seen),
            },
            "counts": _counts(execution),
            "trail": trail,
            "chain": chain_of(trail),
            "madeAt": iso(made) if made else None,
            "final": is_terminal(normalize_execution_status(execution.get("status"))),
        }
    )


def _plan(execution: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "planId": execution.get("planId"),
        "name": execution.get("planName"),
        "version": execution.get("planVersion"),
        "planHash": execution.get("planHash"),
        "document": execution.get("plan"),
    }


def _counts(execution: Mapping[str, Any]) -> dict[str, int | None]:
    """Count calls and retries; only the function that makes the calls knows them."""
    calls = execution.get("calls") or {}
    attempts = [wave.get("attempt") for wave in execution.get("waves") or ()]
    known = [attempt for attempt in attempts if attempt is not None]
    return {
        "startRecoveryCalls": calls.get("startRecoveryCalls"),
        "retries": sum(attempt - 1 for attempt in known) if len(known) == len(attempts) else None,
        "refusals": calls.get("refusals"),
    }


def _duration(execution: Mapping[str, Any], made: datetime | None) -> int | None:
    """Measure to the end, or, while there is none, to the time of making."""
    return whole_seconds(known_time(execution.get("startedAt")), known_time(execution.get("endedAt")) or made)


def _last_moment(execution: Mapping[str, Any], trail: Sequence[Event]) -> datetime | None:
    given = [execution.get("startedAt"), execution.get("endedAt"), execution.get("lastSeenAt")]
    given += [event.get("at") for event in trail]
    moments = [known_time(text) for text in given]
    return max((at for at in moments if at is not None), default=None)
