"""What scheduled checks of plans found, in the partitions of the plans, and when each plan is to be checked next.

`READINESS` is what the newest check found and what people were notified of; it stands in the index of due things while
the plan is not ready, so that those can be counted. `CHECKED#time` is the history. `READINESS#DUE` says when the next
check is due: it is written with the plan, in one transaction, and stands in the index all the time.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.plans.readiness import Failing, Readiness, Standing
from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.store.upkeep import leases as plan_leases
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.store.table import Item

LEASE: Final = timedelta(seconds=150)
"""How long a call that checks a plan keeps others from it: longer than its function may run."""
_REMEMBERED: Final = timedelta(days=90)
"""How long what a check found is kept."""


class Due(Value):
    """A plan that one call may check now."""

    plan_id: str
    owner: str
    stamp: str
    """The change of the plan that it is due for."""
    misses: int = 0
    """Checks in a row that saw too little."""


class Kept(Value):
    """What the newest check found, and what people know of it."""

    standing: Standing
    created_at: str
    """The plan's: a plan of the same id that was deleted is another one."""
    notified: Readiness | None = None
    since: datetime | None = None
    """Since when it is not ready."""
    served: frozenset[str] = field(default_factory=frozenset)
    """The channels that know the change, while others do not."""
    failures: int = 0
    servers_covered: int = 0
    """Servers that the check asked for one by one."""
    missed: str | None = None
    """The first server that it did not come to."""

    def of(self, plan: StoredPlan) -> Standing | None:
        """Return the standing of this very version of a plan."""
        same = self.created_at == plan.created_at and self.standing.plan_version == plan.version
        return self.standing if same else None


def stamp_of(plan: StoredPlan) -> str:
    """Name the change that made a plan what it is."""
    return f"{plan.created_at}#{plan.version}"


def check_intent(plan_id: str, stamp: str, now: datetime) -> Write:
    """Record, with a change of a plan, that the plan is due for a check."""
    return Write("readiness", "Put", _due(plan_id, stamp, now, 0))


def removals(plan_id: str) -> list[Write]:
    """Return the writes that take what is known of a plan with it, but for the history."""
    return [
        Write(sk, "Delete", {"pk": keys.plan(plan_id), "sk": sk})
        for sk in (keys.READINESS, keys.READINESS_DUE, keys.READINESS_BASELINE)
    ]


def _due(plan_id: str, stamp: str, at: datetime, misses: int) -> Item:
    item = {"pk": keys.plan(plan_id), "sk": keys.READINESS_DUE, "stamp": stamp, "misses": misses}
    return {**item, "duePk": keys.CHECKS_DUE, "dueSk": iso(at)}


class ReadinessStore:
    """The items of the readiness of plans."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def due(self, now: datetime) -> Iterator[str]:
        """List the plans that are to be checked, those that have waited longest first."""
        return (keys.plan_id_of(pk) for pk in self.table.due(keys.CHECKS_DUE, now))

    def not_ready(self, now: datetime) -> int:
        """Count the plans that are not ready."""
        return sum(1 for _ in self.table.due(keys.NOT_READY, now))

    def knows_all(self) -> bool:
        """Return whether the plans of an earlier release, which made none due, were made so."""
        return self.table.get(keys.SWEEP, keys.KNOWN_TO_CHECKS) is not None

    def take_up(self, plans: Iterable[StoredPlan], now: datetime, *, last: bool) -> None:
        """Make plans due that never were, and note, with the `last` ones, that all are."""
        for plan in plans:
            item = _due(plan.document["planId"], stamp_of(plan), now, 0)
            try:
                self.table.transact([_still(plan), Write("readiness", "Put", item, "attribute_not_exists(pk)")])
            except ConditionFailedError:
                continue
        if last:
            self.table.put_many([{"pk": keys.SWEEP, "sk": keys.KNOWN_TO_CHECKS}])

    def claim(self, plan_ids: Sequence[str], owner: str, now: datetime) -> list[Due]:
        """Take the leases to check plans; plans that are gone, or that another call checks, are left out."""
        taken = [
            plan_id
            for plan_id in plan_ids
            if plan_leases.take(self.table, plan_id, keys.READINESS_LEASE, owner, now, now + LEASE)
        ]
        items = self.table.get_many([(keys.plan(plan_id), keys.READINESS_DUE) for plan_id in taken])
        found = {keys.plan_id_of(str(item["pk"])): item for item in items if str(item["dueSk"]) <= iso(now)}
        for plan_id in taken:
            if plan_id not in found:
                plan_leases.give_back(self.table, plan_id, keys.READINESS_LEASE, owner)
        return [Due(plan_id, owner, str(item["stamp"]), int(item["misses"])) for plan_id, item in found.items()]

    def release(self, due: Due) -> None:
        """Release the lease to check a plan, and leave it due."""
        plan_leases.give_back(self.table, due.plan_id, keys.READINESS_LEASE, due.owner)

    def postpone(self, due: Due, until: datetime, *, missed: bool) -> None:
        """Postpone the check of a plan; its findings stay. `missed` is a check that saw too little."""
        item = _due(due.plan_id, due.stamp, until, due.misses + missed)
        self._settle(due, [Write("readiness", "Put", item, "stamp = :stamp", {":stamp": due.stamp})])

    def check_soon(self, plan_id: str, now: datetime) -> None:
        """Have a plan checked by the next run; one that is gone, or that was changed meanwhile, needs nothing."""
        pk = keys.plan(plan_id)
        item = self.table.get(pk, keys.READINESS_DUE)
        if item is None or str(item["dueSk"]) <= iso(now):
            return
        stamp = str(item["stamp"])
        due = _due(plan_id, stamp, now, int(item["misses"]))
        try:
            self.table.transact([Write("readiness", "Put", due, "stamp = :stamp", {":stamp": stamp})])
        except ConditionFailedError:
            return

    def known(self, plan_ids: Iterable[str]) -> dict[str, Kept]:
        """Read what is known of plans, of those that were checked."""
        items = self.table.get_many([(keys.plan(plan_id), keys.READINESS) for plan_id in plan_ids])
        return {keys.plan_id_of(str(item["pk"])): _read(item) for item in items}

    def baselines(self, plan_ids: Iterable[str]) -> dict[str, tuple[str, dict[str, str]]]:
        """Read how the servers of plans were when a drill had completed: that drill, and their prints."""
        items = self.table.get_many([(keys.plan(plan_id), keys.READINESS_BASELINE) for plan_id in plan_ids])
        return {keys.plan_id_of(str(item["pk"])): (str(item["drill"]), json.loads(item["prints"])) for item in items}

    def remember_baseline(self, plan: StoredPlan, drill: str, prints: Mapping[str, str]) -> None:
        """Store the state of a plan's servers after a completed drill; a plan that has changed is skipped."""
        key = {"pk": keys.plan(plan.document["planId"]), "sk": keys.READINESS_BASELINE}
        item = {**key, "drill": drill, "prints": json.dumps(dict(prints), separators=(",", ":"))}
        try:
            self.table.transact([_still(plan), Write("baseline", "Put", item)])
        except ConditionFailedError:
            return

    def found(self, due: Due, plan: StoredPlan, kept: Kept, again: datetime) -> bool:
        """Store what a check of a plan found, and when it is due again.

        Return False, and keeps nothing, when the plan was changed or deleted meanwhile, or another call has it by now.
        """
        pk, standing = keys.plan(due.plan_id), kept.standing
        remembered = int((standing.checked_at + _REMEMBERED).timestamp())
        history = {"pk": pk, "sk": keys.checked(iso(standing.checked_at)), **_record(standing)}
        writes = [
            _still(plan),
            Write("kept", "Put", _item(due.plan_id, kept)),
            Write("history", "Put", {**history, "createdAt": plan.created_at, "forgetAfter": remembered}),
            Write("readiness", "Put", _due(due.plan_id, due.stamp, again, 0), "stamp = :stamp", {":stamp": due.stamp}),
        ]
        return self._settle(due, writes)

    def mark_notified(self, plan: StoredPlan, kept: Kept, again: datetime) -> None:
        """Store which findings people know, and when the plan is due again; a plan that has changed is skipped."""
        plan_id, stamp = plan.document["planId"], stamp_of(plan)
        known = kept.standing.checked_at
        same = Write("kept", "Put", _item(plan_id, kept), "checkedAt = :known", {":known": iso(known)})
        due = Write("readiness", "Put", _due(plan_id, stamp, again, 0), "stamp = :stamp", {":stamp": stamp})
        try:
            self.table.transact([_still(plan), same, due])
        except ConditionFailedError:
            return

    def _settle(self, due: Due, writes: list[Write]) -> bool:
        """Make the writes and give the lease back in one; the lease alone when they are refused."""
        try:
            lease = plan_leases.returned(due.plan_id, keys.READINESS_LEASE, due.owner)
            self.table.transact([*writes, lease])
        except ConditionFailedError:
            self.release(due)
            return False
        return True

    def history(self, plan: StoredPlan, *, limit: int, token: str | None) -> tuple[list[Standing], str | None]:
        """List what the checks of a plan found, newest first."""
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "FilterExpression": "createdAt = :created",
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.plan(plan.document["planId"])},
                ":prefix": {"S": keys.CHECKED_PREFIX},
                ":created": {"S": plan.created_at},
            },
            "ScanIndexForward": False,
        }
        items, rest = self.table.page(query, limit=limit, token=token)
        return [_standing(item) for item in items], rest

    def forget_history(self, plan_id: str) -> None:
        """Delete the findings of a deleted plan."""
        pk = keys.plan(plan_id)
        found = self.table.query(pk, sk_from=keys.CHECKED_PREFIX, sk_to=f"{keys.CHECKED_PREFIX}~", names={"#sk": "sk"})
        self.table.delete_many([(pk, str(item["sk"])) for item in found])


def some_notified(kept: Kept, parts: frozenset[str], failures: int) -> Kept:
    """Note which channels know a change, and how often the others did not take it."""
    return replace(kept, served=parts, failures=failures)


def all_notified(kept: Kept) -> Kept:
    """Note that people know how a plan stands."""
    return replace(kept, notified=kept.standing.word, served=frozenset(), failures=0)


def _still(plan: StoredPlan) -> Write:
    """Check that a plan is what it was."""
    return Write(
        "plan",
        "ConditionCheck",
        {"pk": keys.plan(plan.document["planId"]), "sk": keys.PLAN},
        "#version = :version AND createdAt = :created",
        {":version": plan.version, ":created": plan.created_at},
        {"#version": "version"},
    )


def _record(standing: Standing) -> dict[str, Any]:
    failing = [[each.check, each.subject, each.message] for each in standing.failing]
    return {
        "checkedAt": iso(standing.checked_at),
        "ready": standing.ready,
        "failing": json.dumps(failing, ensure_ascii=False),
        "planVersion": standing.plan_version,
    }


def _standing(item: Mapping[str, Any]) -> Standing:
    failing = tuple(Failing(*each) for each in json.loads(item["failing"]))
    return Standing(parse_iso(item["checkedAt"]), bool(item["ready"]), failing, int(item["planVersion"]))


def _item(plan_id: str, kept: Kept) -> Item:
    item = {"pk": keys.plan(plan_id), "sk": keys.READINESS, "createdAt": kept.created_at, **_record(kept.standing)}
    item |= {
        "told": kept.notified.value if kept.notified else None,
        "served": sorted(kept.served),
        "failures": kept.failures,
    }
    item |= {"lookedAt": kept.servers_covered, "missed": kept.missed}
    if kept.since is not None:
        item |= {"duePk": keys.NOT_READY, "dueSk": iso(kept.since)}
    return item


def _read(item: Item) -> Kept:
    notified, since = item.get("told"), item.get("dueSk")
    return Kept(
        standing=_standing(item),
        created_at=str(item["createdAt"]),
        notified=Readiness(notified) if notified else None,
        since=parse_iso(str(since)) if since else None,
        served=frozenset(item["served"]),
        failures=int(item["failures"]),
        servers_covered=int(item.get("lookedAt", 0)),
        missed=None if item.get("missed") is None else str(item["missed"]),
    )
