"""Leases in the partitions of plans: for a while something of a plan belongs to one call, and others keep from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.store import keys
from wavebreak.store.table import ConditionFailedError, Table, Write
from wavebreak.timing import iso

if TYPE_CHECKING:
    from datetime import datetime


def take(table: Table, plan_id: str, sort_key: str, owner: str, now: datetime, until: datetime) -> bool:
    """Take a lease if it is free or over; return whether it is the owner's now."""
    lease = {"pk": keys.plan(plan_id), "sk": sort_key, "owner": owner, "leasedUntil": iso(until)}
    free = "attribute_not_exists(pk) OR leasedUntil < :now"
    try:
        table.transact([Write("lease", "Put", lease, free, {":now": iso(now)})])
    except ConditionFailedError:
        return False
    return True


def returned(plan_id: str, sort_key: str, owner: str) -> Write:
    """Return the write that releases a lease; it fails for a lease that another call has by now."""
    key = {"pk": keys.plan(plan_id), "sk": sort_key}
    return Write("lease", "Delete", key, "#owner = :me", {":me": owner}, {"#owner": "owner"})


def give_back(table: Table, plan_id: str, sort_key: str, owner: str) -> None:
    """Release a lease, unless another call has it by now."""
    try:
        table.transact([returned(plan_id, sort_key, owner)])
    except ConditionFailedError:
        return
