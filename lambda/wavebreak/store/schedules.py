"""How the schedules of plans stand, and what became of scheduled times, in the partitions of the plans.

That a schedule is to be brought into line is written with the plan, in one transaction, and stands in the index of due
things until it is done. One at a time does it: a call that comes late can undo no later one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.schedules import ScheduleState, Standing
from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.store.upkeep import leases as plan_leases
from wavebreak.timing import iso
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from wavebreak.store.table import Item

LEASE: Final = timedelta(seconds=60)
"""How long a call that updates a schedule keeps others from it: its calls are over then."""
_AT_WORK: Final = timedelta(seconds=55)
"""How long the lease of a scheduled start lasts: its function runs less, and is called again after a minute."""
AGAIN: Final = timedelta(seconds=60)
_REMEMBERED: Final = timedelta(days=2)
"""How long it is known what became of a scheduled time; the service delivers none so late."""


def schedule_intent(plan_id: str, stamp: str, now: datetime) -> Write:
    """Note that a plan's schedule is to be brought into line; `stamp` names the change of the plan."""
    return Write("schedule", "Put", _due(plan_id, stamp, None, now))


def _due(plan_id: str, stamp: str, error: str | None, at: datetime) -> Item:
    item = {"pk": keys.plan(plan_id), "sk": keys.SCHEDULE, "stamp": stamp, "state": ScheduleState.PENDING.value}
    return {**item, "error": error, "duePk": keys.SCHEDULES, "dueSk": iso(at)}


class Claim(Value):
    """The right to bring a plan's schedule into line, as it was to be when it was claimed."""

    plan_id: str
    owner: str
    stamp: str


class Scheduled(Value):
    """What is known of a scheduled time; one of which nothing is known is for the caller to do."""

    outcome: str | None = None
    """An execution id, or why there is none."""
    notice_pending: bool = False
    """Whether people have yet to be notified of the reason."""
    busy: bool = False
    """Whether another call has its lease."""
    again: bool = False
    """Whether an earlier call began it and was lost."""


class ScheduleStore:
    """The SCHEDULE and SCHEDULED items."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def standings(self, plan_ids: Iterable[str]) -> dict[str, Standing]:
        """Read how the schedules of plans stand, of those that have any."""
        items = self.table.get_many([(keys.plan(plan_id), keys.SCHEDULE) for plan_id in plan_ids])
        return {keys.plan_id_of(str(item["pk"])): _standing(item) for item in items}

    def due(self, now: datetime) -> Iterator[str]:
        """List the plans whose schedule is to be brought into line."""
        return (keys.plan_id_of(pk) for pk in self.table.due(keys.SCHEDULES, now))

    def claim(self, plan_id: str, owner: str, now: datetime) -> Claim | None:
        """Take the lease of a plan's schedule; None when there is nothing to do or another call has the lease."""
        if self.table.get(keys.plan(plan_id), keys.SCHEDULE) is None:
            return None
        if not plan_leases.take(self.table, plan_id, keys.SCHEDULE_LEASE, owner, now, now + LEASE):
            return None
        item = self.table.get(keys.plan(plan_id), keys.SCHEDULE)
        if item is None:
            self._give_back(plan_id, owner)
            return None
        return Claim(plan_id, owner, str(item["stamp"]))

    def done(self, claim: Claim, *, kept: bool) -> bool:
        """Note that the service has what the plan says, a schedule or, unless `kept`, none.

        Return False when the plan was changed meanwhile: then it is to be done again.
        """
        key = {"pk": keys.plan(claim.plan_id), "sk": keys.SCHEDULE}
        same: dict[str, Any] = {":stamp": claim.stamp}
        active = {**key, "stamp": claim.stamp, "state": ScheduleState.ACTIVE.value, "error": None}
        write = Write("schedule", "Put" if kept else "Delete", active if kept else key, "stamp = :stamp", same)
        return self._settle(claim, write)

    def failed(self, claim: Claim, error: str, now: datetime) -> None:
        """Note what was in the way, and have it tried again in a minute."""
        item = _due(claim.plan_id, claim.stamp, error, now + AGAIN)
        self._settle(claim, Write("schedule", "Put", item, "stamp = :stamp", {":stamp": claim.stamp}))

    def _settle(self, claim: Claim, write: Write) -> bool:
        try:
            self.table.transact([write])
        except ConditionFailedError:
            return False
        finally:
            self._give_back(claim.plan_id, claim.owner)
        return True

    def _give_back(self, plan_id: str, owner: str) -> None:
        plan_leases.give_back(self.table, plan_id, keys.SCHEDULE_LEASE, owner)

    def begin(self, plan_id: str, scheduled: str, now: datetime) -> Scheduled:
        """Take the lease of a scheduled time, and return what is known of it."""
        key = {"pk": keys.plan(plan_id), "sk": keys.scheduled(scheduled)}
        before = self.table.get(key["pk"], key["sk"])
        if before is not None and before["outcome"] is not None:
            return Scheduled(str(before["outcome"]), notice_pending=bool(before["untold"]))
        item = {**key, "outcome": None, "leasedUntil": iso(now + _AT_WORK), "forgetAfter": _forgotten(now)}
        condition, values = "attribute_not_exists(pk)", dict[str, Any]()
        if before is not None:
            read = str(before["leasedUntil"])
            condition, values = "leasedUntil = :read AND leasedUntil < :now", {":read": read, ":now": iso(now)}
        try:
            self.table.transact([Write("scheduled", "Put", item, condition, values)])
        except ConditionFailedError:
            return Scheduled(busy=True)
        return Scheduled(again=before is not None)

    def give_up(self, plan_id: str, scheduled: str) -> None:
        """Forget a scheduled time for which nothing was begun after all: the next delivery starts again."""
        key = {"pk": keys.plan(plan_id), "sk": keys.scheduled(scheduled)}
        self.table.transact([Write("scheduled", "Delete", key, "outcome = :none", {":none": None})])

    def end(self, plan_id: str, scheduled: str, outcome: str, now: datetime, *, notice_pending: bool = False) -> None:
        """Store the outcome of a scheduled time: an execution id, or why there is none and whether a notice is due."""
        item = {"pk": keys.plan(plan_id), "sk": keys.scheduled(scheduled), "outcome": outcome, "untold": notice_pending}
        self.table.put_many([item | {"leasedUntil": iso(now), "forgetAfter": _forgotten(now)}])


def _standing(item: Item) -> Standing:
    return Standing(ScheduleState(item["state"]), item.get("error"))


def _forgotten(now: datetime) -> int:
    return int((now + _REMEMBERED).timestamp())
