"""Events delivered to every channel: in the order of the audit trail, at least once, again only after a crash.

`deliver` sends the waiting events of one execution. The stream calls it when an event is written; the sweep calls it
for events that still wait a while later, because a channel, the function or the stream itself failed. An event that
fails five times is set aside, and the ones after it go on. `announce` sends a message that no trail holds.
"""

from __future__ import annotations

import json
import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.replay import statuses_after
from wavebreak.domain.notifications.command_and_alarm_messages import alert_message, command_message
from wavebreak.domain.notifications.delivery import TOPIC, DeliveryFailure, Notification, Outcome
from wavebreak.domain.notifications.event_bridge import bus_events
from wavebreak.domain.notifications.execution_messages import execution_message, kinds_of
from wavebreak.domain.notifications.message import Kind, discreet
from wavebreak.error_category import Category
from wavebreak.problems import Unavailable
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.store.execution_writes import read_event
from wavebreak.store.keys import execution_id_of_key
from wavebreak.store.outbox import CursorLostError, is_waiting
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.replay import Statuses
    from wavebreak.domain.notifications.message import Message
    from wavebreak.ports.capabilities import (
        HasChannels,
        HasClock,
        HasCommands,
        HasErrors,
        HasExecutions,
        HasOutbox,
        HasTiming,
    )
    from wavebreak.store.outbox import Cursor
    from wavebreak.store.table import Item

    class Ports(HasChannels, HasClock, HasCommands, HasErrors, HasExecutions, HasOutbox, HasTiming, Protocol):
        """What delivering events needs."""


logger = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""Times that an event is tried before it is set aside."""
LEASE: Final = timedelta(seconds=150)
"""How long a delivery keeps others away: longer than its function may run."""
WORK: Final = timedelta(seconds=45)
"""How long a delivery begins new events: the last one takes half a minute at most, and the function runs two."""
OVERDUE: Final = timedelta(seconds=20)
"""Events and reports that have waited for longer are the sweep's: the stream should have brought them."""
_FIRST_PAUSE: Final = 15
_PAUSE_GROWTH: Final = 3
"""Pauses of 15 s, 45 s, 2 and 7 minutes: an event that does not pass is set aside after about ten minutes."""


class _HeldBackError(Exception):
    """What waits has to wait longer: a channel does not answer, or time is up."""


def deliver(app: Ports, execution_id: str, oldest: int | None = None) -> int:
    """Deliver the events of an execution that wait in the outbox; return how many were delivered or set aside.

    The trail is read from its cursor on, whichever event it was called for: a record of the stream that comes late,
    twice or before an earlier one changes nothing. `oldest` is the first event that the outbox still lists, which may
    lie before the cursor. Does nothing while another call delivers: that call sees `knocks` and reads again.
    """
    owner, until, count = secrets.token_hex(8), app.now() + WORK, 0
    while (cursor := app.outbox.claim(execution_id, owner, app.now(), LEASE)) is not None:
        relay = _Relay(app, cursor, until, oldest)
        heard = True
        try:
            relay.run()
        except _HeldBackError:
            heard = False
        except CursorLostError:
            logger.warning("another teller took over the events of %s", execution_id)
            return count + relay.count
        count += relay.count
        if relay.released or app.outbox.release(cursor, heard=heard) or not heard:
            break
    return count


def sweep(app: Ports) -> int:
    """Deliver every overdue event; return how many were delivered or set aside.

    A fault of one execution does not stop the others; the last such fault is raised in the end.
    """
    until = app.now() + WORK
    return each_despite_faults(
        app.outbox.waiting(app.now() - OVERDUE).items(),
        lambda waiting: deliver(app, *waiting),
        lambda error, waiting: logger.error("events of %s could not be delivered", waiting[0], exc_info=error),
        lambda: app.now() > until,
    )


def announce(app: Ports, message: Message, served: frozenset[str] = frozenset(), topic: str | None = None) -> None:
    """Send a message that no trail holds (`command_and_alarm_messages`) to every channel, if its kind is wanted.

    `served` names parts that have it already, `topic` is a plan's own. Raise Unavailable when a channel did not take
    it: a repeated call sends it again, also to channels that have it.
    """
    channels = app.channels()
    if not channels.wants(message.kind):
        return
    outcome = channels.send(Notification(message=message, plan_topic=topic), served)
    if outcome.faults:
        raise Unavailable("; ".join(f"{part}: {fault.cause}" for part, fault in outcome.faults.items()))


def announce_alarm(app: Ports, alarm: Mapping[str, str]) -> None:
    """Send an alarm, `{name, state, reason}`, to people; the topic has it from CloudWatch itself."""
    announce(app, alert_message(alarm), frozenset({TOPIC}))


def executions_of(partitions: Iterable[str]) -> list[str]:
    """Name the executions that items of the table are of, by their partitions, each once."""
    return list(dict.fromkeys(map(execution_id_of_key, partitions)))


def _after(before: Statuses, event: Mapping[str, Any]) -> Statuses:
    """Return the statuses of an execution after the next event; a malformed event changes nothing."""
    try:
        return before.after(event)
    except (KeyError, TypeError, ValueError):
        logger.exception("event %s has no statuses", event["sequence"])
        return before


class _Relay(Struct):
    """Delivers the waiting events of one execution, whose cursor it holds."""

    app: Ports
    cursor: Cursor
    until: datetime
    oldest: int | None
    count: int = 0
    released: bool = False
    """Whether the cursor was released with the last event."""

    def run(self) -> None:
        """Deliver every event, or raise _HeldBackError."""
        execution: Execution | None = None
        behind = self._behind()
        following = next(behind, None)
        while (item := following) is not None:
            following = next(behind, None)
            if execution is None:
                if self.cursor.retry_at and self.app.now() < self.cursor.retry_at:
                    raise _HeldBackError
                self._find_plan_topic()
                execution = self.app.executions.load(self.cursor.execution_id).execution
            if self.app.now() > self.until:
                raise _HeldBackError
            event, statuses = read_event(item), _after(self._statuses(), item)
            if is_waiting(item):
                self._deliver(statuses.shown_by(execution), event)
            self._move(int(item["sequence"]), statuses, is_last=following is None)
            self.count += 1

    def _move(self, sequence: int, statuses: Statuses, *, is_last: bool) -> None:
        """Move past an event; release the cursor with the last one, unless `knocks` was raised meanwhile."""
        self.released = is_last and self.app.outbox.move_and_release(self.cursor, sequence, statuses)
        if not self.released:
            self.cursor = self.app.outbox.move(self.cursor, sequence, statuses)

    def _behind(self) -> Iterator[Item]:
        """Read the events behind the cursor.

        One at or before it that is still in the outbox is taken out: the call that moved past it died.
        """
        through = self.cursor.notified_through
        first = min(through, self.oldest or through)
        for item in self.app.outbox.trail(self.cursor.execution_id, max(1, first)):
            sequence = int(item["sequence"])
            if sequence > through:
                yield item
            elif is_waiting(item):
                self.app.outbox.take_out(self.cursor.execution_id, sequence)

    def _statuses(self) -> Statuses:
        """Return the statuses of the execution at the cursor; added up once for a cursor without them."""
        if self.cursor.statuses is not None:
            return self.cursor.statuses
        through = self.cursor.notified_through
        trail = self.app.outbox.trail(self.cursor.execution_id, 1, through) if through else ()
        return statuses_after(trail, _after)

    def _find_plan_topic(self) -> None:
        if self.cursor.plan_topic is None:
            document = self.app.outbox.document(self.cursor.execution_id)
            topic = json.loads(document).get("notifyTopicArn") if document else None
            self.cursor = replace(self.cursor, plan_topic=topic or "")

    def _deliver(self, then: Execution, event: Item) -> None:
        """Deliver an event; a part that fails now is tried later, or set aside in the end.

        Waiting does not cure a refusal: its attempts follow each other at once, so that it delays nothing.
        """
        served, failures = self.cursor.served, self.cursor.failures
        while True:
            outcome = self._attempt(then, event, served)
            if not outcome.faults:
                return
            # A channel that is left alone for now has not failed again: its events stay in the outbox.
            served, failures = outcome.served, failures + any(fault.called for fault in outcome.faults.values())
            self._record(event, outcome.faults, failures)
            if failures >= MOST_FAILURES:
                self.app.channels().set_aside(event, outcome.faults)
                return
            if any(fault.transient for fault in outcome.faults.values()):
                pause = self.app.timing.scaled(_FIRST_PAUSE * _PAUSE_GROWTH ** max(0, failures - 1))
                retry_at = self.app.now() + pause
                self.app.outbox.failed(replace(self.cursor, failures=failures, served=served, retry_at=retry_at))
                raise _HeldBackError

    def _record(self, event: Item, faults: Mapping[str, DeliveryFailure], failures: int) -> None:
        """Record the faults: an error once the event is set aside for them, until then a warning."""
        for part, fault in faults.items():
            self.app.errors.record_failure(
                Severity.ERROR if failures >= MOST_FAILURES else Severity.WARNING,
                Category.DEPENDENCY if fault.called else Category.CIRCUIT_OPEN,
                ("NotTold", f"{part}: {fault.cause}"),
                service="Notification",
                execution_id=str(event["executionId"]),
                sequence=int(event["sequence"]),
                attempt=failures,
            )

    def _attempt(self, then: Execution, event: Item, served: frozenset[str]) -> Outcome:
        try:
            return self.app.channels().send(self._notification(then, event), served)
        except Exception as error:  # the doorway of each event: one that cannot be reported must not hold up the others
            logger.exception("event %s cannot be delivered", event["sequence"])
            return Outcome(served, {"news": DeliveryFailure(discreet(repr(error)), transient=False)})

    def _notification(self, then: Execution, event: Item) -> Notification:
        kind = next((kind for kind in kinds_of(event) if self.app.channels().wants(kind)), None)
        message = self._message(kind, then, event) if kind else None
        return Notification(bus_events(then, event), message, self.cursor.plan_topic)

    def _message(self, kind: Kind, then: Execution, event: Item) -> Message:
        if kind is not Kind.COMMAND_FINISHED:
            return execution_message(kind, then, event)
        command_id = next(change["commandId"] for change in event["data"]["changes"] if "commandId" in change)
        return command_message(self.app.commands.load(command_id).view(), int(event["sequence"]))
