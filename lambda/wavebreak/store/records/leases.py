"""A drill's lease written down in META, beside what the overview shows of it, and read back. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.leasing.due import due_at
from wavebreak.domain.executions.model.leases import Lease
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.store import keys
from wavebreak.timing import iso, known_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.executions.model.executions import Execution


def lease_record(execution: Execution) -> dict[str, Any]:
    """Write what only the rules read of a lease, and when the sweep checks it, if ever."""
    lease = execution.lease
    if lease is None:
        return {}
    lasts = str(lease.lasts.total_seconds())
    kept = {"lasts": lasts, "reminded": lease.reminded, "waitingSince": time_of(lease.waiting_since)}
    due = due_at(execution)
    found_by = {"duePk": keys.LEASES, "dueSk": iso(due)} if due is not None else {}
    return {"leaseKept": kept, **found_by}


def read_lease(meta: Mapping[str, Any]) -> Lease | None:
    """Read the lease of an execution; None of one that has none."""
    shown, kept = meta.get("lease"), meta.get("leaseKept")
    if not shown or not kept:
        return None
    return Lease(
        minutes=int(shown["minutes"]),
        lasts=timedelta(seconds=float(kept["lasts"])),
        expires_at=known_time(shown.get("expiresAt")),
        extended_by=shown.get("extendedBy"),
        extended_at=known_time(shown.get("extendedAt")),
        reminded=bool(kept["reminded"]),
        waiting_since=known_time(kept.get("waitingSince")),
    )
