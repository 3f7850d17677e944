"""Waves of an execution and their servers, written down and read back. Pure.

A wave's servers are kept in items of a hundred as compact JSON text: all of a plan's servers are read at every poll,
and no server is ever looked up by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.masking import masked_reason
from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.kept_words import LONGEST, kept
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.waits import DrillWait
from wavebreak.domain.executions.model.waves import SERVERS_PER_ITEM, Attempt, Wave
from wavebreak.domain.executions.views.overview import attribution_or_none, time_of
from wavebreak.domain.plans.model import Impact, OnFailure
from wavebreak.execution_utils import WaveStatus, normalize_wave_status
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.records.approvals import approval_entry, read_approval
from wavebreak.store.records.attributions import read_attribution
from wavebreak.store.records.endings import ending_entry, read_ending
from wavebreak.store.records.steps import read_steps, step_entry
from wavebreak.timing import iso, parse_iso, time_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.store.table import Item

_ITEM_BYTES: Final = 380_000
"""Of the 400 KB that an item may have."""
_MOST_ATTEMPTS: Final = 100
"""Attempts of a wave that are kept, the latest."""
_SHORT: Final = 250
"""Characters kept of each word of a hundred servers that would not fit an item otherwise."""


def wave_record(execution_id: str, wave: Wave) -> Item:
    """Write down a wave without its servers."""
    return {
        "pk": keys.execution(execution_id),
        "sk": keys.wave(wave.number),
        "number": wave.number,
        "name": wave.name,
        "dependsOn": list(wave.depends_on),
        "accountId": wave.site.account_id,
        "region": wave.site.region,
        "requiresApproval": wave.requires_approval,
        "waitBeforeSeconds": wave.wait_before_seconds,
        "timeoutMinutes": wave.timeout_minutes,
        "onFailure": wave.on_failure.value,
        "status": wave.status.value,
        "attempt": wave.attempt,
        "approved": wave.approved,
        "approval": attribution_or_none(wave.approval),
        "rejected": wave.rejected,
        "startedAt": time_of(wave.started_at),
        "endedAt": time_of(wave.ended_at),
        "error": wave.error and masked_reason(wave.error),
        "blockedUntil": time_of(wave.blocked_until),
        "startLease": time_of(wave.start_lease),
        "waited": wave.waited,
        "drillWait": _drill_wait(wave.drill_wait),
        "attempts": [_attempt_entry(attempt) for attempt in wave.attempts[-_MOST_ATTEMPTS:]],
        "steps": [step_entry(step) for step in wave.steps],
        "approvalWait": approval_entry(wave.approval_wait),
    }


def _drill_wait(wait: DrillWait | None) -> Item | None:
    return {"seconds": wait.seconds, "seenAt": time_of(wait.seen_at)} if wait else None


def _attempt_entry(attempt: Attempt) -> Item:
    return {
        "attempt": attempt.number,
        "startedAt": time_of(attempt.started_at),
        "endedAt": time_of(attempt.ended_at),
        "error": attempt.error and kept(masked_reason(attempt.error), longest=_SHORT),
    }


def _read_attempt(entry: Mapping[str, Any]) -> Attempt:
    times = time_or_none(entry.get("startedAt")), time_or_none(entry.get("endedAt"))
    return Attempt(int(entry["attempt"]), *times, entry.get("error"))


def server_records(execution_id: str, wave: Wave) -> list[Item]:
    """Return the items of a wave's servers, a hundred servers in each."""
    return [
        {
            "pk": keys.execution(execution_id),
            "sk": keys.servers(wave.number, 1 + start // SERVERS_PER_ITEM),
            "number": wave.number,
            "servers": _servers_text(wave.servers[start : start + SERVERS_PER_ITEM]),
        }
        for start in range(0, len(wave.servers), SERVERS_PER_ITEM)
    ]


def _servers_text(servers: Sequence[Server]) -> str:
    for longest in (LONGEST, _SHORT):
        entries = [_server_entry(server, longest) for server in servers]
        text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
        if len(text.encode()) <= _ITEM_BYTES:
            break
    return text


def _server_entry(server: Server, longest: int) -> Item:
    error = server.error and kept(masked_reason(server.error), longest=longest)
    entry = {
        "id": server.source_server_id,
        "impact": server.impact.value,
        "launch": server.launch_status.value,
        "instance": server.recovery_instance_id,
        "error": error,
        "snapshot": server.snapshot_id,
        "actions": server.actions_running or None,
        "suspicion": _suspicion_entry(server.suspicion, error, longest),
        "snapshotAt": time_of(server.snapshot_at),
        "older": server.older_snapshot or None,
        "ending": server.ending and ending_entry(server.ending),
        "acted": server.has_actions or None,
        "name": server.name,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _suspicion_entry(suspicion: Suspicion | None, error: str | None, longest: int) -> Item | None:
    """Write down what is held against a server; its words once, where they are the server's error too."""
    if suspicion is None:
        return None
    words = kept(masked_reason(suspicion.words), longest=longest)
    entry = {
        "until": iso(suspicion.not_before),
        "times": suspicion.times,
        "call": suspicion.call,
        "words": None if words == error else words,
    }
    return {name: value for name, value in entry.items() if value is not None}


def read_wave(record: Mapping[str, Any], chunks: list[tuple[str, str]]) -> Wave:
    """Read a wave back; `chunks` are its items of servers, each with its sort key."""
    status: WaveStatus = normalize_wave_status(record["status"])
    return Wave(
        number=int(record["number"]),
        name=record["name"],
        servers=tuple(_read_server(entry) for _, text in sorted(chunks) for entry in json.loads(text)),
        depends_on=tuple(int(number) for number in record.get("dependsOn") or ()),
        site=Site(record.get("accountId"), record.get("region")),
        requires_approval=bool(record.get("requiresApproval")),
        wait_before_seconds=int(record.get("waitBeforeSeconds", 0)),
        timeout_minutes=int(record.get("timeoutMinutes", 60)),
        on_failure=OnFailure(record.get("onFailure", OnFailure.STOP)),
        status=status,
        attempt=int(record.get("attempt", 1)),
        approved=bool(record.get("approved")),
        approval=read_attribution(record.get("approval")),
        rejected=bool(record.get("rejected")),
        started_at=time_or_none(record.get("startedAt")),
        ended_at=time_or_none(record.get("endedAt")),
        error=record.get("error"),
        blocked_until=time_or_none(record.get("blockedUntil")),
        steps=read_steps(record),
        start_lease=time_or_none(record.get("startLease")),
        waited=bool(record.get("waited")),
        drill_wait=_read_drill_wait(record.get("drillWait")),
        attempts=tuple(_read_attempt(entry) for entry in record.get("attempts") or ()),
        approval_wait=read_approval(record.get("approvalWait")),
    )


def _read_drill_wait(record: Mapping[str, Any] | None) -> DrillWait | None:
    return DrillWait(int(record["seconds"]), time_or_none(record.get("seenAt"))) if record else None


def _read_server(entry: Mapping[str, Any]) -> Server:
    return Server(
        source_server_id=entry["id"],
        impact=Impact(entry["impact"]),
        launch_status=LaunchStatus(entry["launch"]),
        recovery_instance_id=entry.get("instance"),
        error=entry.get("error"),
        snapshot_id=entry.get("snapshot"),
        actions_running=bool(entry.get("actions")),
        suspicion=_read_suspicion(entry.get("suspicion"), entry.get("error")),
        snapshot_at=time_or_none(entry.get("snapshotAt")),
        older_snapshot=bool(entry.get("older")),
        ending=read_ending(entry["ending"]) if "ending" in entry else None,
        has_actions=bool(entry.get("acted")),
        name=entry.get("name"),
    )


def _read_suspicion(entry: Mapping[str, Any] | None, error: str | None) -> Suspicion | None:
    if entry is None:
        return None
    words = entry.get("words", error or "")
    return Suspicion(words, parse_iso(entry["until"]), int(entry["times"]), entry.get("call"))
