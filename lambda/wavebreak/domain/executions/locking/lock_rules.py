"""Which call holds a lock, by its item and by the executions that it names.

A lock belongs to one call (a start, a retry, a termination asked for): it is taken before the write that needs it, and
counts from then on as long as META of its execution names that call. So an execution holds exactly the locks of the
call that made it or took it up again, and no other call gives these back. A call that died before its write leaves
locks that are free a minute later; a function of the API lives half as long.

A RECOVERY takes over what a drill holds. Until its own write has named its call, the lock remembers whose it was: a
call that died in between leaves it to the drill.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

GRACE: Final = timedelta(minutes=1)
"""How long a call that took a lock may take to write what it needs it for."""


class Claim(Value):
    """One call's hold on something: the execution that it acts for, and when it took it."""

    execution_id: str
    call: str | None
    """None in what was written before calls had ids."""
    taken_at: datetime | None = None
    """None for the lock of a plan, which is written together with META of its execution."""


class Lock(Value):
    """A lock as it is stored."""

    claim: Claim
    earlier: Claim | None = None
    """Whose it was before a RECOVERY took it over."""

    @property
    def executions(self) -> frozenset[str]:
        """The executions whose state decides which call holds this lock."""
        return frozenset({self.claim.execution_id} | ({self.earlier.execution_id} if self.earlier else set()))


class Standing(Value):
    """What META of an execution tells: the call that made it or took it up, and whether it needs its locks now."""

    call: str | None
    holds: bool


def holder(lock: Lock, standings: Mapping[str, Standing], now: datetime) -> Claim | None:
    """Return whose claim on a lock stands; None when it is free.

    `standings` are those of the executions that the lock names (`Lock.executions`); one that is missing does not exist.
    """
    claim = lock.claim
    standing = standings.get(claim.execution_id)
    if standing is not None and standing.call == claim.call:
        return claim if standing.holds else None
    if claim.taken_at is not None and now - claim.taken_at <= GRACE:
        return claim
    return holder(Lock(lock.earlier), standings, now) if lock.earlier else None


def is_settled(claim: Claim, standings: Mapping[str, Standing]) -> bool:
    """Return whether META names the call of a claim that stands: else its call is still on its way to its write."""
    standing = standings.get(claim.execution_id)
    return standing is not None and standing.call == claim.call
