"""The statuses in an audit trail: each change with its time and actor, and the spans spent in one.

Reads trails of every age: what an event does not say is None, what says nothing of statuses changes none.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from wavebreak.timing import known_time
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Span: TypeAlias = tuple[datetime, datetime]
"""From a moment to a later one."""


class Change(Value):
    """One change of a status: of a wave, of the execution, or of what `subject` names; `event` is what reports it."""

    at: datetime
    old: str | None
    new: str
    event: Mapping[str, Any]
    wave: int | None = None
    subject: str | None = None

    @property
    def actor(self) -> str | None:
        """Who made it."""
        return self.event.get("actor")

    @property
    def reason(self) -> str | None:
        """What they said about it."""
        return data_of(self.event).get("reason")


def data_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data of an event; nothing where it has none."""
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def has_gaps(trail: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether events before the last one are missing or out of order."""
    return any(event.get("sequence") != position for position, event in enumerate(trail, start=1))


def changes_in(trail: Iterable[Mapping[str, Any]]) -> list[Change]:
    """List the changes of a trail, oldest event first."""
    found: list[Change] = []
    for event in trail:
        at = known_time(event.get("at"))
        if at is None:
            continue
        for change in data_of(event).get("changes") or ():
            wave = change.get("waveNumber")
            number = None if wave is None else int(wave)
            found.append(Change(at, change.get("from"), str(change.get("to")), event, number, change.get("subject")))
    return found


def of_wave(changes: Iterable[Change], number: int) -> list[Change]:
    """Return the changes of a wave itself, not of what runs in it."""
    return [change for change in changes if change.wave == number and change.subject is None]


def of_execution(changes: Iterable[Change]) -> list[Change]:
    """Return the changes of the execution's own status."""
    return [change for change in changes if change.wave is None and change.subject is None]


def spans_in(changes: Iterable[Change], status: str, until: datetime) -> list[Span]:
    """List the spans in which a subject, whose changes these are, had a status; an open span ends at `until`."""
    spans: list[Span] = []
    since: datetime | None = None
    for change in changes:
        if since is not None:
            spans.append((since, change.at))
            since = None
        if change.new == status:
            since = change.at
    return spans if since is None else [*spans, (since, max(since, until))]
