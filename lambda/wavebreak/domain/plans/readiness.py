"""How a plan stood when it was last checked by itself, what changed with that, and when it is checked next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from wavebreak.timing import iso
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_FAILING: Final = 50
"""Failed checks of one read that are kept; the others are counted in a last entry."""
MOST_IN_A_LIST: Final = 3
"""Those that a list of plans shows of each: a page of it holds a thousand plans."""
AND_MORE: Final = "and more"
"""The subject of the entry that counts the others."""
MOST_MISSES: Final = 2
"""Looks in a row that count for nothing because a service did not answer; the next one counts as it is."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Readiness(StrEnum):
    """What is reported of a plan."""

    READY = "READY"
    NOT_READY = "NOT_READY"


class Failing(Value):
    """A check that failed: its name, what it is about, and why."""

    check: str
    subject: str
    message: str


class Standing(Value):
    """What a check of a version of a plan found."""

    checked_at: datetime
    ready: bool
    failing: tuple[Failing, ...]
    plan_version: int

    @property
    def word(self) -> Readiness:
        """What is reported."""
        return Readiness.READY if self.ready else Readiness.NOT_READY


def at_most(failed: Sequence[Failing], most: int) -> tuple[Failing, ...]:
    """Return failed checks, and count in a last entry those for which there is no room."""
    if len(failed) <= most:
        return tuple(failed)
    rest = failed[most - 1 :]
    return (*failed[: most - 1], Failing(rest[0].check, AND_MORE, f"{len(rest)} more checks failed"))


def standing_view(standing: Standing | None, most: int = MOST_FAILING) -> dict[str, Any] | None:
    """Show a read as the API does: `{checkedAt, ready, failing: [{check, subject, message}], planVersion}`."""
    if standing is None:
        return None
    failing = at_most(standing.failing, most)
    return {
        "checkedAt": iso(standing.checked_at),
        "ready": standing.ready,
        "failing": [{"check": each.check, "subject": each.subject, "message": each.message} for each in failing],
        "planVersion": standing.plan_version,
    }


def needs_notice(notified: Readiness | None, standing: Standing) -> bool:
    """Return whether people are to be notified: of a change, and of a plan that was never ready."""
    return standing.word is not notified and not (notified is None and standing.ready)


def next_check(plan_id: str, now: datetime, interval: timedelta) -> datetime:
    """Return when a plan is checked next: each has a moment of its own within the interval, however late it was."""
    share = int.from_bytes(sha256(plan_id.encode()).digest()[:4]) / 2**32
    rounds = (now - _BEGINNING - share * interval) // interval
    return _BEGINNING + share * interval + (rounds + 1) * interval
