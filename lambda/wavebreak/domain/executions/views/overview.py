"""An execution written down without its waves' details: what the table lists, and what the API shows of it is made of.

Small, whatever the plan's size. Times are RFC 3339 strings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import attribution_fields
from wavebreak.domain.executions.ending.instances_left import (
    in_brief,
    launched_count,
    remaining,
    terminated_count,
    unknown,
)
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Cancel, Execution, Failure
    from wavebreak.domain.executions.model.findings import CheckCounts, Verdict
    from wavebreak.domain.executions.model.leases import Lease
    from wavebreak.domain.executions.model.terminations import Hold
    from wavebreak.domain.executions.notices import Notice


def overview_of(execution: Execution) -> dict[str, Any]:
    """Write down an execution, of each wave the status and the last job alone."""
    return {
        "executionId": execution.execution_id,
        "planId": execution.plan_id,
        "planName": execution.plan_name,
        "planVersion": execution.plan_version,
        "planHash": execution.plan_hash,
        "mode": execution.mode.value,
        "status": execution.status.value,
        "requestedBy": execution.requested_by,
        "reason": execution.reason,
        "startedAt": iso(execution.started_at),
        "endedAt": time_of(execution.ended_at),
        "pausedBy": sorted(item.value for item in execution.paused_by),
        "pause": attribution_or_none(execution.pause),
        "cancel": _cancel(execution.cancel),
        "termination": _termination(execution),
        "lastFailure": _failure(execution.last_failure),
        "warnings": [notice_of(notice) for notice in execution.warnings],
        "verdict": verdict_of(execution.verdict),
        "tallies": check_counts_text(execution.check_counts),
        "lease": lease_of(execution.lease),
        "before": time_of(execution.before),
        "version": execution.version,
        "waveBriefs": [
            {"status": wave.status.value, "jobId": _last(execution.job_ids(wave.number))} for wave in execution.waves
        ],
    }


def check_counts_text(check_counts: Iterable[CheckCounts]) -> str | None:
    """Write down what the checks came to, as JSON: the table has no floating point numbers."""
    entries = [check_counts_of(counts) for counts in check_counts]
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False) if entries else None


def check_counts_of(counts: CheckCounts) -> dict[str, Any]:
    """Write down what a check came to."""
    return {
        "name": counts.name,
        "active": counts.active,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "failedIds": list(counts.failed_ids),
        "factors": dict(counts.factors),
        "declared": counts.declared,
        "note": counts.note,
    }


def time_of(moment: datetime | None) -> str | None:
    """Write down a moment that there may not be."""
    return iso(moment) if moment else None


def attribution_or_none(attribution: Attribution | None) -> dict[str, Any] | None:
    """Return the record of a request's actor, time and reason; None without a request."""
    return attribution_fields(attribution) if attribution else None


def notice_of(notice: Notice) -> dict[str, Any]:
    """Write down a warning: `{code, message, waveNumber?, sourceServerId?}`."""
    about = {"waveNumber": notice.wave, "sourceServerId": notice.source_server_id}
    known = {name: value for name, value in about.items() if value is not None}
    return {"code": notice.code.value, "message": notice.message, **known}


def verdict_of(verdict: Verdict | None) -> dict[str, Any] | None:
    """Write down a verdict: `{verdict, notes, by, at}`."""
    if verdict is None:
        return None
    return {"verdict": verdict.verdict.value, "notes": verdict.notes, "by": verdict.by, "at": iso(verdict.at)}


def lease_of(lease: Lease | None) -> dict[str, Any] | None:
    """Write down a lease: `{minutes, expiresAt, extendedBy, extendedAt}`."""
    if lease is None:
        return None
    expires, extended = time_of(lease.expires_at), time_of(lease.extended_at)
    return {"minutes": lease.minutes, "expiresAt": expires, "extendedBy": lease.extended_by, "extendedAt": extended}


def _last(job_ids: tuple[str, ...]) -> str | None:
    return job_ids[-1] if job_ids else None


def _cancel(cancel: Cancel | None) -> dict[str, Any] | None:
    if cancel is None:
        return None
    said = attribution_fields(cancel.by)
    return {**said, "then": cancel.then.value, "terminationRequestedBy": attribution_or_none(cancel.terminate)}


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {"at": iso(failure.at), "error": failure.error, "cause": failure.cause, "count": failure.count}


def _termination(execution: Execution) -> dict[str, Any]:
    """Write down how a termination stands: counts, the first few of each list, and the sites that must wait."""
    termination, left, unsure = execution.termination, remaining(execution), unknown(execution)
    return {
        "status": termination.status.value,
        "launched": launched_count(execution),
        "terminated": terminated_count(execution),
        "remainingCount": len(left),
        "remaining": in_brief(left),
        "unknownCount": len(unsure),
        "unknown": in_brief(unsure),
        "run": termination.attempt,
        "requestedAt": time_of(termination.requested_at),
        "requestedBy": termination.requested_by,
        "endedAt": time_of(termination.ended_at),
        "holds": [_hold(hold) for hold in termination.holds],
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "accountId": hold.site.account_id,
        "region": hold.site.region,
        "until": iso(hold.until),
        "words": hold.words,
        "refusals": hold.refusals,
        "silent": hold.silent,
    }
