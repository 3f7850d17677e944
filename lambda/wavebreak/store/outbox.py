"""The outbox: which events of an execution have been delivered to every channel, and which call delivers the rest.

The transaction of a change writes the event with the attribute that the outbox index finds it by. The attribute is
removed once the cursor has moved past the event, so an undelivered event is found without a scan: of the last event in
one transaction with that. A call that dies between the two writes of another one leaves it in the index; the next
delivery removes it.

The cursor is leased while its events are delivered, so that no two calls deliver the same event at once. A call that
comes meanwhile raises the counter `knocks` and ends. The cursor is released only if `knocks` has not changed since.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.replay import Statuses, read_statuses
from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Write, to_attributes
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from wavebreak.store.table import Item, Table

_MINE: Final = "leaseOwner = :me"
_OUT: Final = "REMOVE outboxPk"
"""Takes an event out of the index that the outbox is."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class CursorLostError(Exception):
    """Another call has the cursor: the lease was over."""


class Cursor(Value):
    """How far the events of an execution have been delivered; held by one call."""

    execution_id: str
    owner: str
    notified_through: int = 0
    wakeups: int = 0
    failures: int = 0
    """Of the event after the cursor."""
    served: frozenset[str] = frozenset()
    """Channels that have that event already."""
    retry_at: datetime | None = None
    plan_topic: str | None = None
    """The plan's own topic, empty without one; None until it was looked up."""
    statuses: Statuses | None = None
    """How the execution stood after the event at the cursor; None for a cursor from before this was kept."""


def is_waiting(item: Mapping[str, Any]) -> bool:
    """Whether an EVENT item has not been reported to everybody; one from before there were notifications is not."""
    return "outboxPk" in item


class OutboxStore:
    """The CURSOR items of executions, and the events behind them."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def claim(self, execution_id: str, owner: str, now: datetime, lease: timedelta) -> Cursor | None:
        """Take the lease of the cursor; while another call has it, raise `knocks` and return None."""
        cursor = self._take(execution_id, owner, now, lease)
        if cursor is None:
            self._update(execution_id, "ADD knocks :one", {":one": 1})
            # The holder may have released it before `knocks` was raised.
            cursor = self._take(execution_id, owner, now, lease)
        return cursor

    def _take(self, execution_id: str, owner: str, now: datetime, lease: timedelta) -> Cursor | None:
        item = self._update(
            execution_id,
            "SET leaseOwner = :me, leaseUntil = :until",
            {":me": owner, ":until": iso(now + lease), ":now": iso(now)},
            condition=f"attribute_not_exists(leaseUntil) OR leaseUntil < :now OR {_MINE}",
        )
        return _read(execution_id, owner, item) if item else None

    def release(self, cursor: Cursor, *, heard: bool) -> bool:
        """Release the cursor; with `heard` only if `knocks` is as it was when taken. Return whether it was released."""
        condition, values = _unless_woken(cursor) if heard else (_MINE, _NOTHING)
        expression = "REMOVE leaseOwner, leaseUntil"
        mine = {":me": cursor.owner, **values}
        return self._update(cursor.execution_id, expression, mine, condition=condition) is not None

    def failed(self, cursor: Cursor) -> None:
        """Write down failures, served channels and when to try again of the event after the cursor."""
        values: dict[str, Any] = {":me": cursor.owner, ":failures": cursor.failures}
        expression = "SET failures = :failures"
        if cursor.served:
            expression += ", served = :served"
            values[":served"] = set(cursor.served)
        if cursor.retry_at:
            expression += ", retryAt = :retry"
            values[":retry"] = iso(cursor.retry_at)
        self._update(cursor.execution_id, expression, values, condition=_MINE)

    def move(self, cursor: Cursor, sequence: int, statuses: Statuses) -> Cursor:
        """Move past an event and take it out of the outbox; raise CursorLostError when another has the cursor.

        The statuses of the execution after the event are kept, so that no call has to read what lies before it.
        """
        move = _move(cursor, sequence, statuses)
        item = self._update(
            cursor.execution_id, move.expression, move.values, condition=f"{_MINE} AND {move.condition}"
        )
        if item is None:
            raise CursorLostError
        self.take_out(cursor.execution_id, sequence)
        moved = _read(cursor.execution_id, cursor.owner, item)
        return replace(moved, wakeups=cursor.wakeups)

    def move_and_release(self, cursor: Cursor, sequence: int, statuses: Statuses) -> bool:
        """Move past the last event that waits, take it out of the outbox and release the cursor, all or nothing.

        False, with nothing changed, where `knocks` was raised since it was taken, or another call has the cursor.
        """
        condition, heard = _unless_woken(cursor)
        move = _move(cursor, sequence, statuses)
        pk = keys.execution(cursor.execution_id)
        released = Write(
            "cursor",
            "Update",
            {"pk": pk, "sk": keys.CURSOR},
            f"{condition} AND {move.condition}",
            {**move.values, **heard},
            expression=f"{move.expression}, leaseOwner, leaseUntil",
        )
        event = {"pk": pk, "sk": keys.event(sequence)}
        try:
            self.table.transact([released, Write("event", "Update", event, "attribute_exists(pk)", expression=_OUT)])
        except ConditionFailedError:
            return False
        return True

    def take_out(self, execution_id: str, sequence: int) -> None:
        """Remove an event from the outbox index; the audit trail stays as it is."""
        self.table.client.update_item(
            TableName=self.table.name,
            Key=to_attributes({"pk": keys.execution(execution_id), "sk": keys.event(sequence)}),
            UpdateExpression=_OUT,
            ConditionExpression="attribute_exists(pk)",
        )

    def trail(self, execution_id: str, first: int = 1, last: int | None = None) -> Iterator[Item]:
        """Read the EVENT items of an execution, oldest first, as they are asked for: the `first` one to the `last`."""
        end = f"{keys.EVENT_PREFIX}~" if last is None else keys.event(last)
        return self.table.query(keys.execution(execution_id), sk_from=keys.event(first), sk_to=end)

    def waiting(self, before: datetime) -> Mapping[str, int]:
        """List executions with events from before a moment that wait to be reported, the longest waiting first.

        Return the sequence of the first such event of each.
        """
        found: dict[str, int] = {}
        for item in self.table.waiting(keys.OUTBOX_LIST, before):
            execution_id, sequence = keys.execution_id_of_key(str(item["pk"])), keys.sequence_of(str(item["sk"]))
            found[execution_id] = min(sequence, found.get(execution_id, sequence))
        return found

    def document(self, execution_id: str) -> str | None:
        """Read the frozen plan of an execution as JSON; None for one without."""
        item = self.table.get(keys.execution(execution_id), keys.DOCUMENT)
        return str(item["document"]) if item else None

    def failed_events(self) -> int:
        """Return how many events waited in the queue of failed ones when it was last checked."""
        item = self.table.get(keys.SWEEP, keys.FAILED_EVENTS) or {}
        return int(item.get("waiting", 0))

    def saw_failed_events(self, waiting: int) -> None:
        """Store how many events wait in the queue of failed events."""
        item = {"pk": keys.SWEEP, "sk": keys.FAILED_EVENTS, "waiting": waiting}
        self.table.transact([Write("seen", "Put", item)])

    def _update(
        self, execution_id: str, expression: str, values: Mapping[str, Any], *, condition: str | None = None
    ) -> Item | None:
        """Update a CURSOR item and return its new state; None when the condition does not hold."""
        return self.table.update_if(
            (keys.execution(execution_id), keys.CURSOR), expression, values, condition=condition
        )


class _Move(Value):
    """An update of a cursor that moves it past an event; it ends in what it removes."""

    expression: str
    values: Mapping[str, Any]
    condition: str


def _move(cursor: Cursor, sequence: int, statuses: Statuses) -> _Move:
    """Return the update that moves a cursor past an event, from where this call last saw it."""
    values: dict[str, Any] = {
        ":to": sequence,
        ":topic": cursor.plan_topic or "",
        ":statuses": statuses.record(),
        ":me": cursor.owner,
    }
    at = "attribute_not_exists(notifiedThrough)"
    if cursor.notified_through:
        at = "notifiedThrough = :from"
        values[":from"] = cursor.notified_through
    changes = "SET notifiedThrough = :to, planTopic = :topic, statuses = :statuses"
    return _Move(f"{changes} REMOVE failures, served, retryAt", values, at)


def _unless_woken(cursor: Cursor) -> tuple[str, Mapping[str, Any]]:
    """Return the condition that `knocks` has not changed since a cursor was taken, with its values."""
    if cursor.wakeups:
        return f"{_MINE} AND knocks = :heard", {":heard": cursor.wakeups}
    return f"{_MINE} AND attribute_not_exists(knocks)", _NOTHING


def _read(execution_id: str, owner: str, item: Mapping[str, Any]) -> Cursor:
    retry_at = item.get("retryAt")
    return Cursor(
        execution_id,
        owner,
        int(item.get("notifiedThrough", 0)),
        int(item.get("knocks", 0)),
        int(item.get("failures", 0)),
        frozenset(item.get("served") or ()),
        parse_iso(retry_at) if retry_at else None,
        item.get("planTopic"),
        read_statuses(item["statuses"]) if "statuses" in item else None,
    )
