"""What a termination remembers of a recovery instance, and of an account and Region that must wait."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.site import Site
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.batch_search import Suspicion

MOST_WORDS: Final = 1000
"""Bytes kept of what DRS said of one instance: a hundred servers share an item of 400 KB."""
_CUT: Final = "… (cut; GET /errors has the rest)"


class EndingOutcome(StrEnum):
    """What became of a recovery instance (contract 2)."""

    TERMINATED = "TERMINATED"
    REPLACED = "REPLACED"
    """A later launch of its source server ended it; it counts as terminated."""
    UNKNOWN = "UNKNOWN"
    """DRS no longer shows it and no job of ours ended it: it may run on in EC2."""


class InstanceEnding(Value):
    """What is known of the end of a server's recovery instance; nothing yet by default."""

    outcome: EndingOutcome | None = None
    reason: str | None = None
    """Why it is not terminated, in our own words; those of a refusal are in `suspicion`."""
    missing_since: datetime | None = None
    """When DRS was first seen not to show it; None while DRS shows it."""
    reported_terminated: bool | None = None
    """What our last terminate job reported: that it was terminated (True), that it was not, or nothing (None)."""
    launched_into: bool | None = None
    """Whether its server is launched into an instance that exists (`launchInto`); None until DRS reported."""
    not_before: datetime | None = None
    """Until then DRS is not asked again what it did not report."""
    refusals: int = 0
    """Refusals of this instance alone that waiting does not cure, in this run."""
    suspicion: Suspicion | None = None
    by_hand: bool = False
    """Whether it is for people to end, not for us: it fails back, or was launched into."""
    notified: bool = False
    """Whether an earlier run notified people that it is left to them; runs of the lease do not notify them again."""

    @property
    def is_over(self) -> bool:
        """Whether the instance counts as terminated."""
        return self.outcome in {EndingOutcome.TERMINATED, EndingOutcome.REPLACED}


class Hold(Value):
    """An account and Region in which a termination makes no call for a while: it does not answer, or refuses."""

    until: datetime
    words: str
    """Why, in DRS's words where it said any."""
    site: Site = field(default_factory=Site)
    refusals: int = 0
    """Refusals of the request itself that waiting does not cure, one after the other; 0 where waiting helps."""
    silent: bool = False
    """Whether it is DRS that does not answer: the hold is over with the next answer."""


def kept_in_bytes(words: str) -> str:
    """Cut what DRS said to what is kept of it, and say that it is cut."""
    encoded = words.encode()
    if len(encoded) <= MOST_WORDS:
        return words
    return encoded[: MOST_WORDS - len(_CUT.encode())].decode(errors="ignore") + _CUT
