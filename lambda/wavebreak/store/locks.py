"""Locks of servers and plans: what one execution holds, no other starts.

A lock names its execution. It is free when that execution holds its locks no longer, or is still missing a minute after
the lock was taken: a lock never outlives its execution, even if whoever should give it back died.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.execution_utils import TerminationStatus, is_terminal, normalize_execution_status
from wavebreak.problems import PlanBusy, ServerBusy, Unavailable
from wavebreak.store import keys
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailed, Table, Write
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model import Execution

_ORPHAN_AFTER: Final = timedelta(minutes=1)
_ROUNDS: Final = 6


def server_keys(execution: Execution) -> list[str]:
    """Give the lock partitions of every server of an execution."""
    return [keys.server(wave.place, server.source_server_id) for wave in execution.waves for server in wave.servers]


class LockStore:
    """Locks of source servers, and whether a lock still means anything."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self.table = table

    def is_free(self, lock: Mapping[str, Any], now: datetime) -> bool:
        """Tell whether the execution that a lock names has no more need of it."""
        meta = self.table.get(keys.execution(str(lock["executionId"])), keys.META)
        if meta is None:
            return self._is_old(lock, now)
        if int(lock.get("version", -1)) >= int(meta["version"]) and not self._is_old(lock, now):
            # About to be taken up again, or cleaned up: an ended execution takes its locks before it says so.
            return False
        ended = is_terminal(normalize_execution_status(meta["status"]))
        return ended and (meta.get("termination") or {}).get("status") != TerminationStatus.IN_PROGRESS

    def _is_old(self, lock: Mapping[str, Any], now: datetime) -> bool:
        taken = lock.get("takenAt")
        return taken is not None and now - parse_iso(taken) > _ORPHAN_AFTER

    def plan_holder(self, plan_id: str, now: datetime) -> str | None:
        """Tell which execution rightly holds a plan, and leave a lock that is free where it is."""
        lock = self.table.get(keys.plan(plan_id), keys.LOCK)
        return None if lock is None or self.is_free(lock, now) else str(lock["executionId"])

    def server_holders(self, partitions: Sequence[str], now: datetime) -> dict[str, str]:
        """Tell which of these server locks (`keys.server`) are rightly held, and by which execution."""
        locks = self.table.get_many([(pk, keys.LOCK) for pk in partitions])
        free: dict[tuple[Any, Any], bool] = {}
        held = {}
        for lock in locks:
            holder = (lock["executionId"], lock.get("takenAt"))
            if holder not in free:
                free[holder] = self.is_free(lock, now)
            if not free[holder]:
                held[str(lock["pk"])] = str(lock["executionId"])
        return held

    def take_servers(self, execution: Execution, now: datetime) -> None:
        """Take the locks of all servers, or none; raises ServerBusy naming server and execution.

        Locks this execution already holds are kept. After a fault the caller gives back what was taken before it.
        """
        taken: list[str] = []
        wanted = server_keys(execution)
        try:
            for start in range(0, len(wanted), TRANSACTION_LIMIT):
                batch = wanted[start : start + TRANSACTION_LIMIT]
                self._take_batch(batch, execution, now)
                taken += batch
        except ServerBusy:
            self._release(taken, execution.execution_id, execution.version + 1)
            raise

    def give_back(self, execution: Execution) -> None:
        """Give back the locks just taken for an execution that was not written after all."""
        self._release(server_keys(execution), execution.execution_id, execution.version + 1)

    def _take_batch(self, batch: Sequence[str], execution: Execution, now: datetime) -> None:
        """Take up to a hundred locks; stale ones are taken over from exactly the holder that was found."""
        stale: dict[str, Mapping[str, Any]] = {}
        for _ in range(_ROUNDS):
            try:
                self.table.transact([_taking(pk, execution, stale.get(pk), now) for pk in batch])
            except ConditionFailed as refused:
                stale |= self._stale_holders(refused, now)
            else:
                return
        raise Unavailable("Server locks are being taken by many at once", retry_after_seconds=1)

    def _stale_holders(self, refused: ConditionFailed, now: datetime) -> dict[str, Mapping[str, Any]]:
        """Find which refusing locks are free; raises ServerBusy for the first that is not."""
        stale: dict[str, Mapping[str, Any]] = {}
        for pk, seen in refused.failed.items():
            lock = seen or self.table.get(pk, keys.LOCK)
            if lock is None:
                continue
            holder = str(lock["executionId"])
            if not self.is_free(lock, now):
                server = pk.rpartition("#")[2]
                raise ServerBusy(f"Server {server} is held by {holder}", sourceServerId=server, executionId=holder)
            stale[pk] = lock
        return stale

    def release_servers(self, execution: Execution) -> None:
        """Give back the server locks that an execution took before it came to its present version.

        Locks that a retry or a termination takes meanwhile are of that version or a later one, and are left alone.
        """
        self._release(server_keys(execution), execution.execution_id, execution.version)

    def _release(self, partitions: Iterable[str], execution_id: str, before_version: int) -> None:
        wanted = list(partitions)
        for start in range(0, len(wanted), TRANSACTION_LIMIT):
            batch = wanted[start : start + TRANSACTION_LIMIT]
            for _ in range(_ROUNDS):
                try:
                    self.table.transact([_giving_back(pk, execution_id, before_version) for pk in batch])
                except ConditionFailed as refused:
                    batch = [pk for pk in batch if pk not in refused.failed]
                else:
                    break
                if not batch:
                    break

    def free_stale_plan_lock(self, plan_id: str, now: datetime) -> str | None:
        """Remove a plan's lock if it is free; gives the execution that rightly holds it, else None."""
        lock = self.table.get(keys.plan(plan_id), keys.LOCK)
        if lock is None:
            return None
        holder = str(lock["executionId"])
        if not self.is_free(lock, now):
            return holder
        key = {"pk": keys.plan(plan_id), "sk": keys.LOCK}
        try:
            self.table.transact(
                [Write("plan-lock", "Delete", key, "executionId = :holder", {":holder": holder})],
            )
        except ConditionFailed:
            return self.free_stale_plan_lock(plan_id, now)
        return None


def _taking(pk: str, execution: Execution, stale: Mapping[str, Any] | None, now: datetime) -> Write:
    """Take a lock that is free, or take over exactly the stale one that was seen."""
    me = execution.execution_id
    item = {"pk": pk, "sk": keys.LOCK, "executionId": me, "takenAt": iso(now), "version": execution.version}
    values = {":me": me}
    condition = "attribute_not_exists(pk) OR executionId = :me"
    if stale:
        values |= {":stale": stale["executionId"], ":seen": stale["takenAt"]}
        condition += " OR (executionId = :stale AND takenAt = :seen)"
    return Write(pk, "Put", item, condition, values)


def _giving_back(pk: str, execution_id: str, before_version: int) -> Write:
    return Write(
        pk,
        "Delete",
        {"pk": pk, "sk": keys.LOCK},
        "attribute_not_exists(pk) OR (executionId = :me AND #version < :before)",
        {":me": execution_id, ":before": before_version},
        {"#version": "version"},
    )


def busy_plan(holder: Mapping[str, Any] | None) -> PlanBusy:
    """Make the refusal that names the execution holding a plan."""
    other = str(holder["executionId"]) if holder else "another execution"
    return PlanBusy(f"The plan is held by {other}", executionId=other)
