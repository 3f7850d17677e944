"""The waves of a report: their attempts and approvals as the trail reports them, their steps and servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.evidence.job_log import spans_view
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.trail_reading import data_of, of_wave
from wavebreak.execution_utils import ENDED_WAVE_STATUSES, WaveStatus, is_terminal, normalize_execution_status
from wavebreak.timing import iso, known_time, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.evidence.launch_logs import LaunchLogs
    from wavebreak.domain.executions.trail_reading import Change

_DECISIONS: Final[Mapping[str, str]] = {
    WaveStatus.IN_PROGRESS: "APPROVED",
    WaveStatus.FAILED: "REJECTED",
    WaveStatus.SKIPPED: "SKIPPED",
    WaveStatus.CANCELLED: "CANCELLED",
}
"""What a wave that stops waiting for its approval was given, by the status that it goes to."""


def wave_record(wave: Mapping[str, Any], changes: Sequence[Change], logs: LaunchLogs) -> dict[str, Any]:
    """Return the record of a wave: times, attempts, approver, steps, and servers."""
    number = wave["waveNumber"]
    own = of_wave(changes, number)
    return {
        "waveNumber": number,
        "name": wave.get("name"),
        "status": wave.get("status"),
        "dependsOn": wave.get("dependsOn"),
        "accountId": wave.get("accountId"),
        "region": wave.get("region"),
        "jobIds": wave.get("jobIds"),
        "startedAt": wave.get("startedAt"),
        "endedAt": wave.get("endedAt"),
        "durationSeconds": whole_seconds(known_time(wave.get("startedAt")), known_time(wave.get("endedAt"))),
        "error": wave.get("error"),
        "attempts": attempts_of(wave, own),
        "approvals": _approvals(wave, own),
        "steps": wave.get("steps"),
        "servers": [_server(number, server, logs) for server in wave.get("servers") or ()],
    }


def _server(wave: int, server: Mapping[str, Any], logs: LaunchLogs) -> dict[str, Any]:
    name = server["sourceServerId"]
    taken = logs.recovery_point(wave, name)
    return {
        "sourceServerId": name,
        "name": server.get("name"),
        "impact": server.get("impact"),
        "launchStatus": server.get("launchStatus"),
        "recoveryInstanceId": server.get("recoveryInstanceId") or logs.instance(wave, name),
        "snapshotAt": server.get("snapshotAt") or (iso(taken) if taken else None),
        "phases": spans_view(logs.spans(wave, server)),
        "error": server.get("error"),
    }


def attempts_of(wave: Mapping[str, Any], own: Sequence[Change]) -> list[dict[str, Any]]:
    """List a wave's attempts as it has them itself, else as the trail reports them: `{attempt, startedAt, endedAt, …}`.

    A wave that was asked about and rejected had an attempt that never started; one that nothing was asked of had none.
    """
    if wave.get("attempts") is not None:
        return list(wave["attempts"])
    found: list[dict[str, Any]] = []
    for change in own:
        if change.new in {WaveStatus.IN_PROGRESS, WaveStatus.AWAITING_APPROVAL}:
            if not found or change.old == WaveStatus.FAILED:
                blank = {"startedAt": None, "endedAt": None, "status": change.new, "error": None}
                found.append({"attempt": len(found) + 1, **blank})
            if change.new == WaveStatus.IN_PROGRESS:
                found[-1] |= {"startedAt": iso(change.at), "status": change.new}
        elif found and change.new in ENDED_WAVE_STATUSES and found[-1]["endedAt"] is None:
            found[-1] |= {"endedAt": iso(change.at), "status": change.new}
    if found and found[-1]["status"] == wave.get("status"):
        found[-1]["error"] = wave.get("error")
    return found


def _approvals(wave: Mapping[str, Any], own: Sequence[Change]) -> list[dict[str, Any]]:
    """List each request for a wave's approval, and the decision: `{askedAt, decision, by, at, reason}`."""
    found: list[dict[str, Any]] = []
    for change in own:
        if change.new == WaveStatus.AWAITING_APPROVAL:
            found.append({"askedAt": iso(change.at), "decision": None, "by": None, "at": None, "reason": None})
        elif change.old == WaveStatus.AWAITING_APPROVAL and found:
            found[-1] |= _decision(change)
    known = wave.get("approval") or {}
    if known.get("by") and (not found or found[-1]["decision"] is None):
        given = {"decision": "APPROVED", "by": known["by"], "at": known.get("at"), "reason": known.get("reason")}
        if not found:
            return [{"askedAt": known.get("askedAt"), **given}]
        found[-1] |= given
    return found


def _decision(change: Change) -> dict[str, Any]:
    """Return the decision and its actor. An approval that was given before it took effect is in `approvedBy`."""
    for word in data_of(change.event).get("approvedBy") or ():
        if word.get("waveNumber") == change.wave:
            return {"decision": "APPROVED", "by": word.get("actor"), "at": word.get("at"), "reason": word.get("reason")}
    if change.new == WaveStatus.FAILED and change.actor == ENGINE_ACTOR and _ends_execution(change):
        return {"decision": "NOT_GIVEN", "by": None, "at": iso(change.at), "reason": None}
    decision = _DECISIONS.get(change.new)
    return {"decision": decision, "by": change.actor, "at": iso(change.at), "reason": change.reason}


def _ends_execution(change: Change) -> bool:
    return any(
        other.get("waveNumber") is None and not other.get("subject") and _is_end(other.get("to"))
        for other in data_of(change.event).get("changes") or ()
    )


def _is_end(status: object) -> bool:
    return is_terminal(normalize_execution_status(status))
