"""The audit trail: what a change of status tells, and the chain of hashes that shows a gap or an edit."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.approving import rules as approving
from wavebreak.domain.executions.stepping.changes import STEP, STEP_TRANSITIONS, step_changes
from wavebreak.execution_utils import (
    EXECUTION_TRANSITIONS,
    TERMINATION_TRANSITIONS,
    WAVE_TRANSITIONS,
    TerminationStatus,
)
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution

ENGINE_ACTOR = "wavebreak"
"""Actor of what happens by itself."""
COMMAND = "command"
"""Subject of a change that is a command run's."""
TERMINATION = "termination"
"""Subject of a change of a termination's status."""
VERDICT = "verdict"
"""Subject of a verdict that is given: no status changes by it."""
LEASE = "lease"
"""Subject of what is said of a drill's lease; no status changes by it either."""
WORDS = frozenset({VERDICT, LEASE, approving.APPROVAL})
"""Subjects of what is said without a change of status."""


class IllegalTransitionError(Exception):
    """A change of status that the transition tables do not hold; nothing is written."""


def status_changes(before: Execution | None, after: Execution) -> list[dict[str, Any]]:
    """List what changes between two states as `{waveNumber?, from, to}`; IllegalTransitionError if one is forbidden.

    `before` is None for a new execution. A change of the termination's status is listed with `subject: termination`,
    one of a step's with `subject: step`, its wave and `step: {phase, position, kind, name}`.
    """
    changes: list[dict[str, Any]] = []
    old = before.status if before else None
    if old is not after.status:
        _check(old, after.status, EXECUTION_TRANSITIONS)
        changes.append({"from": old, "to": after.status})
    for wave in after.waves:
        earlier = before.wave(wave.number).status if before else None
        if earlier is not None and earlier is not wave.status:
            _check(earlier, wave.status, WAVE_TRANSITIONS)
            changes.append({"waveNumber": wave.number, "from": earlier, "to": wave.status})
    termination = before.termination.status if before else TerminationStatus.NOT_REQUESTED
    if termination is not after.termination.status:
        _check(termination, after.termination.status, TERMINATION_TRANSITIONS)
        changes.append({"subject": TERMINATION, "from": termination, "to": after.termination.status})
    said = before.verdict if before else None
    if after.verdict is not None and after.verdict != said:
        changes.append({"subject": VERDICT, "from": said.verdict if said else None, "to": after.verdict.verdict})
    return [
        *changes,
        *_said_of_lease(before, after),
        *approving.said(before, after),
        *(_changes_of_steps(before, after) if before else []),
    ]


def _changes_of_steps(before: Execution, after: Execution) -> list[dict[str, Any]]:
    changes = []
    for old, new, named in step_changes(before, after):
        _check(old, new, STEP_TRANSITIONS)
        changes.append({**named, "from": old, "to": new})
    return changes


def _said_of_lease(before: Execution | None, after: Execution) -> list[dict[str, Any]]:
    """List the changes of a lease: that it was EXTENDED, or, once for each expiry, that it is ENDING."""
    old, new = before.lease if before else None, after.lease
    if new is None:
        return []
    extended = new.extended_at is not None and new.extended_at != (old and old.extended_at)
    ending = new.reminded and not (old and old.reminded)
    said = [*(["EXTENDED"] if extended else []), *(["ENDING"] if ending else [])]
    return [{"subject": LEASE, "from": None, "to": happened} for happened in said]


def _check(old: StrEnum | None, new: StrEnum, table: Mapping[Any, frozenset[Any]]) -> None:
    if old is not None and new not in table[old]:
        raise IllegalTransitionError(f"{type(new).__name__} {old} -> {new}")


def change_details(before: Execution, after: Execution) -> dict[str, Any]:
    """Return whose words a change follows that changed no status when they were given, and so have no event themselves.

    `approvedBy` names the approval of each wave that stops waiting for it, or that is approved and cannot start yet;
    `approvals` says how waves wait that begin to, or that people are reminded of, `terminationRequestedBy` who had a
    cancel go on with the termination that begins, `lease` how a drill's lease stands once something of it changed.
    """
    facts: dict[str, Any] = {}
    approvals = [
        {"waveNumber": number, **attribution_fields(attribution)}
        for number, attribution in approving.given(before, after)
    ]
    if approvals:
        facts["approvedBy"] = approvals
    awaited = approving.awaited(before, after)
    if awaited:
        facts["approvals"] = awaited
    if after.lease is not None and _lease_times(after) != _lease_times(before):
        expires = after.lease.expires_at
        facts["lease"] = {"minutes": after.lease.minutes, "expiresAt": iso(expires) if expires else None}
    if after.cancel is not None and not before.is_terminal and after.termination.attempt > before.termination.attempt:
        facts["terminationRequestedBy"] = attribution_fields(after.cancel.termination_ordered)
    return facts


def _lease_times(execution: Execution) -> tuple[Any, ...] | None:
    lease = execution.lease
    return (lease.expires_at, lease.extended_at, lease.reminded) if lease is not None else None


def attribution_fields(attribution: Attribution) -> dict[str, Any]:
    """Write a word down: `{at, actor, reason}`."""
    return {"at": iso(attribution.at), "actor": attribution.actor, "reason": attribution.reason}


def type_of(changes: Iterable[Mapping[str, Any]]) -> str:
    """Name an event by its most telling change: a command's, the execution's, the termination's, waves' or steps'.

    What is said of an approval names it only where no wave has changed.
    """
    of_steps: list[Mapping[str, Any]] = []
    listed: list[Mapping[str, Any]] = []
    for change in changes:
        (of_steps if change.get("subject") == STEP else listed).append(change)
    for change in listed:
        if change.get("subject") == COMMAND:
            return f"COMMAND_{change['to']}" if change["from"] else "COMMAND_STARTED"
    for change in listed:
        if "waveNumber" not in change and "subject" not in change:
            return f"EXECUTION_{change['to']}" if change["from"] else "EXECUTION_STARTED"
    states = {change["to"] for change in listed if "waveNumber" in change}
    for change in listed:
        if "subject" in change and not (states and change["subject"] == approving.APPROVAL):
            return f"{change['subject'].upper()}_{change['to']}"
    states = states or {change["to"] for change in of_steps}
    one, many = ("WAVE", "WAVES_CHANGED") if listed else ("STEP", "STEPS_CHANGED")
    return f"{one}_{states.pop()}" if len(states) == 1 else many


def append_event(
    after: Execution, changes: list[dict[str, Any]], act: Attribution, details: Mapping[str, Any]
) -> tuple[Execution, dict[str, Any]]:
    """Make the next event of an execution's trail, and the execution that remembers it as its last."""
    waves = {change["waveNumber"] for change in changes if "waveNumber" in change}
    data: dict[str, Any] = {"changes": changes, **details}
    if act.reason:
        data["reason"] = act.reason
    event: dict[str, Any] = {
        "sequence": after.event_sequence + 1,
        "at": iso(act.at),
        "type": type_of(changes),
        "executionId": after.execution_id,
        "actor": act.actor,
        "data": data,
        "previousHash": after.event_hash,
    }
    if len(waves) == 1 and all("waveNumber" in change for change in changes):
        event["waveNumber"] = waves.pop()
    event["hash"] = event_hash(event)
    return replace(after, event_sequence=event["sequence"], event_hash=event["hash"]), event


def event_hash(event: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over the JSON of all fields but `hash`: keys sorted, no spaces, UTF-8 unescaped (contract 5)."""
    rest = {name: value for name, value in event.items() if name != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
