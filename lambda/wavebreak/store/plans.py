"""Plans in the table: versioned documents, changed only from the version that the caller names."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.selected_servers import Resolution
from wavebreak.domain.plans.model import StoredPlan
from wavebreak.domain.plans.schedules import schedule_of
from wavebreak.problems import NotFound, PreconditionFailed, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.store.locks import busy_plan
from wavebreak.store.schedules import schedule_intent
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.store.upkeep.readiness import ReadinessStore, check_intent, removals
from wavebreak.timing import iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from wavebreak.store.table import Item

logger = logging.getLogger(__name__)

_ROUNDS: Final = 10


def _read(item: Mapping[str, Any]) -> StoredPlan:
    return StoredPlan(
        json.loads(item["document"]), int(item["version"]), str(item["createdAt"]), str(item["updatedAt"])
    )


class PlanStore:
    """The plans."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def get(self, plan_id: str) -> StoredPlan:
        """Read a plan; raise NotFound."""
        item = self.table.get(keys.plan(plan_id), keys.PLAN)
        if item is None:
            raise NotFound(f"There is no plan {plan_id}")
        return _read(item)

    def get_many(self, plan_ids: Sequence[str]) -> dict[str, StoredPlan]:
        """Read plans by their ids; those that do not exist are left out."""
        items = self.table.get_many([(keys.plan(plan_id), keys.PLAN) for plan_id in plan_ids])
        return {keys.plan_id_of(str(item["pk"])): _read(item) for item in items}

    def resolved(self, plan: StoredPlan) -> Resolution | None:
        """Return what the selectors of this version of a plan last resolved to, if they ever did."""
        item = self.table.get(keys.plan(plan.document["planId"]), keys.resolved(plan.version))
        if item is None or item["createdAt"] != plan.created_at:
            return None
        servers = {int(index): tuple(found) for index, found in json.loads(item["servers"]).items()}
        return Resolution(servers, str(item["at"]))

    def remember_resolved(self, plan: StoredPlan, servers: Mapping[int, Sequence[str]], now: datetime) -> None:
        """Keep what the selectors of this version of a plan resolve to, and forget what those of earlier ones did.

        Nothing is kept for a version that is not the plan's any more.
        """
        plan_id = plan.document["planId"]
        found = {index: tuple(names) for index, names in servers.items()}
        known = self.resolved(plan)
        if known is not None and known.servers == found:
            return
        pk, sk = keys.plan(plan_id), keys.resolved(plan.version)
        item = {"pk": pk, "sk": sk, "createdAt": plan.created_at, "at": iso(now), "servers": json.dumps(found)}
        present = Write(
            "plan",
            "ConditionCheck",
            {"pk": pk, "sk": keys.PLAN},
            "#version = :version AND createdAt = :created",
            {":version": plan.version, ":created": plan.created_at},
            {"#version": "version"},
        )
        try:
            self.table.transact([Write("resolved", "Put", item), present])
        except ConditionFailedError:
            return
        self._forget_resolved(plan_id, but=sk)

    def _forget_resolved(self, plan_id: str, but: str | None = None) -> None:
        pk = keys.plan(plan_id)
        found = self.table.query(
            pk, sk_from=keys.RESOLVED_PREFIX, sk_to=f"{keys.RESOLVED_PREFIX}~", names={"#sk": "sk"}
        )
        self.table.delete_many([(pk, str(item["sk"])) for item in found if item["sk"] != but])

    def put(self, plan_id: str, document: str, now: datetime, expected: int | None) -> StoredPlan:
        """Store a plan's canonical JSON as its next version: 1, unless a plan of this id was deleted before.

        `expected` is the version the caller read; PreconditionFailed when it is another by now.
        """
        for _ in range(_ROUNDS):
            old = self.table.get(keys.plan(plan_id), keys.PLAN)
            version = int(old["version"]) if old else 0
            gone = None if old else self.table.get(keys.plan(plan_id), keys.LAST_VERSION)
            if expected is not None and expected != version:
                raise PreconditionFailed(
                    f"The plan is at version {version}, not {expected}" if old else f"There is no plan {plan_id} yet",
                    version=version,
                )
            number = 1 + (int(gone["version"]) if gone else version)
            item = _item(plan_id, document, number, str(old["createdAt"]) if old else iso(now), iso(now))
            scheduled = any(schedule_of(json.loads(text)) for text in (document, old["document"] if old else "{}"))
            stamp = f"{item['createdAt']}#{number}"
            intents = [check_intent(plan_id, stamp, now)]
            intents += [schedule_intent(plan_id, stamp, now)] if scheduled else []
            writes = [_versioned("Put", item, version), *([] if old else [_still_gone(plan_id, gone)]), *intents]
            try:
                self.table.transact(writes)
            except ConditionFailedError:
                continue
            return replace(_read(item), is_new=old is None)
        raise Unavailable(f"Plan {plan_id} is being changed by many at once", retry_after_seconds=1)

    def delete(self, plan_id: str, now: datetime) -> None:
        """Delete a plan that no execution holds, and note that its schedule is to go; raise NotFound or PlanBusy.

        The caller removes a stale lock before (`LockStore.free_stale_plan_lock`).
        """
        version = self.get(plan_id).version
        key = {"pk": keys.plan(plan_id), "sk": keys.PLAN}
        lock = {"pk": keys.plan(plan_id), "sk": keys.LOCK}
        last = {"pk": keys.plan(plan_id), "sk": keys.LAST_VERSION, "version": version}
        try:
            self.table.transact(
                [
                    _versioned("Delete", key, version),
                    Write("lock", "ConditionCheck", lock, "attribute_not_exists(pk)"),
                    Write("last", "Put", last),
                    *self._schedule_goes(plan_id, now),
                    *removals(plan_id),
                ],
            )
        except ConditionFailedError as refused:
            if "lock" in refused.failed:
                raise busy_plan(refused.failed["lock"]) from refused
            raise Unavailable(f"Plan {plan_id} is being changed", retry_after_seconds=1) from refused
        try:
            self._forget_resolved(plan_id)
            ReadinessStore(self.table).forget_history(plan_id)
        except FAULTS as error:
            logger.warning("something of %s is left behind; it counts for no other plan: %s", plan_id, error)

    def _schedule_goes(self, plan_id: str, now: datetime) -> list[Write]:
        known = self.table.get(keys.plan(plan_id), keys.SCHEDULE)
        return [schedule_intent(plan_id, f"deleted#{iso(now)}", now)] if known is not None else []

    def page(self, *, limit: int, token: str | None) -> tuple[list[StoredPlan], str | None]:
        """List plans by their ids."""
        query = {
            "IndexName": keys.LISTING_INDEX,
            "KeyConditionExpression": "listPk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": keys.PLANS_LIST}},
        }
        items, rest = self.table.page(query, limit=limit, token=token)
        return [_read(item) for item in items], rest


def _item(plan_id: str, document: str, version: int, created_at: str, updated_at: str) -> Item:
    return {
        "pk": keys.plan(plan_id),
        "sk": keys.PLAN,
        "listPk": keys.PLANS_LIST,
        "listSk": plan_id,
        "document": document,
        "version": version,
        "createdAt": created_at,
        "updatedAt": updated_at,
    }


def _still_gone(plan_id: str, gone: Item | None) -> Write:
    """Check that no other plan of this id came and went meanwhile: no version is given twice."""
    key = {"pk": keys.plan(plan_id), "sk": keys.LAST_VERSION}
    if gone is None:
        return Write("gone", "ConditionCheck", key, "attribute_not_exists(pk)")
    return Write("gone", "ConditionCheck", key, "#version = :last", {":last": gone["version"]}, {"#version": "version"})


def _versioned(kind: str, item: Item, version: int) -> Write:
    if version == 0:
        return Write("plan", kind, item, "attribute_not_exists(pk)")
    return Write("plan", kind, item, "#version = :read", {":read": version}, {"#version": "version"})
