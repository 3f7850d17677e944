"""Verifies an audit trail: every event's hash, its link to the one before, and that none is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.audit_trail import event_hash
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Verdict(Value):
    """Whether a trail holds; if not, the sequence number at which it first breaks, and how."""

    events: int
    broken_at: int | None = None
    why: str | None = None

    @property
    def intact(self) -> bool:
        """Whether no gap and no edit was found."""
        return self.broken_at is None


def verify(trail: Iterable[Mapping[str, Any]]) -> Verdict:
    """Check a whole trail, oldest first. Events cut off at its end cannot be seen: nothing links to them."""
    previous: str | None = None
    count = 0
    for count, event in enumerate(trail, start=1):
        why = _fault(event, count, previous)
        if why:
            return Verdict(count, count, why)
        previous = event.get("hash")
    return Verdict(count)


def _fault(event: Mapping[str, Any], expected: int, previous: str | None) -> str | None:
    if event.get("sequence") != expected:
        return f"expected sequence {expected}, found {event.get('sequence')}"
    if event.get("previousHash") != previous:
        return "does not link to the event before it"
    try:
        actual = event_hash(event)
    except UnicodeEncodeError:
        return "holds text that cannot be hashed"
    return None if actual == event.get("hash") else "its content does not match its hash"
