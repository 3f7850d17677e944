"""Executions, waves and plans as the API shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.approving.rules import approval_view
from wavebreak.domain.executions.ending.instances_left import ending_outcome, remaining, unknown
from wavebreak.domain.executions.views.checks import checks_view, factors_of
from wavebreak.domain.executions.views.derived_notices import derived_notices
from wavebreak.domain.executions.views.overview import notice_of, overview_of, time_of
from wavebreak.domain.executions.views.steps import steps_view
from wavebreak.domain.plans.schedules import standing_view
from wavebreak.execution_utils import (
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    can_terminate_execution,
    display_of_execution,
    display_of_wave,
    normalize_execution_status,
    normalize_wave_status,
)
from wavebreak.timing import parse_iso, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.domain.plans.schedules import Standing

_NO_TERMINATION: Final[Mapping[str, Any]] = {
    "status": TerminationStatus.NOT_REQUESTED.value,
    "terminated": 0,
    "remaining": [],
    "unknown": [],
}
"""What the API shows of a termination, and how one reads that no record reports."""


def plan_view(
    plan: StoredPlan, schedule: Standing | None = None, readiness: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Show a stored plan: `{plan, version, createdAt, updatedAt, schedule, readiness}`.

    `schedule` is how that stands, `readiness` what the newest check of this version found.
    """
    return {
        "plan": plan.document,
        "version": plan.version,
        "createdAt": plan.created_at,
        "updatedAt": plan.updated_at,
        "schedule": standing_view(plan.document, schedule),
        "readiness": readiness,
    }


def summary_view(meta: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Show an execution without its waves, from the overview that META holds, too.

    It lists the first few instances that a termination left; `instancesLeft` counts all, and is null in older records.
    """
    status = normalize_execution_status(meta["status"]) or ExecutionStatus.PENDING
    briefs = [normalize_wave_status(brief.get("status")) for brief in meta.get("waveBriefs") or []]
    completed = briefs.count(WaveStatus.COMPLETED)
    termination = meta.get("termination") or {}
    terminated = termination.get("status") == TerminationStatus.COMPLETED
    rules = can_terminate_execution(
        {"status": status, "instancesTerminated": terminated, "waves": meta.get("waveBriefs")},
    )
    ended, launched = meta.get("endedAt"), termination.get("launched")
    left = None if launched is None else int(launched) - int(termination["terminated"])
    return {
        "executionId": meta["executionId"],
        "planId": meta["planId"],
        "planName": meta["planName"],
        "planVersion": int(meta["planVersion"]),
        "mode": meta["mode"],
        "status": status.value,
        "display": display_of_execution(status, completed_waves=completed, total_waves=len(briefs)),
        "requestedBy": meta["requestedBy"],
        "reason": meta.get("reason"),
        "startedAt": meta["startedAt"],
        "endedAt": ended,
        "durationSeconds": whole_seconds(parse_iso(meta["startedAt"]), parse_iso(ended) if ended else now),
        "totalWaves": len(briefs),
        "completedWaves": completed,
        "failedWaves": briefs.count(WaveStatus.FAILED),
        "cancelledWaves": briefs.count(WaveStatus.CANCELLED),
        "pausedBy": list(meta.get("pausedBy") or ()),
        "pause": meta.get("pause"),
        "cancel": meta.get("cancel"),
        "terminationMetadata": rules,
        "termination": _termination_view(termination),
        "instancesTerminated": terminated,
        "instancesLeft": left,
        "leftSince": ended if left else None,
        "warnings": list(meta.get("warnings") or ()),
        "lastFailure": meta.get("lastFailure"),
        "verdict": meta.get("verdict"),
        "lease": meta.get("lease"),
        "before": meta.get("before"),
        "factors": factors_of(json.loads(meta.get("tallies") or "[]")),
        "version": int(meta["version"]),
    }


def _termination_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """Show a termination as it is written down; older records name instances by their ids alone."""
    shown = {field: record.get(field, value) for field, value in _NO_TERMINATION.items()}
    named = {"sourceServerId": None, "reason": None}
    shown["remaining"] = [
        {"recoveryInstanceId": entry, **named} if isinstance(entry, str) else entry for entry in shown["remaining"]
    ]
    return shown


def execution_view(
    execution: Execution,
    now: datetime,
    last_seen: datetime | None = None,
    outputs: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """Show an execution whole; `last_seen` is when DRS last reported what is in flight.

    `outputs` are what its waves' steps answered, by the ids of their runs; without them none is shown.
    """
    shown = summary_view(overview_of(execution), now)
    shown["termination"] |= {"remaining": remaining(execution), "unknown": unknown(execution)}
    shown["warnings"] += [notice_of(notice) for notice in derived_notices(execution)]
    shown["lastSeenAt"] = None if execution.is_terminal else time_of(last_seen)
    waves = [wave_view(execution, wave, now, outputs) for wave in execution.waves]
    return {**shown, "waves": waves, "checks": checks_view(execution)}


def wave_view(
    execution: Execution, wave: Wave, now: datetime, outputs: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Show one wave of an execution, `outputs` as in `execution_view`."""
    job_ids = execution.job_ids(wave.number)
    ended = wave.ended_at or (now if wave.status is WaveStatus.IN_PROGRESS else None)
    if wave.status is WaveStatus.SKIPPED and wave.attempts:
        ended = wave.attempts[-1].ended_at  # a skip later on makes no attempt longer than it was
    return {
        "waveNumber": wave.number,
        "name": wave.name,
        "status": wave.status.value,
        "display": display_of_wave(wave.status),
        "dependsOn": [execution.wave(number).name for number in wave.depends_on],
        "accountId": wave.site.account_id,
        "region": wave.site.region,
        "jobId": job_ids[-1] if job_ids else None,
        "jobIds": list(job_ids),
        "attempt": wave.attempt,
        "startedAt": time_of(wave.started_at),
        "endedAt": time_of(wave.ended_at),
        "durationSeconds": whole_seconds(wave.started_at, ended),
        "attempts": _attempts(wave),
        "error": _error_of(execution, wave),
        "servers": [_server_view(execution, server) for server in wave.servers],
        "steps": steps_view(execution, wave, outputs),
        "approval": approval_view(execution, wave),
    }


def _attempts(wave: Wave) -> list[dict[str, Any]]:
    """List the attempts of a wave, those that are over and the present one, unless it never began or was skipped."""
    past = [(one.number, one.started_at, one.ended_at, WaveStatus.FAILED, one.error) for one in wave.attempts]
    began = wave.started_at is not None or wave.status is WaveStatus.FAILED
    if began and wave.status not in {WaveStatus.SKIPPED, WaveStatus.AWAITING_APPROVAL}:
        past.append((wave.attempt, wave.started_at, wave.ended_at, wave.status, wave.error))
    return [
        {
            "attempt": number,
            "startedAt": time_of(started),
            "endedAt": time_of(ended),
            "status": status.value,
            "error": error,
        }
        for number, started, ended, status, error in past
    ]


def _error_of(execution: Execution, wave: Wave) -> str | None:
    """Return the error of a wave, with what keeps its execution from ending."""
    check = execution.final_check
    if check is None or not any(
        job.may_appear and str(job.site) in check.sites for job in execution.launch_jobs(wave.number)
    ):
        return wave.error
    waits = f"DRS in {wave.site} does not answer: whether a call that came to nothing launched servers is not known yet"
    return f"{wave.error}; {waits}" if wave.error else waits


def _server_view(execution: Execution, server: Server) -> dict[str, Any]:
    return {
        "sourceServerId": server.source_server_id,
        "name": server.name,
        "impact": server.impact.value,
        "launchStatus": server.launch_status.value,
        "recoveryInstanceId": server.recovery_instance_id,
        "ending": ending_outcome(execution, server),
        "error": server.error,
        "snapshotAt": time_of(server.snapshot_at),
    }
