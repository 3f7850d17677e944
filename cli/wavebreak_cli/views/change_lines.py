"""What is different between two readings of an execution: one entry for each change, for plain lines and JSON lines."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.views.next_steps import next_steps
from wavebreak.execution_utils import is_terminal, normalize_execution_status
from wavebreak_cli.client.answers import WaveStep
from wavebreak_cli.views.phases import roughly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from wavebreak_cli.client.answers import Execution, Server, Wave
    from wavebreak_cli.views.terminal import Screen

Change = dict[str, Any]
"""`{at, change, status, …}`: `change` is execution, wave, server, phase, step, termination, waiting or connection."""

_UNREMARKABLE: Final = frozenset({"NOT_STARTED", "NOT_REQUESTED", "PENDING", ""})
"""Statuses that everything begins with: not worth a line at the first reading."""

_PAUSED: Final = "PAUSED"
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"
_NEEDS_SOMEONE: Final = frozenset({"PAUSED", "AWAITING_APPROVAL"})


def changes(before: Execution | None, after: Execution, now: datetime) -> list[Change]:
    """List what changed, at the time `now` when it was seen: what began before what it led to, an end or pause last."""
    stamp = {"at": now.strftime(_STAMP)}
    return [{**stamp, **change} for change in _all(before or {}, after)]


def _all(before: Execution, after: Execution) -> Iterator[Change]:
    status = after.get("status", "")
    named = {"executionId": after.get("executionId"), "mode": after.get("mode")}
    moved = [{"change": "execution", **named, "status": status}]
    follows = status == _PAUSED or is_terminal(normalize_execution_status(status))
    if status == before.get("status"):
        moved = []
    yield from [] if follows else moved
    earlier = {wave.get("waveNumber"): wave for wave in before.get("waves") or []}
    for wave in after.get("waves") or []:
        yield from _wave(earlier.get(wave.get("waveNumber"), {}), wave)
    yield from moved if follows else []
    yield from _termination(before, after)
    if _waits(after) and _waits(after) != _waits(before):
        yield {"change": "waiting", "next": [step.command for step in next_steps(after)]}


def _wave(before: Wave, after: Wave) -> Iterator[Change]:
    status, old = after.get("status", ""), before.get("status", "")
    place = {"waveNumber": after.get("waveNumber"), "name": after.get("name")}
    changed = status != old and not (not old and status in _UNREMARKABLE)
    if changed and status == "IN_PROGRESS":
        yield {"change": "wave", **place, "status": status, "error": after.get("error")}
    earlier = {server.get("sourceServerId"): server for server in before.get("servers") or []}
    for server in after.get("servers") or []:
        yield from _server(earlier.get(server.get("sourceServerId"), {}), server, after.get("waveNumber"))
    yield from _steps(before.get("steps") or [], after.get("steps") or [], place)
    if changed and status != "IN_PROGRESS":
        yield {"change": "wave", **place, "status": status, "error": after.get("error")}


def _server(before: Server, after: Server, wave_number: int | None) -> Iterator[Change]:
    status, old = after.get("launchStatus", ""), before.get("launchStatus", "")
    who = {"waveNumber": wave_number, "sourceServerId": after.get("sourceServerId"), "name": after.get("name")}
    late = status == LaunchStatus.LAUNCHED and not before.get("recoveryInstanceId") and after.get("recoveryInstanceId")
    if (status != old or late) and (old or status not in _UNREMARKABLE):
        details = {name: after.get(name) for name in ("recoveryInstanceId", "error")}
        yield {"change": "server", **who, "status": status, **details}
    phase = after.get("phase")
    if phase and status == LaunchStatus.IN_PROGRESS and _phase(before) != _phase(after):
        details = {name: after.get(name) for name in ("since", "usualSeconds")}
        yield {"change": "phase", **who, "status": phase, **details}


def _phase(server: Mapping[str, Any]) -> tuple[object, object]:
    """Return the phase of a server and its beginning: a retry goes through all phases again."""
    return server.get("phase"), server.get("since")


def _steps(before: list[WaveStep], after: list[WaveStep], place: dict[str, Any]) -> Iterator[Change]:
    """Tell the steps of a wave that moved; the plan gives them and their order, so that they keep their places."""
    for step, earlier in zip_longest(after, before[: len(after)], fillvalue=WaveStep()):
        status, old = step.get("status", ""), earlier.get("status", "")
        if status != old and not (not old and status in _UNREMARKABLE):
            details = {name: step.get(name) for name in ("kind", "phase", "commandId", "error")}
            yield {"change": "step", **place, **details, "step": step.get("name"), "status": status}


def _termination(before: Execution, after: Execution) -> Iterator[Change]:
    now, old = after.get("termination") or {}, before.get("termination") or {}
    status = now.get("status", "")
    moved = (status, now.get("terminated")) != (old.get("status"), old.get("terminated"))
    if moved and status not in _UNREMARKABLE:
        yield {
            "change": "termination",
            "status": status,
            "terminated": now.get("terminated", 0),
            "remaining": now.get("remaining") or [],
            "unknown": now.get("unknown") or [],
        }


def _waits(execution: Execution) -> list[object]:
    """Name what waits for a person: the execution itself, waves by number."""
    waiting: list[object] = ["execution"] if execution.get("status") in _NEEDS_SOMEONE else []
    for wave in execution.get("waves") or []:
        approval = wave.get("approval") or {}
        # One that was approved during a pause waits for the resume, and for nobody's word.
        if wave.get("status") in _NEEDS_SOMEONE and not approval.get("by"):
            waiting.append(wave.get("waveNumber"))
    return waiting


def connection(now: datetime, status: str, error: str | None = None) -> Change:
    """Return the entry of a connection that was LOST or RESTORED."""
    return {"at": now.strftime(_STAMP), "change": "connection", "status": status, "error": error}


def terminated_count(termination: Mapping[str, Any]) -> str:
    """Count what became of the instances: `2 terminated, 1 left, 1 unknown`, without zeros but the first."""
    counts = [f"{termination.get('terminated', 0)} terminated"]
    for name, word in (("remaining", "left"), ("unknown", "unknown")):
        if termination.get(name):
            counts.append(f"{len(termination[name])} {word}")
    return ", ".join(counts)


def line(change: Change, screen: Screen) -> str:
    """Write a change on one line: `12:03:04Z wave 1 database IN_PROGRESS`."""
    words = [change["at"][11:], *_words(change)]
    error = f": {change['error']}" if change.get("error") else ""
    return screen.plain(" ".join(str(word) for word in words if word not in {None, ""}) + error)


def _usually(seconds: float | None) -> str | None:
    """Return how long a phase usually takes, in brackets; None where that is not known."""
    return f"(about {roughly(seconds)})" if seconds else None


def _words(change: Change) -> list[object]:
    match change["change"]:
        case "execution":
            loud = "RECOVERY" if change.get("mode") == "RECOVERY" else None
            return [loud, "execution", change["executionId"], change["status"]]
        case "wave" | "step":
            step = f"{str(change['phase']).lower()}: {change['step']}" if change["change"] == "step" else None
            return ["wave", change["waveNumber"], change["name"], step, change["status"]]
        case "server" | "phase":
            rest = change.get("recoveryInstanceId") or _usually(change.get("usualSeconds"))
            return ["server", change["name"], change["sourceServerId"], change["status"], rest]
        case "termination":
            return ["termination", change["status"], f"({terminated_count(change)})"]
        case "waiting":
            return ["waiting for you:", " | ".join(change["next"])]
        case other:
            return [other, change["status"]]
