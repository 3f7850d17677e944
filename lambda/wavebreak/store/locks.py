"""Locks of servers and plans: what one execution holds, no other starts.

Whose a lock is, `lock_rules` tells from its item and from META of the executions that it names. This store takes locks
for a call, all or none, and gives back what that call took, and nothing else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions import lock_rules
from wavebreak.domain.executions.lock_rules import Claim, Lock, Standing
from wavebreak.execution_utils import TerminationStatus, is_terminal, normalize_execution_status
from wavebreak.problems import PlanBusy, Problem, ServerBusy, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailed, Table, Write, WriteRejected
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model import Execution
    from wavebreak.store.records import Item

logger = logging.getLogger(__name__)

_ROUNDS: Final = 6
_MINE: Final = "executionId = :me AND callId = :call"


class BeingTakenUp(Unavailable):
    """Another call of the same execution has taken its locks: whether it takes the execution up is told in a moment."""


@dataclass(frozen=True, slots=True)
class Held:
    """The server locks that one call took for an execution: what the write that needs them is conditioned on."""

    execution_id: str
    call: str
    partitions: tuple[str, ...]
    """Of the locks, sorted: everybody takes locks in this order, so of two that want the same one alone is refused."""

    def check(self) -> Write:
        """Have a transaction made only while the first of these locks is still this call's.

        Locks are given back and taken over in the order of the partitions: the first is the first to be lost.
        """
        key = {"pk": self.partitions[0], "sk": keys.LOCK}
        return Write(SERVER_LOCK, "ConditionCheck", key, _MINE, {":me": self.execution_id, ":call": self.call})


SERVER_LOCK: Final = "server-lock"
"""Name of the condition that the write of a call puts on its locks."""


def server_keys(execution: Execution) -> list[str]:
    """Give the lock partitions of every server of an execution."""
    return [keys.server(wave.place, server.source_server_id) for wave in execution.waves for server in wave.servers]


def read_lock(item: Mapping[str, Any]) -> Lock:
    """Read the LOCK item of a server or a plan."""
    earlier = item.get("earlier")
    return Lock(_read_claim(item), _read_claim(earlier) if earlier else None)


def _read_claim(record: Mapping[str, Any]) -> Claim:
    taken = record.get("takenAt")
    return Claim(str(record["executionId"]), record.get("callId"), parse_iso(taken) if taken else None)


def standing_of(meta: Mapping[str, Any]) -> Standing:
    """Read from META whether an execution needs its locks, and of which call they are."""
    ended = is_terminal(normalize_execution_status(meta["status"]))
    terminating = (meta.get("termination") or {}).get("status") == TerminationStatus.IN_PROGRESS
    return Standing(meta.get("lockCall"), not ended or terminating)


class LockStore:
    """Locks of source servers, and whose a lock is."""

    def __init__(self, table: Table) -> None:
        """Take the table."""
        self.table = table

    def holders(self, locks: Iterable[Lock], now: datetime) -> dict[Lock, Claim | None]:
        """Tell whose claim on each lock stands; None for one that is free."""
        asked = list(locks)
        standings = self._standings(frozenset[str]().union(*(lock.executions for lock in asked)))
        return {lock: lock_rules.holder(lock, standings, now) for lock in asked}

    def _standings(self, execution_ids: Iterable[str]) -> dict[str, Standing]:
        metas = self.table.get_many([(keys.execution(name), keys.META) for name in sorted(execution_ids)])
        return {str(meta["executionId"]): standing_of(meta) for meta in metas}

    def plan_holder(self, plan_id: str, now: datetime) -> str | None:
        """Tell which execution rightly holds a plan, and leave a lock that is free where it is."""
        item = self.table.get(keys.plan(plan_id), keys.LOCK)
        if item is None:
            return None
        (claim,) = self.holders([read_lock(item)], now).values()
        return claim.execution_id if claim else None

    def server_holders(self, partitions: Sequence[str], now: datetime) -> dict[str, str]:
        """Tell which of these server locks (`keys.server`) are rightly held, and by which execution."""
        items = self.table.get_many([(pk, keys.LOCK) for pk in partitions])
        locks = {str(item["pk"]): read_lock(item) for item in items}
        holders = self.holders(locks.values(), now)
        return {pk: claim.execution_id for pk, lock in locks.items() if (claim := holders[lock]) is not None}

    def take(self, execution: Execution, call: str, now: datetime) -> Held:
        """Take the locks of all servers for a call, or none.

        Raises ServerBusy naming server and execution, and BeingTakenUp when another call of this very execution has
        them. After a fault, too, what was taken before is given back.
        """
        held = Held(execution.execution_id, call, tuple(sorted(server_keys(execution))))
        claim = Claim(held.execution_id, call, now)
        try:
            for batch in _batches(held.partitions):
                self._take_batch(batch, claim, now)
        except (Problem, WriteRejected, *FAULTS):
            self.give_back(held)
            raise
        return held

    def _take_batch(self, batch: Sequence[str], claim: Claim, now: datetime) -> None:
        """Take up to a hundred locks; free ones of others are taken over from exactly the call that had them."""
        found: dict[str, Lock] = {}
        for _ in range(_ROUNDS):
            try:
                self.table.transact([_taking(pk, claim, found.get(pk)) for pk in batch])
            except ConditionFailed as refused:
                found |= self._free(refused.failed, claim, now)
            else:
                return
        raise Unavailable("Server locks are being taken by many at once", retry_after_seconds=1)

    def _free(self, refused: Mapping[str, Item | None], mine: Claim, now: datetime) -> dict[str, Lock]:
        """Give the refusing locks if all of them are free; raises ServerBusy or BeingTakenUp for the first other."""
        items = {pk: item for pk, seen in refused.items() if (item := seen or self.table.get(pk, keys.LOCK))}
        locks = {pk: read_lock(item) for pk, item in items.items()}
        holders = self.holders(locks.values(), now)
        for pk, lock in locks.items():
            claim = holders[lock]
            if claim is not None:
                raise _busy(pk, claim, mine)
        return locks

    def give_back(self, held: Held) -> None:
        """Give back the locks of a call that did not come to its write; a fault leaves the rest free in a minute."""
        try:
            self._release(held.partitions, held.execution_id, held.call)
        except (WriteRejected, *FAULTS):
            logger.exception("locks of %s are not given back: they are free in a minute", held.execution_id)

    def release_servers(self, execution: Execution) -> None:
        """Give back the server locks of an execution that has ended; those of a call that takes it up again stay."""
        self._release(sorted(server_keys(execution)), execution.execution_id, execution.lock_call)

    def _release(self, partitions: Sequence[str], execution_id: str, call: str | None) -> None:
        for wanted in _batches(partitions):
            batch = list(wanted)
            for _ in range(_ROUNDS):
                try:
                    self.table.transact([_giving_back(pk, execution_id, call) for pk in batch])
                except ConditionFailed as refused:
                    batch = [pk for pk in batch if pk not in refused.failed]
                else:
                    break
                if not batch:
                    break

    def free_stale_plan_lock(self, plan_id: str, now: datetime) -> str | None:
        """Remove a plan's lock if it is free; gives the execution that rightly holds it, else None."""
        for _ in range(_ROUNDS):
            item = self.table.get(keys.plan(plan_id), keys.LOCK)
            if item is None:
                return None
            lock = read_lock(item)
            (claim,) = self.holders([lock], now).values()
            if claim is not None:
                return claim.execution_id
            key = {"pk": keys.plan(plan_id), "sk": keys.LOCK}
            condition, values = _is(lock.claim)
            try:
                self.table.transact([Write("plan-lock", "Delete", key, condition, values)])
            except ConditionFailed:
                continue
            return None
        raise Unavailable(f"The lock of plan {plan_id} is being changed by many at once", retry_after_seconds=1)


def _batches(partitions: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(partitions), TRANSACTION_LIMIT):
        yield partitions[start : start + TRANSACTION_LIMIT]


def _is(claim: Claim, name: str = "found") -> tuple[str, dict[str, Any]]:
    """Make the condition that a lock is still the one of a claim, and its values."""
    values = {f":{name}": claim.execution_id}
    if claim.call is None:
        return f"executionId = :{name} AND attribute_not_exists(callId)", values
    return f"executionId = :{name} AND callId = :{name}Call", values | {f":{name}Call": claim.call}


def _taking(pk: str, claim: Claim, found: Lock | None) -> Write:
    """Take a lock that nobody has, or take over exactly the one that was found."""
    item = {"pk": pk, "sk": keys.LOCK, **_claim_record(claim)}
    condition, values = _is(claim, "mine")
    condition = f"attribute_not_exists(pk) OR ({condition})"
    if found is not None:
        same, seen = _is(found.claim)
        condition, values = f"{condition} OR ({same})", values | seen
    return Write(pk, "Put", item, condition, values)


def _claim_record(claim: Claim) -> Item:
    return (
        {"executionId": claim.execution_id, "callId": claim.call, "takenAt": iso(claim.taken_at)}
        if claim.taken_at
        else {}
    )


def _giving_back(pk: str, execution_id: str, call: str | None) -> Write:
    condition, values = _is(Claim(execution_id, call))
    return Write(pk, "Delete", {"pk": pk, "sk": keys.LOCK}, f"attribute_not_exists(pk) OR ({condition})", values)


def _busy(pk: str, claim: Claim, mine: Claim) -> Problem:
    """Make the refusal for a lock that somebody holds: another execution, or another call of the same one."""
    if claim.execution_id == mine.execution_id:
        return BeingTakenUp(f"Another call is taking up {mine.execution_id} at this moment", retry_after_seconds=1)
    server = pk.rpartition("#")[2]
    holder = claim.execution_id
    return ServerBusy(f"Server {server} is held by {holder}", sourceServerId=server, executionId=holder)


def busy_plan(holder: Mapping[str, Any] | None) -> PlanBusy:
    """Make the refusal that names the execution holding a plan."""
    other = str(holder["executionId"]) if holder else "another execution"
    return PlanBusy(f"The plan is held by {other}", executionId=other)
