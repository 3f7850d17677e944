"""Messages about plans, which no execution's trail reports: they carry `planId` and `at`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.views.next_steps import Step
from wavebreak.domain.notifications.event_bridge import BusEvent
from wavebreak.domain.notifications.message import Kind, Message, Presentation, discreet, one_line, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping

READINESS_CHANGE: Final = "Plan Readiness Change"
"""The detail-type of what EventBridge gets."""
_READINESS: Final = {
    True: (Kind.PLAN_READY, Presentation("✅", "Ready Again", "Plan Ready Again", "green")),
    False: (Kind.PLAN_NOT_READY, Presentation("⚠️", "Not Ready", "Plan Not Ready", "orange")),
}
_MOST_LISTED: Final = 5
"""Failed checks that a message names; the others are counted."""
NOT_STARTED: Final = Presentation("⚠️", "Not Started", "Drill Not Started", "orange")


def drill_not_started(plan: Mapping[str, Any], reason: str, scheduled: str, at: str) -> Message:
    """Return the message that a scheduled drill of a plan could not start, and why; times are RFC 3339."""
    plan_id, name, why = str(plan["planId"]), one_line(plan["name"]), discreet(reason)
    return Message(
        kind=Kind.DRILL_NOT_STARTED,
        presentation=NOT_STARTED,
        subject=subject_of(NOT_STARTED.emoji, f"DRS Drill {NOT_STARTED.headline} - {name}"),
        summary="",
        sentence=f"The drill scheduled for {one_line(scheduled)} was not started, and is not tried again: {why}",
        facts=(("Plan", name if name == plan_id else f"{name} ({plan_id})"), ("Scheduled", one_line(scheduled))),
        steps=(
            Step(f"wavebreak plan validate {plan_id} --live", "see what is in the way"),
            Step(f"wavebreak run {plan_id} --mode drill", "start it by hand"),
        ),
        attributes={"type": Kind.DRILL_NOT_STARTED.value, "planId": plan_id, "at": at, "status": "NOT_STARTED"},
        fields={
            "planId": plan_id,
            "planName": name,
            "at": at,
            "status": "NOT_STARTED",
            "scheduledTime": one_line(scheduled),
            "reason": why,
        },
    )


def plan_readiness(plan: Mapping[str, Any], found: Mapping[str, Any]) -> Message:
    """Return the message that a plan is not ready any more, or is again.

    `found` is `{checkedAt, ready, failing: [{check, subject, message}], planVersion}`.
    """
    plan_id, name, at = str(plan["planId"]), one_line(plan["name"]), str(found["checkedAt"])
    kind, presentation = _READINESS[bool(found["ready"])]
    failing = _failing(found)
    lines = [f"{each['check']} {each['subject']}: {each['message']}" for each in failing[:_MOST_LISTED]]
    if len(failing) > _MOST_LISTED:
        lines.append(f"and {len(failing) - _MOST_LISTED} more")
    return Message(
        kind=kind,
        presentation=presentation,
        subject=subject_of(presentation.emoji, f"DRS Plan {presentation.headline} - {name}"),
        summary="",
        sentence="A recovery could be started, and every CRITICAL server launched."
        if found["ready"]
        else "A recovery would be refused, or could not launch every CRITICAL server within the plan's objectives.",
        facts=(
            ("Plan", name if name == plan_id else f"{name} ({plan_id})"),
            ("Version", str(found["planVersion"])),
            ("Checked", at),
        ),
        steps=(
            Step(f"wavebreak plan validate {plan_id} --live", "see every check as it is now"),
            Step(f"wavebreak plan readiness {plan_id}", "see since when"),
        ),
        attributes={"type": kind.value, "planId": plan_id, "at": at, "status": _word(found)},
        fields={
            "planId": plan_id,
            "planName": name,
            "planVersion": found["planVersion"],
            "at": at,
            "status": _word(found),
            "failing": failing,
        },
        block="\n".join(lines) or None,
    )


def readiness_event(plan: Mapping[str, Any], found: Mapping[str, Any], before: str | None) -> BusEvent:
    """Make what EventBridge gets of the same; `before` is what was reported last: READY, NOT_READY or null."""
    detail = {
        "planId": str(plan["planId"]),
        "planName": one_line(plan["name"]),
        "planVersion": found["planVersion"],
        "at": found["checkedAt"],
        "from": before,
        "to": _word(found),
        "failing": _failing(found),
    }
    return BusEvent(READINESS_CHANGE, str(found["checkedAt"]), detail)


def _word(found: Mapping[str, Any]) -> str:
    return "READY" if found["ready"] else "NOT_READY"


def _failing(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return failed checks without secrets, and without characters that act on a terminal or page."""
    return [{name: discreet(text) for name, text in each.items()} for each in found["failing"]]
