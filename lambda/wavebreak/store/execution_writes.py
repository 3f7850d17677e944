"""The writes of which the transactions of an execution are made: what differs between two of its states. Pure."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from wavebreak.store import keys
from wavebreak.store.locks import same_claim
from wavebreak.store.records.executions import meta_record
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.store.table import TRANSACTION_BYTES, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.locks import Held
    from wavebreak.store.table import Item

PLAN_UNLOCK: Final = "plan-unlock"
"""Name of the write that gives a plan's lock back."""


def event_record(event: Mapping[str, Any]) -> Item:
    """Write down an event; until it has been reported to everybody it is found through the outbox index."""
    return {
        "pk": keys.execution(str(event["executionId"])),
        "sk": keys.event(int(event["sequence"])),
        "outboxPk": keys.OUTBOX_LIST,
        **event,
    }


def read_event(item: Mapping[str, Any]) -> Item:
    """Return an event of the audit trail without what the table finds it by."""
    return {name: value for name, value in item.items() if name not in {"pk", "sk", "outboxPk"}}


def meta_write(execution: Execution, read_version: int) -> Write:
    """Write META, from the version that was read."""
    return Write(
        "meta",
        "Put",
        meta_record(execution),
        "#version = :read",
        {":read": read_version},
        {"#version": "version"},
    )


def plan_lock(execution: Execution, held: Held | None) -> Write:
    """Return the write that takes the plan's lock for the call whose server locks this execution has."""
    me = execution.execution_id
    lock = {"pk": keys.plan(execution.plan_id), "sk": keys.LOCK, "executionId": me, "callId": execution.lock_call}
    condition = "attribute_not_exists(pk)"
    values: dict[str, Any] = {}
    if held is not None and held.plan_of is not None:
        same, values = same_claim(held.plan_of)
        condition = f"{condition} OR ({same})"
    return Write("plan-lock", "Put", lock, condition, values)


def plan_unlock(before: Execution, after: Execution) -> list[Write]:
    """Return the writes that release the plan's lock at its end, if this execution still has it."""
    if after.holds_locks or not before.holds_locks:
        return []
    key = {"pk": keys.plan(after.plan_id), "sk": keys.LOCK}
    condition = "attribute_not_exists(pk) OR executionId = :me"
    return [Write(PLAN_UNLOCK, "Delete", key, condition, {":me": after.execution_id})]


def wave_writes(before: Execution, after: Execution) -> list[Write]:
    """Write the waves whose own facts differ."""
    identifier = after.execution_id
    writes = []
    for old, new in zip(before.waves, after.waves, strict=True):
        record = wave_record(identifier, new)
        if record != wave_record(identifier, old):
            writes.append(Write(f"wave-{new.number}", "Put", record))
    return writes


def progress_writes(before: Execution, after: Execution) -> list[Write]:
    """Write the server items and jobs that differ."""
    identifier = after.execution_id
    writes = []
    for old, new in zip(before.waves, after.waves, strict=True):
        if old.servers is new.servers or old.servers == new.servers:
            continue
        known = {str(item["sk"]): item for item in server_records(identifier, old)}
        writes += [
            Write(str(item["sk"]), "Put", item)
            for item in server_records(identifier, new)
            if known.get(str(item["sk"])) != item
        ]
    return [*writes, *_job_writes(before, after)]


def fitting(writes: Sequence[Write], most: int) -> int:
    """Count how many of the first writes one transaction takes, by their number and their size; at least one."""
    sizes = accumulate(write.size for write in writes[:most])
    return max(1, sum(size <= TRANSACTION_BYTES for size in sizes)) if writes else 0


def _job_writes(before: Execution, after: Execution) -> list[Write]:
    """Write the jobs that differ, and delete the intents that DRS refused."""
    old, new = {job.key: job for job in before.jobs}, {job.key: job for job in after.jobs}
    pk = keys.execution(after.execution_id)
    changed = [
        Write(keys.job(key), "Put", job_record(after.execution_id, job))
        for key, job in new.items()
        if old.get(key) != job
    ]
    return changed + [Write(keys.job(key), "Delete", {"pk": pk, "sk": keys.job(key)}) for key in old if key not in new]
