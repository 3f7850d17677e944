"""The recovery points of a source server, by the point-in-time policy that DRS starts with.

Every ten minutes for an hour, every hour for a day, every day for a week. They are computed from the clock, not
stored: the same moment always yields the same snapshots.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.clockwork.ids import snapshot_id
from drs_simulator.drs.launches import replicated_until
from drs_simulator.drs.model import REPLICATING_SINCE

if TYPE_CHECKING:
    from drs_simulator.drs.model import SourceServer

_POLICY = (
    (timedelta(minutes=10), timedelta(hours=1)),
    (timedelta(hours=1), timedelta(days=1)),
    (timedelta(days=1), timedelta(days=7)),
)
# How long it takes until a snapshot is complete.
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(minutes=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recovery_points(server: SourceServer, now: datetime) -> dict[str, datetime]:
    """Return the snapshots that exist at ``now``, id to moment, oldest first; none before the initial sync is done."""
    if not server.recoverable:
        return {}
    newest = replicated_until(server, now)
    oldest = server.added_at - REPLICATING_SINCE
    moments = {
        moment for interval, kept in _POLICY for moment in _grid(newest, interval, now - kept) if moment >= oldest
    }
    return {snapshot_id(server.source_server_id, timestamp(moment)): moment for moment in sorted(moments)}


def is_complete(server: SourceServer, moment: datetime, now: datetime) -> bool:
    """Return whether a snapshot of ``moment`` has been taken by ``now``: it takes a minute or three, not scaled."""
    digest = sha256(f"{server.source_server_id} {timestamp(moment)} takes".encode()).digest()
    return replicated_until(server, now) >= moment + _SHORTEST + digest[0] / 255 * (_LONGEST - _SHORTEST)


def snapshot_view(server: SourceServer, identifier: str, moment: datetime, *, complete: bool) -> dict[str, Any]:
    """Return a RecoverySnapshot of the DRS model; one that is being taken has no timestamp and no EBS snapshots yet."""
    view: dict[str, Any] = {
        "snapshotID": identifier,
        "sourceServerID": server.source_server_id,
        "expectedTimestamp": timestamp(moment),
        "ebsSnapshots": [],
    }
    if complete:
        view |= {"timestamp": timestamp(moment), "ebsSnapshots": [f"snap-{identifier.removeprefix('pit-')}"]}
    return view


def _grid(newest: datetime, interval: timedelta, oldest: datetime) -> list[datetime]:
    moment = newest - (newest - _EPOCH) % interval
    moments = []
    while moment > oldest:
        moments.append(moment)
        moment -= interval
    return moments
