"""What messages say of waves that wait for an approval: which, why, until when, how to approve (contract 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.approving.rules import APPROVAL, REMINDED, ends_in_rejection
from wavebreak.domain.executions.views.next_steps import Step, approval_steps
from wavebreak.domain.notifications.message import clock, numbered, shown_actor
from wavebreak.execution_utils import WaveStatus
from wavebreak.timing import duration, parse_iso, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST: Final = "will not start before someone approves: the plan asks for it."
_AGAIN: Final = "still wait(s): the plan asks for an approval before the start."
_MOST: Final = 5
"""Waves of one event that are reported with their times and commands; the others are in the message's list."""


def still_needed(event: Mapping[str, Any]) -> bool:
    """Return whether people are reminded of an approval in an event."""
    return any(change.get("subject") == APPROVAL and change["to"] == REMINDED for change in event["data"]["changes"])


def waves_asked(event: Mapping[str, Any], *, again: bool) -> list[int]:
    """Return the numbers of the waves that an event asks an approval for, for the first time or `again`."""
    data = event["data"]
    if again:
        return [entry["waveNumber"] for entry in data.get("approvals") or () if entry["reminders"]]
    return [int(each["waveNumber"]) for each in data["changes"] if each["to"] == WaveStatus.AWAITING_APPROVAL]


def sentence(view: Mapping[str, Any], event: Mapping[str, Any], *, again: bool) -> str:
    """Return the waves of an event that wait, why, what follows without an approval, and who may not approve."""
    numbers = waves_asked(event, again=again)
    known = {entry["waveNumber"]: entry for entry in event["data"].get("approvals") or ()}
    entries = [known[number] for number in numbers if number in known]
    them = numbered([wave for wave in view["waves"] if wave["waveNumber"] in numbers])
    parts = [f"{them} {_AGAIN if again else _FIRST}"]
    parts += [_what_follows(entry, event, many=len(numbers) > 1) for entry in entries[:_MOST]]
    if any(entry.get("notBy") for entry in entries):
        parts.append(f"Not by {shown_actor(view['requestedBy'])}, who asked for the execution.")
    return " ".join(parts)


def _what_follows(entry: Mapping[str, Any], event: Mapping[str, Any], *, many: bool) -> str:
    subject = f"Wave {entry['waveNumber']}" if many else "It"
    waited = whole_seconds(parse_iso(entry["askedAt"]), parse_iso(event["at"]))
    since = f"{subject} has waited for {duration(waited)}. " if waited else ""
    if ends_in_rejection(entry):
        return f"{since}{subject} is rejected at {clock(entry['dueAt'])} unless someone approves before."
    return f"{since}Without an answer people are told again at {clock(entry['dueAt'])}."


def steps_of(view: Mapping[str, Any], event: Mapping[str, Any], *, again: bool) -> list[Step]:
    """Return the commands that approve or reject the waves of an event."""
    return approval_steps(view["executionId"], waves_asked(event, again=again)[:_MOST])
