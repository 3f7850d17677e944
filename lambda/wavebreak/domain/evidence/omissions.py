"""What a report says was not done, and what is still there: waves and servers never started, instances left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.trail_reading import of_wave
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import (
    ENDED_WAVE_STATUSES,
    SATISFIED_WAVE_STATUSES,
    TerminationStatus,
    WaveStatus,
    is_terminal,
    normalize_execution_status,
)
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wavebreak.domain.executions.trail_reading import Change


def not_executed(
    execution: Mapping[str, Any], waves: Sequence[Mapping[str, Any]], changes: Sequence[Change]
) -> dict[str, list[dict[str, Any]]]:
    """List the waves that never started, with their servers, and the servers of other waves that never did; and why.

    `waves` are the report's own. A server was never started when its wave was and no DRS job was to launch it: a reason
    that prevented it is listed at once, and of one that merely waits when its wave has ended.
    """
    started = _started(execution)
    idle: list[dict[str, Any]] = []
    servers: list[dict[str, Any]] = []
    for wave in waves:
        if _never_started(wave):
            names = [server["sourceServerId"] for server in wave["servers"]]
            about = {"waveNumber": wave["waveNumber"], "name": wave["name"], "status": wave["status"]}
            idle.append({**about, "servers": names, "why": _why_not(execution, wave, waves, changes)})
        else:
            is_over = wave["status"] in ENDED_WAVE_STATUSES or _has_ended(execution)
            servers += _servers_left_out(wave, started, is_over=is_over)
    return {"waves": idle, "servers": servers}


def _never_started(wave: Mapping[str, Any]) -> bool:
    return wave["startedAt"] is None and not any(attempt.get("startedAt") for attempt in wave["attempts"])


def _has_ended(execution: Mapping[str, Any]) -> bool:
    return is_terminal(normalize_execution_status(execution.get("status")))


def _started(execution: Mapping[str, Any]) -> dict[tuple[int, str], bool]:
    """Return of each server whether a DRS job was to launch it, as far as the execution tells."""
    return {
        (wave["waveNumber"], server["sourceServerId"]): server["started"]
        for wave in execution.get("waves") or ()
        for server in wave.get("servers") or ()
        if server.get("started") is not None
    }


def _servers_left_out(
    wave: Mapping[str, Any], started: Mapping[tuple[int, str], bool], *, is_over: bool
) -> Iterator[dict[str, Any]]:
    for server in wave["servers"]:
        name = server["sourceServerId"]
        waits = server["launchStatus"] == LaunchStatus.PENDING
        was_started = started.get((wave["waveNumber"], name), not waits) or server["phases"]
        if not was_started and (is_over or not waits):
            why = server["error"] or wave["error"] or f"The wave is {wave['status']}"
            yield {"waveNumber": wave["waveNumber"], "sourceServerId": name, "why": why}


def _why_not(
    execution: Mapping[str, Any],
    wave: Mapping[str, Any],
    waves: Sequence[Mapping[str, Any]],
    changes: Sequence[Change],
) -> str:
    match wave["status"]:
        case WaveStatus.CANCELLED:
            return _said("Cancelled", wave, changes)
        case WaveStatus.SKIPPED:
            return _said("Skipped", wave, changes)
        case WaveStatus.FAILED:
            return str(wave["error"] or _said("Failed", wave, changes))
        case WaveStatus.AWAITING_APPROVAL:
            return "Waits for an approval"
        case _ if not _has_ended(execution):
            return f"Its turn has not come: the execution is {execution.get('status')}"
    return _held_back(execution, wave, waves)


def _said(what: str, wave: Mapping[str, Any], changes: Sequence[Change]) -> str:
    """Return the actor, time and reason of an act on a wave, as far as the trail shows them."""
    last = next(
        (change for change in reversed(of_wave(changes, wave["waveNumber"])) if change.new == wave["status"]), None
    )
    if last is None:
        return what
    why = f": {last.reason}" if last.reason else ""
    return f"{what} by {last.actor} at {iso(last.at)}{why}"


def _held_back(execution: Mapping[str, Any], wave: Mapping[str, Any], waves: Sequence[Mapping[str, Any]]) -> str:
    """Name what held a wave back until its execution ended: a failed wave that stops all, or one it depends on."""
    written = (execution.get("plan") or {}).get("waves") or ()
    for other in waves:
        settings = written[other["waveNumber"] - 1] if other["waveNumber"] <= len(written) else {}
        stops = settings.get("onFailure", OnFailure.STOP) == OnFailure.STOP
        if other["status"] == WaveStatus.FAILED and stops and written:
            return f"Wave {other['waveNumber']} ({other['name']}) failed, and its onFailure is STOP"
    for other in waves:
        if other["name"] in (wave["dependsOn"] or ()) and other["status"] not in SATISFIED_WAVE_STATUSES:
            return f"It depends on wave {other['waveNumber']} ({other['name']}), which is {other['status']}"
    return f"The execution ended {execution.get('status')} before its turn"


def leftovers(execution: Mapping[str, Any], waves: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List what was launched and is, by what is stored, neither terminated nor replaced (contract 8).

    Without a termination that is everything launched; after one, what it names as remaining or unknown, in its words.
    An instance whose id is not known is listed without it. `waves` are the report's own, with ids out of job logs.
    """
    termination = execution.get("termination") or {}
    status = termination.get("status") or TerminationStatus.NOT_REQUESTED
    if execution.get("instancesTerminated") or status == TerminationStatus.COMPLETED:
        return []
    named = list(_named(termination))
    reasons = {name: reason for ids, reason in named for name in ids}
    untouched = status == TerminationStatus.NOT_REQUESTED or not (named or termination.get("terminated"))
    gone = _marked_gone(execution)
    found = [
        _leftover(wave, server, next((reasons[name] for name in ids if name in reasons), None))
        for wave in waves
        for server in wave["servers"]
        if (ids := _ids(server)) and server["sourceServerId"] not in gone
        if (_was_launched(server) if untouched else ids & reasons.keys())
    ]
    listed = {name for item in found for name in (item["recoveryInstanceId"], item["sourceServerId"]) if name}
    return found + [_stranger(ids, why) for ids, why in named if not untouched and not ids & listed]


def _marked_gone(execution: Mapping[str, Any]) -> set[str]:
    return {
        server["sourceServerId"]
        for wave in execution.get("waves") or ()
        for server in wave.get("servers") or ()
        if server.get("terminated") or server.get("replaced")
    }


def _named(termination: Mapping[str, Any]) -> Iterator[tuple[frozenset[str], str | None]]:
    """Return what a termination names, by the ids that it gives, with its reason."""
    for entry in (*(termination.get("remaining") or ()), *(termination.get("unknown") or ())):
        if isinstance(entry, str):
            yield frozenset({entry}), None
        else:
            ids = (entry.get("recoveryInstanceId"), entry.get("sourceServerId"))
            yield frozenset(name for name in ids if name), entry.get("reason")


def _ids(server: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name in (server["recoveryInstanceId"], server["sourceServerId"]) if name)


def _was_launched(server: Mapping[str, Any]) -> bool:
    if server["launchStatus"] == LaunchStatus.LAUNCHED:
        return True
    return bool(server["recoveryInstanceId"]) and server["launchStatus"] != LaunchStatus.TERMINATED


def _leftover(wave: Mapping[str, Any], server: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {
        "waveNumber": wave["waveNumber"],
        "sourceServerId": server["sourceServerId"],
        "recoveryInstanceId": server["recoveryInstanceId"],
        "reason": reason,
    }


def _stranger(ids: Iterable[str], reason: str | None) -> dict[str, Any]:
    """Write down what a termination names and no server of the report has: an instance of an unrecorded launch."""
    instance = next((name for name in sorted(ids) if name.startswith("i-")), None)
    server = next((name for name in sorted(ids) if name.startswith("s-")), None)
    return {"waveNumber": None, "sourceServerId": server, "recoveryInstanceId": instance, "reason": reason}
