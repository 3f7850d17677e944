"""Messages about plans, which no execution's trail tells: they carry `planId` and `at`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.next_steps import Step
from wavebreak.domain.notifications.message import Kind, Look, Message, discreet, one_line, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_STARTED: Final = Look("⚠️", "Not Started", "Drill Not Started", "orange")


def drill_not_started(plan: Mapping[str, Any], reason: str, scheduled: str, at: str) -> Message:
    """Tell that a scheduled drill of a plan document could not start, and why; times are RFC 3339."""
    plan_id, name, why = str(plan["planId"]), one_line(plan["name"]), discreet(reason)
    return Message(
        kind=Kind.DRILL_NOT_STARTED,
        look=NOT_STARTED,
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
