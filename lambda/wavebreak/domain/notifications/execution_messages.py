"""Which event of the audit trail becomes which message, and what the message says.

One event becomes at most one message, named by its most telling change; the message has the other changes, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.summary import RunStatus
from wavebreak.domain.executions.audit_trail import COMMAND, LEASE, TERMINATION
from wavebreak.domain.executions.ending.instances_left import notified_before
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.notices import NoticeCode
from wavebreak.domain.executions.stepping.changes import STEP
from wavebreak.domain.executions.views.executions import execution_view
from wavebreak.domain.executions.views.next_steps import Step, next_steps
from wavebreak.domain.notifications import approval_messages as approvals
from wavebreak.domain.notifications.message import (
    MOST_NAMES,
    Kind,
    Message,
    Presentation,
    WaveLine,
    and_more,
    clock,
    discreet,
    numbered,
    one_line,
    shown_actor,
    subject_of,
)
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus, display_of_wave
from wavebreak.timing import duration, parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.executions.model.executions import Execution

_REASON_LENGTH: Final = 200
_MOST_REASONS: Final = 3
"""Of a wave's failed servers: `wavebreak show` has all."""


PRESENTATIONS: Final[Mapping[Kind, Presentation]] = {
    Kind.STARTED: Presentation("🚀", "Started", "Started", "blue"),
    Kind.COMPLETED: Presentation("✅", "Completed", "Completed", "green"),
    Kind.PARTIAL_SUCCESS: Presentation("⚠️", "Partially Completed", "Partial Success", "orange"),
    Kind.FAILED: Presentation("❌", "Failed", "Failed", "red"),
    Kind.CANCELLING: Presentation("🛑", "Cancelling", "Cancelling", "blue"),
    Kind.CANCELLED: Presentation("🛑", "Cancelled", "Cancelled", "red"),
    Kind.PREEMPTED: Presentation("🛑", "Preempted", "Preempted", "orange"),
    Kind.PAUSED: Presentation("⏸️", "Paused", "Paused", "blue"),
    Kind.RESUMED: Presentation("▶️", "Resumed", "Resumed", "blue"),
    Kind.APPROVAL_NEEDED: Presentation("✋", "Approval Needed", "Approval Needed", "orange"),
    Kind.APPROVAL_STILL_NEEDED: Presentation("✋", "Approval Still Needed", "Approval Still Needed", "orange"),
    Kind.WAVE_FAILED: Presentation("❌", "Wave Failed", "Wave Failed", "red"),
    Kind.LEASE_ENDING: Presentation("⏳", "Lease Ending", "Lease Ending", "orange"),
    Kind.TERMINATED: Presentation("🧹", "Terminated", "Terminated", "green"),
    Kind.TERMINATION_INCOMPLETE: Presentation("⚠️", "Termination Incomplete", "Termination Incomplete", "orange"),
}
"""Looks of the messages about executions."""

_OF_STATUS: Final[Mapping[str, Kind]] = {
    ExecutionStatus.COMPLETED: Kind.COMPLETED,
    ExecutionStatus.PARTIAL_SUCCESS: Kind.PARTIAL_SUCCESS,
    ExecutionStatus.FAILED: Kind.FAILED,
    ExecutionStatus.CANCELLING: Kind.CANCELLING,
    ExecutionStatus.CANCELLED: Kind.CANCELLED,
    ExecutionStatus.PAUSED: Kind.PAUSED,
}
_OF_TERMINATION: Final[Mapping[str, Kind]] = {
    TerminationStatus.COMPLETED: Kind.TERMINATED,
    TerminationStatus.INCOMPLETE: Kind.TERMINATION_INCOMPLETE,
}
_OF_WAVE: Final[Mapping[str, Kind]] = {
    WaveStatus.AWAITING_APPROVAL: Kind.APPROVAL_NEEDED,
    WaveStatus.FAILED: Kind.WAVE_FAILED,
}


_MARKS: Final = {"completed": "✓", "failed": "✗", "cancelled": "⊘"}
"""What waves are counted by, in the order of the summary."""
_ENDS: Final = frozenset(
    {Kind.COMPLETED, Kind.PARTIAL_SUCCESS, Kind.FAILED, Kind.CANCELLED, Kind.TERMINATED, Kind.TERMINATION_INCOMPLETE}
)
"""After which people look at what was left behind."""
_WORDS: Final[Mapping[str, str]] = {"remaining": "remain", "unknown": "unknown"}
_APPROVALS: Final = frozenset({Kind.APPROVAL_NEEDED, Kind.APPROVAL_STILL_NEEDED})
_URGENCY: Final[Mapping[str, int]] = {
    WaveStatus.FAILED: 0,
    WaveStatus.AWAITING_APPROVAL: 1,
    WaveStatus.IN_PROGRESS: 2,
    WaveStatus.CANCELLED: 3,
}
_CALM: Final = len(_URGENCY)


def wave_summary(statuses: Mapping[str, int]) -> str:
    """Count waves as `✓ 1 wave(s) completed | ✗ 1 wave(s) failed | ⊘ 1 wave(s) cancelled`, without zeros (S2-9).

    `statuses` holds completed, failed and cancelled counts by these words.
    """
    return " | ".join(f"{mark} {statuses[word]} wave(s) {word}" for word, mark in _MARKS.items() if statuses.get(word))


def kinds_of(event: Mapping[str, Any]) -> list[Kind]:
    """List what an event could be reported as, the most telling first; empty for one that is not sent to people."""
    found: list[Kind] = [Kind.PREEMPTED] if event["data"].get("preemptedBy") else []
    changes = event["data"]["changes"]
    for change in (each for each in changes if "waveNumber" not in each and "subject" not in each):
        if change["from"] is None:
            found.append(Kind.STARTED)
        elif change["to"] in _OF_STATUS:
            found.append(_OF_STATUS[change["to"]])
        elif change["to"] == ExecutionStatus.IN_PROGRESS and change["from"] != ExecutionStatus.PENDING:
            found.append(Kind.RESUMED)
    for change in (each for each in changes if "subject" in each):
        if change["subject"] == COMMAND:
            found += [Kind.COMMAND_FINISHED] if change["to"] in RunStatus.__members__ else []
        elif change["subject"] == LEASE:
            found += [Kind.LEASE_ENDING] if change["to"] == "ENDING" else []
        elif change["subject"] == TERMINATION and change["to"] in _OF_TERMINATION:
            found.append(_OF_TERMINATION[change["to"]])
    of_waves = {_OF_WAVE[each["to"]] for each in changes if "subject" not in each and each["to"] in _OF_WAVE}
    again = [Kind.APPROVAL_STILL_NEEDED] if approvals.still_needed(event) else []
    return found + [kind for kind in _OF_WAVE.values() if kind in of_waves] + again


def execution_message(kind: Kind, then: Execution, event: Mapping[str, Any]) -> Message:
    """Return an event as a message of this kind; `then` is the execution right after it (`replay`)."""
    view = execution_view(then, parse_iso(event["at"]))
    presentation = PRESENTATIONS[kind]
    counts = {word: int(view[f"{word}Waves"]) for word in _MARKS}
    summary = wave_summary(counts)
    lines, more = _wave_lines(view)
    subject = subject_of(presentation.emoji, f"DRS Execution {presentation.headline} - {then.plan_name}")
    return Message(
        kind=kind,
        presentation=presentation,
        subject=subject,
        summary=summary,
        sentence=_left(view, notified_before(then))
        if kind is Kind.TERMINATION_INCOMPLETE
        else _sentence(kind, view, event),
        facts=_facts(kind, view, event),
        steps=_steps(kind, view, event),
        attributes={
            "executionId": then.execution_id,
            "sequence": str(event["sequence"]),
            "type": kind.value,
            "status": then.status.value,
            "mode": then.mode.value,
            "planId": then.plan_id,
        },
        fields=_fields(view, event, summary),
        waves=lines,
        more_waves=more,
    )


def _fields(view: Mapping[str, Any], event: Mapping[str, Any], summary: str) -> dict[str, Any]:
    shown = (
        "executionId",
        "planId",
        "planName",
        "mode",
        "status",
        "requestedBy",
        "startedAt",
        "endedAt",
        "durationSeconds",
        "totalWaves",
        "completedWaves",
        "failedWaves",
        "cancelledWaves",
    )
    return {
        "sequence": event["sequence"],
        "at": event["at"],
        "actor": event["actor"],
        "reason": _reason(event),
        # Steps are reported by the trail alone; `kinds_of` makes no message of them.
        "changes": [change for change in event["data"]["changes"] if change.get("subject") != STEP],
        **{name: view[name] for name in shown},
        "summary": summary,
        "waves": [{name: wave[name] for name in ("waveNumber", "name", "status")} for wave in view["waves"]],
        "canTerminate": view["terminationMetadata"]["canTerminate"],
        **({"lease": view["lease"]} if view["lease"] else {}),
    }


def _reason(event: Mapping[str, Any]) -> str | None:
    reason = event["data"].get("reason")
    return discreet(reason) if reason else None


def _facts(kind: Kind, view: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    name, identifier = one_line(view["planName"]), view["planId"]
    facts = [
        ("Plan", name if name == identifier else f"{name} ({identifier})"),
        ("Mode", view["mode"]),
        ("Execution", view["executionId"]),
        ("Duration", duration(view["durationSeconds"])),
        ("By", _who_and_why(event["actor"], event["data"].get("reason"))),
    ]
    cancel = view["cancel"]
    if cancel and cancel["at"] < event["at"] and cancel["actor"] != event["actor"]:
        facts.append(("Cancelled by", _who_and_why(cancel["actor"], cancel["reason"])))
    first = event["data"]["changes"][0]
    if first["from"] is not None or "subject" in first:
        facts.append(("Started by", _who_and_why(view["requestedBy"], view["reason"])))
    if view["lease"] and view["lease"]["expiresAt"]:
        facts.append(("Lease ends", clock(view["lease"]["expiresAt"])))
    if kind in _ENDS:
        warnings = [each for each in view["warnings"] if each["code"] == NoticeCode.TEMPLATE_CHANGED_BY_OTHERS]
        facts += [("Warning", discreet(each["message"])) for each in warnings[:MOST_NAMES]]
    return (*facts, ("At", clock(event["at"])))


def _who_and_why(actor: str, reason: str | None) -> str:
    return f"{shown_actor(actor)}: {discreet(reason)}" if reason else shown_actor(actor)


def _wave_lines(view: Mapping[str, Any]) -> tuple[tuple[WaveLine, ...], int]:
    """List waves in their order; of many those that need a read come before those that do not."""
    waves = view["waves"]
    urgent = sorted(waves, key=lambda wave: (_URGENCY.get(wave["status"], _CALM), wave["waveNumber"]))[:MOST_NAMES]
    chosen = {wave["waveNumber"] for wave in urgent}
    lines = tuple(
        WaveLine(
            wave["waveNumber"],
            wave["name"],
            display_of_wave(WaveStatus(wave["status"])),
            _why(wave),
        )
        for wave in waves
        if wave["waveNumber"] in chosen
    )
    return lines, len(waves) - len(lines)


def _why(wave: Mapping[str, Any]) -> str | None:
    """Return the error of a wave, with those of its failed servers that it does not hold, each once."""
    error = wave["error"]
    if not error:
        return None
    failed = [each["error"] for each in wave["servers"] if each["launchStatus"] == LaunchStatus.FAILED]
    reasons = list(dict.fromkeys(reason for reason in failed if reason and reason not in error))
    listed = [discreet(reason)[:_REASON_LENGTH] for reason in reasons[:_MOST_REASONS]]
    others = len(reasons) - len(listed)
    return "; ".join([discreet(error), *listed, *([f"{others} other reason(s)"] if others else [])])


def _steps(kind: Kind, view: Mapping[str, Any], event: Mapping[str, Any]) -> tuple[Step, ...]:
    steps = next_steps(view)
    if kind in _APPROVALS:
        asked = approvals.steps_of(view, event, again=kind is Kind.APPROVAL_STILL_NEEDED)
        steps = [*asked, *(step for step in steps if step not in asked)]
    if kind in {Kind.STARTED, Kind.RESUMED, Kind.CANCELLING}:
        steps.insert(0, Step(f"wavebreak watch {view['executionId']}", "follow it"))
    return tuple(steps)


def _named(waves: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(wave["name"] for wave in waves[:MOST_NAMES]) + and_more(len(waves))


def _changed(view: Mapping[str, Any], event: Mapping[str, Any], status: WaveStatus) -> str:
    """Name the waves that an event brought into a status: `Wave 2 (application)`."""
    numbers = {
        change.get("waveNumber")
        for change in event["data"]["changes"]
        if "subject" not in change and change["to"] == status.value
    }
    return numbered([wave for wave in view["waves"] if wave["waveNumber"] in numbers])


def _sentence(kind: Kind, view: Mapping[str, Any], event: Mapping[str, Any]) -> str:  # noqa: PLR0911  one case for each kind
    total = view["totalWaves"]
    word = "recovery" if view["mode"] == Mode.RECOVERY else "drill"
    match kind:
        case Kind.STARTED:
            return f"A {word} of {total} wave(s) was started."
        case Kind.COMPLETED | Kind.PARTIAL_SUCCESS | Kind.FAILED | Kind.CANCELLED:
            return _ending(view)
        case Kind.CANCELLING | Kind.PREEMPTED:
            return _cancelling(word, event["data"].get("preemptedBy"))
        case Kind.PAUSED if any(wave["status"] == WaveStatus.FAILED for wave in view["waves"]):
            failed = [wave for wave in view["waves"] if wave["status"] == WaveStatus.FAILED]
            return f"{numbered(failed)} failed, and the plan says to ask: retry it, skip it, or cancel."
        case Kind.PAUSED:
            return "No new wave starts until someone resumes it; running ones go on."
        case Kind.RESUMED:
            return f"The {word} goes on."
        case Kind.APPROVAL_NEEDED | Kind.APPROVAL_STILL_NEEDED:
            return approvals.sentence(view, event, again=kind is Kind.APPROVAL_STILL_NEEDED)
        case Kind.WAVE_FAILED:
            return f"{_changed(view, event, WaveStatus.FAILED)} failed."
        case Kind.LEASE_ENDING:
            return _lease_ending(view, event)
        case _:
            return f"{view['termination']['terminated']} recovery instance(s) were terminated; none is left."


def _lease_ending(view: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    left, expires = view["instancesLeft"], str(event["data"]["lease"]["expiresAt"])
    return f"{left} recovery instance(s) are terminated at {clock(expires)} unless someone extends the lease."


def _cancelling(word: str, recovery: str | None) -> str:
    what = "no other wave starts, and what is in flight comes to its end."
    if recovery is None:
        return f"The {word} is being cancelled: {what}"
    return f"{recovery} needs the servers or the plan of this {word}, which is cancelled for it: {what}"


def _ending(view: Mapping[str, Any]) -> str:
    """Return which waves completed, and which did not."""
    completed = [wave for wave in view["waves"] if wave["status"] == WaveStatus.COMPLETED]
    skipped = [wave for wave in view["waves"] if wave["status"] == WaveStatus.SKIPPED]
    others = [wave for wave in view["waves"] if wave not in completed and wave not in skipped]
    text = f"{len(completed)} of {view['totalWaves']} wave(s) completed"
    text += f": {_named(completed)}." if completed and others else "."
    if others:
        text += f" Not recovered: {_named(others)}."
    if skipped:
        text += f" Skipped: {_named(skipped)}."
    return text


def _left(view: Mapping[str, Any], known: frozenset[str]) -> str:
    """Return what a termination left, the first few by name with the reason, those of one reason together.

    `known` are the instances of which people were notified earlier that they are left to them: those are counted alone.
    """
    termination = view["termination"]
    sentence = f"{termination['terminated']} recovery instance(s) were terminated"
    for word in ("remaining", "unknown"):
        entries = [each for each in termination[word] if each["recoveryInstanceId"] not in known]
        if entries:
            sentence += f", {len(entries)} {_WORDS[word]}: {_reasoned(entries)}"
    return f"{sentence}, {len(known)} left to you, as told before." if known else f"{sentence}."


def _reasoned(entries: Sequence[Mapping[str, Any]]) -> str:
    by_reason: dict[str | None, list[str]] = {}
    for entry in entries[:MOST_NAMES]:
        name = entry["recoveryInstanceId"] or f"an instance of {entry['sourceServerId']}"
        by_reason.setdefault(entry["reason"], []).append(name)
    listed = [
        ", ".join(names) + (f" ({discreet(reason)[:_REASON_LENGTH]})" if reason else "")
        for reason, names in by_reason.items()
    ]
    return "; ".join(listed) + and_more(len(entries))
