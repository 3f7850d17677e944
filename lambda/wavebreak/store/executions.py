"""Executions in the table: made whole or not at all, changed only from the version that was read.

`save` is the one writer's rule: every change of an execution is the difference between the state that was read and the
state that was decided, written under the condition that nothing was written in between, with at most one event
telling what changed its status. The loser of a race gets `VersionConflictError`, reads again and decides again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from wavebreak.domain.executions.audit_trail import append_event, change_details, status_changes
from wavebreak.domain.executions.findings.reports import is_owed
from wavebreak.error_category import Category
from wavebreak.identifiers import ulid
from wavebreak.problems import NotFound, Unavailable
from wavebreak.resilience.lost_races import TRIES, LostRaceError, pause_between, retry_lost_races
from wavebreak.store import keys
from wavebreak.store.evidence import owed
from wavebreak.store.execution_writes import (
    PLAN_UNLOCK,
    event_record,
    fitting,
    meta_write,
    plan_lock,
    plan_unlock,
    progress_writes,
    read_event,
    wave_writes,
)
from wavebreak.store.latest_states import LatestStates, Snapshot
from wavebreak.store.locks import SERVER_LOCK, busy_plan
from wavebreak.store.records.executions import STARTS_IN, meta_record, read_execution, read_sites
from wavebreak.store.records.jobs import jobs_digest
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.store.request_keys import RequestKeyStore
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailedError, Table, Write, WriteRejectedError
from wavebreak.store.wake_tokens import new_token, read_token
from wavebreak.timeouts import Deadline
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.site import Site
    from wavebreak.store.latest_states import Beside
    from wavebreak.store.locks import Held
    from wavebreak.store.table import Item

_BESIDE_WAVES: Final = 6
"""Writes of a transaction beside waves and progress at the most: META, event, plan's lock taken or given back, the
condition on a server's lock, and the report that is owed."""


class VersionConflictError(LostRaceError):
    """The version that a change was decided on is gone."""

    category: ClassVar[Category] = Category.DATABASE


class LocksNeededError(Exception):
    """A change would take up an execution that has given its locks back: take them first."""


def _nobody(_before: Execution, _after: Execution) -> None:
    pass


class ExecutionStore:
    """Executions, their waves, servers, jobs and events."""

    def __init__(
        self,
        table: Table,
        pause: Callable[[int], None] = pause_between,
        on_saved: Callable[[Execution, Execution], None] = _nobody,
        beside: Beside | None = None,
    ) -> None:
        """Keep the table, the pause after the n-th lost race, the callback after each change, and what rounds need."""
        self.table = table
        self.requests = RequestKeyStore(table)
        self.pause = pause
        self.on_saved = on_saved
        self.latest = LatestStates(table, self.load, beside)

    def create(
        self,
        execution: Execution,
        document: str,
        act: Attribution,
        details: Mapping[str, Any],
        held: Held | None = None,
    ) -> Execution:
        """Write a new execution, its plan's lock and its first event, all or nothing.

        `document` is the frozen plan as canonical JSON, `held` are the server locks that were taken for it. Server
        items come first and are removed again on a refusal: without META they are not seen. Raise ConditionFailedError
        naming `plan-lock` when another execution holds the plan, `server-lock` when the server locks are lost.
        """
        first = replace(execution, version=1, lock_call=held.call if held else None)
        born, event = append_event(first, status_changes(None, execution), act, details)
        chunks = [item for wave in born.waves for item in server_records(born.execution_id, wave)]
        pk = keys.execution(born.execution_id)
        frozen = {"pk": pk, "sk": keys.DOCUMENT, "document": document, "hash": born.plan_hash}
        self.table.put_many([*chunks, frozen])
        writes = [
            Write("meta", "Put", meta_record(born), "attribute_not_exists(pk)"),
            Write("event", "Put", event_record(event)),
            Write("token", "Put", new_token(born.execution_id, keys.TOKEN)),
            plan_lock(born, held),
            *([held.check()] if held else []),
            *(Write(f"wave-{wave.number}", "Put", wave_record(born.execution_id, wave)) for wave in born.waves),
        ]
        try:
            self.table.transact(writes)
        except (ConditionFailedError, WriteRejectedError, Unavailable):
            self.table.delete_many([(pk, str(item["sk"])) for item in [*chunks, frozen]])
            raise
        return born

    def load(self, execution_id: str) -> Snapshot:
        """Read an execution consistently, with its wake tokens; raise NotFound.

        A query is no snapshot: a transaction may be made while it reads, and jobs sort before META. A version must
        never stand beside jobs that are older, or a cancel could overlook a launch that was just intended: META knows
        its jobs by their digest, and what it does not know is read again, after META, until that has stayed the same.
        What sorts behind META may be newer; then the version is gone, and nothing is written from it.
        """
        pk = keys.execution(execution_id)
        known: int | None = None
        for _ in range(TRIES):
            items = {str(item["sk"]): item for item in self.table.query(pk, sk_from=keys.STATE_FROM)}
            execution, meta = read_execution(items.values()), items.get(keys.META)
            if execution is None or meta is None:
                raise NotFound(f"There is no execution {execution_id}")
            if execution.version == known or meta.get("jobsDigest") == jobs_digest(execution):
                token, other = items.get(keys.TOKEN), items.get(keys.TERMINATION_TOKEN)
                return Snapshot(execution, read_token(token), read_token(other))
            known = execution.version
        raise Unavailable(f"Execution {execution_id} is being changed by many at once", retry_after_seconds=1)

    def document(self, execution_id: str) -> dict[str, Any]:
        """Read the plan that an execution froze; raise NotFound."""
        found = self.table.get(keys.execution(execution_id), keys.DOCUMENT)
        if found is None:
            raise NotFound(f"There is no execution {execution_id}")
        document: dict[str, Any] = json.loads(found["document"])
        return document

    def change(
        self,
        execution_id: str,
        decide: Callable[[Execution], Execution],
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        known: Execution | None = None,
    ) -> Execution:
        """Read, decide and save, again from the start after each lost race.

        `decide` is a pure step; what it raises passes through, and so does what `save` raises but for
        VersionConflictError. Raise Unavailable after too many lost races. `known` is how the caller last saw the
        execution: the change is tried from there first, which spares a read; that nothing is to be changed is decided
        on what is read.
        """
        deadline = Deadline("dynamodb_transaction", executionId=execution_id)

        def attempt() -> Execution:
            nonlocal known
            before = known or self.load(execution_id).execution
            after = decide(before)
            if known is not None and after == before:
                before = self.load(execution_id).execution
                after = decide(before)
            known = None
            return self.save(before, after, act, details, held)

        return retry_lost_races(f"Execution {execution_id}", attempt, self.pause, lambda: deadline.over)

    def save(
        self,
        before: Execution,
        after: Execution,
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        beside: Sequence[Write] = (),
    ) -> Execution:
        """Write what differs between two states, from the version of the first.

        Raise VersionConflictError if that is gone. `beside` are Puts that belong to the change: written with it.

        Statuses change in one transaction with the event that reports it. What does not fit beside them, servers and
        jobs of large plans, is written before: it is what the statuses were derived from, and is derived from again.
        An execution that is taken up again needs the server locks that were taken for it, `held`: LocksNeededError
        without, Unavailable when they are lost, PlanBusy when another one holds its plan.
        """
        if after == before:
            return before
        changes = status_changes(before, after)
        taken_up = after.holds_locks and not before.holds_locks
        if taken_up and held is None:
            raise LocksNeededError(after.execution_id)
        # Each step raises the version. A crash between two leaves servers and jobs ahead of the statuses: the next
        # round derives from them; an intent among them is found by its tags like any other.
        current = before
        progress = [*beside, *progress_writes(before, after)]
        states = wave_writes(before, after)
        room = TRANSACTION_LIMIT - len(states) - _BESIDE_WAVES
        while (count := fitting(progress, TRANSACTION_LIMIT - 1)) < len(progress) or count > room:
            batch, progress = progress[:count], progress[count:]
            stepped = replace(current, version=current.version + 1)
            self._commit([meta_write(stepped, current.version), *batch])
            current = stepped
        final = replace(
            after,
            version=current.version + 1,
            event_sequence=current.event_sequence,
            event_hash=current.event_hash,
            lock_call=held.call if taken_up and held else before.lock_call,
        )
        writes = [*states, *progress]
        if taken_up and held:
            writes += [plan_lock(final, held), held.check()]
        if changes:
            final, event = append_event(final, changes, act, change_details(before, after) | dict(details or {}))
            writes.append(Write("event", "Put", event_record(event), "attribute_not_exists(pk)"))
            writes += [owed(final.execution_id, event["sequence"], event["at"])] if is_owed(changes) else []
        self._commit([meta_write(final, current.version), *writes], plan_unlock(before, after))
        self.latest.saved(final)
        self.on_saved(before, final)
        return final

    def record_event(
        self,
        execution_id: str,
        changes: list[dict[str, Any]],
        act: Attribution,
        details: Mapping[str, Any],
        *writes: Write,
        allow: Callable[[Execution], object] = lambda _execution: None,
    ) -> None:
        """Append an event of something that belongs to an execution, in one transaction with the writes it reports.

        `allow` is shown the execution that the event is appended to, and may raise: nothing is written then, and what
        it saw is what stands until the write. Raise ConditionFailedError when the first of the writes is refused,
        NotFound, and Unavailable after too many lost races.
        """

        def attempt() -> None:
            before = self.load(execution_id).execution
            allow(before)
            counted, event = append_event(replace(before, version=before.version + 1), changes, act, details)
            record = Write("event", "Put", event_record(event), "attribute_not_exists(pk)")
            try:
                self.table.transact([meta_write(counted, before.version), record, *writes])
            except ConditionFailedError as refused:
                if writes[0].name in refused.failed:
                    raise
                raise LostRaceError from refused

        retry_lost_races(f"Execution {execution_id}", attempt, self.pause)

    def _commit(self, writes: Sequence[Write], unlock: Sequence[Write] = ()) -> None:
        """Make the writes; without `unlock` when the plan's lock is another's by now: no end is refused for a lock."""
        try:
            self.table.transact([*writes, *unlock])
        except ConditionFailedError as refused:
            if refused.failed.keys() == {PLAN_UNLOCK}:
                return self._commit(writes)
            if "meta" in refused.failed:
                raise VersionConflictError from refused
            if "plan-lock" in refused.failed:
                raise busy_plan(refused.failed["plan-lock"]) from refused
            if SERVER_LOCK in refused.failed:
                raise Unavailable("The server locks were lost to another call", retry_after_seconds=1) from refused
            raise VersionConflictError from refused

    def summaries(
        self,
        *,
        plan_id: str | None,
        filters: Mapping[str, str],
        limit: int,
        token: str | None,
        active: bool | None = None,
        since: datetime | None = None,
    ) -> tuple[list[Item], str | None]:
        """List META items newest first, of one plan or of all, filtered by `status` and `mode`.

        `active` is whether they run or are being terminated, `since` when they were started at the earliest.
        """
        query: dict[str, Any] = {"IndexName": keys.LISTING_INDEX, "KeyConditionExpression": "listPk = :pk"}
        pk = keys.EXECUTIONS_LIST
        if plan_id is not None:
            query = {"IndexName": keys.PLAN_INDEX, "KeyConditionExpression": "planKey = :pk"}
            pk = keys.plan(plan_id)
        query |= {"ScanIndexForward": False, "ExpressionAttributeValues": {":pk": {"S": pk}}}
        if since is not None:
            query["KeyConditionExpression"] += " AND listSk >= :since"
            query["ExpressionAttributeValues"] |= {":since": {"S": ulid(since, 0)}}
        conditions = [f"#{name} = :{name}" for name in filters]
        query["ExpressionAttributeValues"] |= {f":{name}": {"S": value} for name, value in filters.items()}
        if filters:
            query["ExpressionAttributeNames"] = {f"#{name}": name for name in filters}
        if active is not None:
            conditions.append(f"attribute_{'exists' if active else 'not_exists'}(activePk)")
        if conditions:
            query["FilterExpression"] = " AND ".join(conditions)
        return self.table.page(query, limit=limit, token=token)

    def usual_launch_seconds(self, plan_id: str) -> int | None:
        """Read how long the launches of the plan's last run took; None where none did, or it is not known."""
        last, _ = self.summaries(plan_id=plan_id, filters={}, limit=1, token=None)
        known = last[0].get("usualLaunchSeconds") if last else None
        return None if known is None else int(known)

    def active_ids(self) -> list[str]:
        """List the executions that hold locks: those that run and those whose instances are being terminated."""
        return [keys.execution_id_of_key(str(meta["pk"])) for meta in self._active()]

    def sites_of_recoveries(self, field: str = STARTS_IN) -> list[frozenset[Site]]:
        """List the sites where running waves of a RECOVERY have servers to be started (or `LAUNCHES_IN`), of each."""
        return [sites for meta in self._active() if (sites := read_sites(meta, field))]

    def due_leases(self, now: datetime) -> Iterator[str]:
        """List the drills whose lease has something due, those that have waited longest first."""
        return (keys.execution_id_of_key(pk) for pk in self.table.due(keys.LEASES, now))

    def _active(self) -> Iterator[Item]:
        """Read META of the executions that hold locks."""
        return self.table.active(keys.ACTIVE_LIST)

    def events(self, execution_id: str, *, limit: int, token: str | None) -> tuple[list[Item], str | None]:
        """List an execution's events, oldest first; raise NotFound."""
        pk = keys.execution(execution_id)
        if self.table.get(pk, keys.META) is None:
            raise NotFound(f"There is no execution {execution_id}")
        query = {
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": {":pk": {"S": pk}, ":prefix": {"S": keys.EVENT_PREFIX}},
            "ConsistentRead": True,
        }
        items, rest = self.table.page(query, limit=limit, token=token)
        return [read_event(item) for item in items], rest

    def job_item(self, job_id: str) -> tuple[str, str] | None:
        """Return the item of a DRS job, found through the job index; None for a job that is not ours."""
        query = {
            "IndexName": keys.JOB_INDEX,
            "KeyConditionExpression": "jobId = :pk",
            "ExpressionAttributeValues": {":pk": {"S": job_id}},
        }
        found, _ = self.table.page(query, limit=1, token=None)
        return next(((str(item["pk"]), str(item["sk"])) for item in found), None)

    def count_down(self, item: tuple[str, str], subjects: Iterable[str]) -> int:
        """Remove subjects from those that a job awaits; return how many are left. A repeated event removes nothing."""
        answer = self.table.update(
            Key={"pk": {"S": item[0]}, "sk": {"S": item[1]}},
            UpdateExpression="DELETE awaited :seen",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":seen": {"SS": sorted(subjects)}},
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"].get("awaited", {}).get("SS", []))
