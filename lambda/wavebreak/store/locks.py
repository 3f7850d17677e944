"""Locks of servers and plans: what one execution holds, no other starts.

`lock_rules` decides whose a lock is, from its item and from META of the executions that it names. This store takes the
locks of a call, all or none, and gives back what that call took, and nothing else.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.locking import lock_rules
from wavebreak.domain.executions.locking.lock_rules import Claim, Lock, Standing
from wavebreak.execution_utils import TerminationStatus, is_terminal, normalize_execution_status
from wavebreak.identifiers import is_drill
from wavebreak.problems import PlanBusy, Problem, ServerBusy, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.store.table import TRANSACTION_LIMIT, ConditionFailedError, Table, Write, WriteRejectedError
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.table import Item

logger = logging.getLogger(__name__)

LOCKS_A_TRANSACTION: Final = TRANSACTION_LIMIT - 1
"""One more write there may be a condition on the execution."""
_ROUNDS: Final = 6
_MINE: Final = "executionId = :me AND callId = :call"
_META: Final = "meta"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class BeingTakenUpError(Unavailable):
    """Another call of the same execution has taken its locks; its outcome is known in a moment."""


class Held(Value):
    """The server locks that one call took for an execution: what the write that needs them is conditioned on."""

    execution_id: str
    call: str
    partitions: tuple[str, ...]
    """Of the locks, sorted: everybody takes locks in this order, so of two that want the same one alone is refused."""
    replaced: Mapping[str, Item] = field(default_factory=dict)
    """Locks that were a drill's, as they were, by their partitions."""
    drills: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Drills that server locks were taken over from: the source servers, of each."""
    plan_of: Claim | None = None
    """The drill's claim on the plan that is taken over with the write."""
    unborn: bool = False
    """Whether they are for an execution that is to be made: another try of the same request may make it meanwhile, and
    then they are its own."""

    def check(self) -> Write:
        """Make a transaction conditional: the first of these locks must still be this call's.

        Locks are given back and taken over in the order of the partitions: the first is the first to be lost.
        """
        key = {"pk": self.partitions[0], "sk": keys.LOCK}
        return Write(SERVER_LOCK, "ConditionCheck", key, _MINE, {":me": self.execution_id, ":call": self.call})


SERVER_LOCK: Final = "server-lock"
"""Name of the condition that the write of a call puts on its locks."""


def server_keys(execution: Execution) -> list[str]:
    """Return the lock partitions of every server of an execution."""
    return [keys.server(wave.site, server.source_server_id) for wave in execution.waves for server in wave.servers]


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
        """Keep the table."""
        self.table = table

    def holders(self, locks: Iterable[Lock], now: datetime) -> dict[Lock, Claim | None]:
        """Return whose claim on each lock stands; None for one that is free."""
        asked = list(locks)
        standings = self._standings(frozenset[str]().union(*(lock.executions for lock in asked)))
        return {lock: lock_rules.holder(lock, standings, now) for lock in asked}

    def _standings(self, execution_ids: Iterable[str]) -> dict[str, Standing]:
        metas = self.table.get_many([(keys.execution(name), keys.META) for name in sorted(execution_ids)])
        return {str(meta["executionId"]): standing_of(meta) for meta in metas}

    def plan_holder(self, plan_id: str, now: datetime) -> str | None:
        """Return which execution rightly holds a plan, and leave a lock that is free where it is."""
        item = self.table.get(keys.plan(plan_id), keys.LOCK)
        if item is None:
            return None
        (claim,) = self.holders([read_lock(item)], now).values()
        return claim.execution_id if claim else None

    def server_holders(self, partitions: Sequence[str], now: datetime) -> dict[str, str]:
        """Return which of these server locks (`keys.server`) are rightly held, and by which execution."""
        items = self.table.get_many([(pk, keys.LOCK) for pk in partitions])
        locks = {str(item["pk"]): read_lock(item) for item in items}
        holders = self.holders(locks.values(), now)
        return {pk: claim.execution_id for pk, lock in locks.items() if (claim := holders[lock]) is not None}

    def take(
        self,
        execution: Execution,
        call: str,
        now: datetime,
        *,
        preempt: bool = False,
        leave_recoveries: bool = False,
    ) -> Held:
        """Take the locks of all servers for a call, or none; with `preempt` also those of drills.

        With `leave_recoveries` those that a RECOVERY holds are left to it, unless it holds all of them.

        What the call has already is its own: another try of the same request took it. Raise ServerBusy naming server
        and execution, and BeingTakenUpError when another call of this very execution has them. After a fault, too, what
        was taken before is given back.
        """
        mine = Claim(execution.execution_id, call, now)
        taking = _Taking(mine, preempt=preempt, leave=leave_recoveries, unborn=not execution.version)
        partitions = sorted(server_keys(execution))
        try:
            if preempt:
                self._check_first(partitions, taking, now)
            for batch in _batches(partitions):
                self._take_batch(batch, taking, now)
        except (Problem, WriteRejectedError, *FAULTS):
            self.give_back(taking.held(taking.tried))
            raise
        if taking.left.keys() >= set(partitions):
            raise _busy(partitions[0], taking.left[partitions[0]], mine)
        return taking.held([pk for pk in partitions if pk not in taking.left])

    def _check_first(self, partitions: Sequence[str], taking: _Taking, now: datetime) -> None:
        """Read all locks before anything is changed; raises what `take` raises."""
        found = self.table.get_many([(pk, keys.LOCK) for pk in partitions])
        self._judge({str(item["pk"]): item for item in found}, taking, now)

    def _take_batch(self, batch: Sequence[str], taking: _Taking, now: datetime) -> None:
        """Take up to a hundred locks; those of others are taken over from exactly the call that had them."""
        taking.tried += batch
        for _ in range(_ROUNDS):
            wanted = [pk for pk in batch if pk not in taking.left]
            if not wanted:
                return
            try:
                self.table.transact([taking.write(pk) for pk in wanted])
            except ConditionFailedError as refused:
                seen = {pk: item or self.table.get(pk, keys.LOCK) for pk, item in refused.failed.items()}
                for pk in seen:
                    taking.forget(pk)
                self._judge({pk: item for pk, item in seen.items() if item}, taking, now)
            else:
                return
        raise Unavailable("Server locks are being taken by many at once", retry_after_seconds=1)

    def _judge(self, items: Mapping[str, Item], taking: _Taking, now: datetime) -> None:
        """Keep the locks that may be taken over; raise ServerBusy or BeingTakenUpError for any other."""
        locks = {pk: read_lock(item) for pk, item in items.items()}
        holders = self.holders(locks.values(), now)
        for pk, lock in locks.items():
            claim = holders[lock]
            if claim is not None and taking.is_own(claim):
                claim = lock.earlier
            elif claim is not None and taking.leaves(claim):
                taking.left[pk] = claim
                continue
            elif claim is not None and not taking.may_take_over(claim):
                raise _busy(pk, claim, taking.claim)
            taking.found[pk] = (items[pk], claim)

    def give_back(self, held: Held) -> None:
        """Release the locks of a call that did not complete its write, to the drills that had them, or free.

        After a fault the rest is free in a minute, or the drills' again.
        """
        try:
            self._release(held.partitions, Claim(held.execution_id, held.call), held.replaced, unborn=held.unborn)
        except (WriteRejectedError, *FAULTS):
            logger.exception("locks of %s are not given back: they are free in a minute", held.execution_id)

    def release_servers(self, execution: Execution) -> None:
        """Release the server locks of an execution that has ended; those of a call that resumes it stay."""
        self._release(sorted(server_keys(execution)), Claim(execution.execution_id, execution.lock_call))

    def _release(
        self, partitions: Sequence[str], mine: Claim, replaced: Mapping[str, Item] = _NOTHING, *, unborn: bool = False
    ) -> None:
        guard = [_no_meta(mine.execution_id)] if unborn else []
        for wanted in _batches(partitions):
            batch = list(wanted)
            for _ in range(_ROUNDS):
                try:
                    self.table.transact([*guard, *(_giving_back(pk, mine, replaced.get(pk)) for pk in batch)])
                except ConditionFailedError as refused:
                    if _META in refused.failed:
                        return
                    batch = [pk for pk in batch if pk not in refused.failed]
                else:
                    break
                if not batch:
                    break

    def held_of(self, execution: Execution, partitions: Sequence[str], now: datetime) -> frozenset[str]:
        """Return which of these server locks an execution itself rightly holds."""
        items = self.table.get_many([(pk, keys.LOCK) for pk in partitions])
        locks = {str(item["pk"]): read_lock(item) for item in items}
        me = (execution.execution_id, execution.lock_call)
        mine = {pk for pk, lock in locks.items() if (lock.claim.execution_id, lock.claim.call) == me}
        others = {pk: lock for pk, lock in locks.items() if pk not in mine}
        holders = self.holders(others.values(), now) if others else {}
        claims = {pk: holders[lock] for pk, lock in others.items()}
        return frozenset(mine | {pk for pk, claim in claims.items() if claim and claim.execution_id == me[0]})

    def free_stale_plan_lock(self, plan_id: str, now: datetime) -> Claim | None:
        """Remove a plan's lock if it is free; return the claim on it that stands, else None."""
        for _ in range(_ROUNDS):
            item = self.table.get(keys.plan(plan_id), keys.LOCK)
            if item is None:
                return None
            lock = read_lock(item)
            (claim,) = self.holders([lock], now).values()
            if claim is not None:
                return claim
            key = {"pk": keys.plan(plan_id), "sk": keys.LOCK}
            condition, values = same_claim(lock.claim)
            try:
                self.table.transact([Write("plan-lock", "Delete", key, condition, values)])
            except ConditionFailedError:
                continue
            return None
        raise Unavailable(f"The lock of plan {plan_id} is being changed by many at once", retry_after_seconds=1)

    def claim_plan(self, execution: Execution, now: datetime, *, preempt: bool = False) -> Claim | None:
        """Check whether an execution may take its plan; return the drill's claim that it takes over, if there is one.

        Raise PlanBusy naming the execution that holds it, BeingTakenUpError when that is itself.
        """
        claim = self.free_stale_plan_lock(execution.plan_id, now)
        if claim is not None and claim.execution_id == execution.execution_id:
            raise _taken_up_by_another(claim.execution_id)
        if claim is None or (preempt and is_drill(claim.execution_id)):
            return claim
        raise busy_plan({"executionId": claim.execution_id})


def _batches(partitions: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(partitions), LOCKS_A_TRANSACTION):
        yield partitions[start : start + LOCKS_A_TRANSACTION]


def _no_meta(execution_id: str) -> Write:
    """Make a transaction conditional: the execution must not exist."""
    key = {"pk": keys.execution(execution_id), "sk": keys.META}
    return Write(_META, "ConditionCheck", key, "attribute_not_exists(pk)")


def same_claim(claim: Claim, name: str = "found") -> tuple[str, dict[str, Any]]:
    """Make the condition that a lock is still the one of a claim, and its values."""
    values = {f":{name}": claim.execution_id}
    if claim.call is None:
        return f"executionId = :{name} AND attribute_not_exists(callId)", values
    return f"executionId = :{name} AND callId = :{name}Call", values | {f":{name}Call": claim.call}


class _Taking:
    """Locks on their way to one call: what was found of each."""

    def __init__(self, claim: Claim, *, preempt: bool, leave: bool, unborn: bool) -> None:
        self.claim = claim
        self.preempt = preempt
        self.leave = leave
        self.unborn = unborn
        self.found: dict[str, tuple[Item, Claim | None]] = {}
        """The item of a lock, and whose claim on it stands."""
        self.tried: list[str] = []
        """Locks that may be this call's by now, for all that is known."""
        self.left: dict[str, Claim] = {}
        """Locks that are left to recoveries, and their claims on them."""

    def forget(self, partition: str) -> None:
        """Forget what was found of a lock: it is another by now."""
        self.found.pop(partition, None)

    def is_own(self, claim: Claim) -> bool:
        """Return whether a claim is that of another try of the same request."""
        return (claim.execution_id, claim.call) == (self.claim.execution_id, self.claim.call)

    def may_take_over(self, claim: Claim) -> bool:
        """Return whether a claim that stands gives way: a drill's, to a RECOVERY that preempts."""
        return self.preempt and is_drill(claim.execution_id) and claim.execution_id != self.claim.execution_id

    def leaves(self, claim: Claim) -> bool:
        """Return whether a claim that stands is left alone: a RECOVERY's, by a drill that goes on with the others."""
        return self.leave and not is_drill(claim.execution_id) and claim.execution_id != self.claim.execution_id

    def write(self, partition: str) -> Write:
        """Take a free lock, or take over exactly the one that was found."""
        item: Item = {**_key_of(partition), **_claim_record(self.claim)}
        condition, values = same_claim(self.claim, "mine")
        condition = f"attribute_not_exists(pk) OR ({condition})"
        if partition in self.found:
            found, standing = self.found[partition]
            same, seen = same_claim(read_lock(found).claim)
            condition, values = f"{condition} OR ({same})", values | seen
            if standing is not None:
                item["earlier"] = _claim_record(standing)
        return Write(partition, "Put", item, condition, values)

    def held(self, partitions: Sequence[str]) -> Held:
        """Return what was taken, and what of it from drills."""
        drills: dict[str, list[str]] = defaultdict(list)
        replaced = {}
        for partition in partitions:
            found, standing = self.found.get(partition, (None, None))
            if found is not None and standing is not None:
                own = self.is_own(read_lock(found).claim)
                replaced[partition] = {**_key_of(partition), **_claim_record(standing)} if own else found
                drills[standing.execution_id].append(_server_of(partition))
        taken = {drill: tuple(servers) for drill, servers in drills.items()}
        call = str(self.claim.call)
        return Held(self.claim.execution_id, call, tuple(partitions), replaced, taken, unborn=self.unborn)


def _claim_record(claim: Claim) -> Item:
    taken = {"takenAt": iso(claim.taken_at)} if claim.taken_at else {}
    return {"executionId": claim.execution_id, "callId": claim.call, **taken}


def _giving_back(pk: str, mine: Claim, earlier: Item | None) -> Write:
    """Release a lock that is still this call's: to the drill that it was taken from, as it was, or free."""
    condition, values = same_claim(mine)
    if earlier is not None:
        return Write(pk, "Put", earlier, condition, values)
    return Write(pk, "Delete", _key_of(pk), f"attribute_not_exists(pk) OR ({condition})", values)


def _key_of(partition: str) -> Item:
    return {"pk": partition, "sk": keys.LOCK}


def _server_of(partition: str) -> str:
    return partition.rpartition("#")[2]


def _busy(pk: str, claim: Claim, mine: Claim) -> Problem:
    """Return the refusal for a lock that is held by another execution, or by another call of the same one."""
    if claim.execution_id == mine.execution_id:
        return _taken_up_by_another(mine.execution_id)
    server = _server_of(pk)
    holder = claim.execution_id
    return ServerBusy(f"Server {server} is held by {holder}", sourceServerId=server, executionId=holder)


def _taken_up_by_another(execution_id: str) -> BeingTakenUpError:
    return BeingTakenUpError(f"Another call is taking up {execution_id} at this moment", retry_after_seconds=1)


def busy_plan(holder: Mapping[str, Any] | None) -> PlanBusy:
    """Make the refusal that names the execution holding a plan."""
    other = str(holder["executionId"]) if holder else "another execution"
    return PlanBusy(f"The plan is held by {other}", executionId=other)
