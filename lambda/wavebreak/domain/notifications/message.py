"""A message: its content, without a form, and what of the texts of others may stand in it.

`text` and `html` write it down for e-mail, chat and machines.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.masking import masked_text
from wavebreak.harmless_text import flattened
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.executions.views.next_steps import Step
    from wavebreak.execution_utils import Display


MOST_NAMES: Final = 20
"""Waves or instances that are named; more are counted."""
MAX_SUBJECT: Final = 99
"""Characters of a subject: SNS takes fewer than 100."""
_MAX_LINE: Final = 500
_ACCOUNT: Final = re.compile(r"(?<=:)[0-9]{12}(?=:)")


class Kind(StrEnum):
    """What a message is about; the words of the template's parameter NotifyStatuses."""

    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    PREEMPTED = "PREEMPTED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    APPROVAL_NEEDED = "APPROVAL_NEEDED"
    APPROVAL_STILL_NEEDED = "APPROVAL_STILL_NEEDED"
    WAVE_FAILED = "WAVE_FAILED"
    LEASE_ENDING = "LEASE_ENDING"
    TERMINATED = "TERMINATED"
    TERMINATION_INCOMPLETE = "TERMINATION_INCOMPLETE"
    COMMAND_FINISHED = "COMMAND_FINISHED"
    ALERT = "ALERT"
    DRILL_NOT_STARTED = "DRILL_NOT_STARTED"
    PLAN_NOT_READY = "PLAN_NOT_READY"
    PLAN_READY = "PLAN_READY"


class Presentation(Value):
    """How a message shows at first sight."""

    emoji: str
    headline: str
    """What the subject says of the execution."""
    title: str
    color: str
    """green, orange, red, blue or gray, as in an execution's display."""


class WaveLine(Value):
    """A wave as a message lists it."""

    number: int
    name: str
    badge: Display
    note: str | None = None


class Message(Value):
    """The content of a message, without a form."""

    kind: Kind
    presentation: Presentation
    subject: str
    summary: str
    """The wave summary of the contract; empty when there is nothing to count."""
    sentence: str
    facts: tuple[tuple[str, str], ...]
    """Label and value, in the order in which they are read."""
    steps: tuple[Step, ...]
    attributes: Mapping[str, str]
    """What subscriptions filter by; `sequence` is a number."""
    fields: Mapping[str, Any]
    """What machines read besides."""
    waves: tuple[WaveLine, ...] = ()
    more_waves: int = 0
    """Waves that the list leaves out."""
    block: str | None = None
    """Text that is shown as it is."""


def one_line(text: object, limit: int = _MAX_LINE) -> str:
    """Write a text on one line: what acts becomes a blank (`harmless_text`), what is too long ends in `…`."""
    flat = flattened(str(text))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def discreet(text: object) -> str:
    """Write a text of others on one line, without secrets (`masking`) and without account numbers in ARNs."""
    return one_line(_ACCOUNT.sub("…", masked_text(str(text))))


def shown_actor(actor: str) -> str:
    """Return the name of an actor as people know it: an IAM principal without its account."""
    return one_line(actor.split(":", 5)[5] if actor.startswith("arn:") and actor.count(":") >= 5 else actor)  # noqa: PLR2004  the parts of an ARN


def subject_of(emoji: str, rest: str) -> str:
    """Write a subject: one line of at most 99 characters."""
    return one_line(f"{emoji} {rest}", MAX_SUBJECT)


def clock(at: str) -> str:
    """Write an RFC 3339 time for people."""
    return f"{at[:10]} {at[11:19]} UTC"


def numbered(waves: Sequence[Mapping[str, Any]]) -> str:
    """Name waves with their numbers: `Wave 2 (application)`."""
    label = "Wave" if len(waves) == 1 else "Waves"
    names = ", ".join(f"{wave['waveNumber']} ({wave['name']})" for wave in waves[:MOST_NAMES])
    return f"{label} {names}{and_more(len(waves))}"


def and_more(count: int) -> str:
    """Return `and n more` for entries that are not named."""
    return f" and {count - MOST_NAMES} more" if count > MOST_NAMES else ""
