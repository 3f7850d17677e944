"""The lease of a drill: how long its instances may stay after its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Lease(Value):
    """How long a drill's instances may stay: so many minutes from its end on, or from the last extension."""

    minutes: int
    lasts: timedelta
    """The minutes as time passes here (WAVEBREAK_TIME_SCALE)."""
    expires_at: datetime | None = None
    """Written with the end of the drill; None while it runs."""
    extended_by: str | None = None
    extended_at: datetime | None = None
    reminded: bool = False
    """Whether people were notified that this expiry is near."""
    waiting_since: datetime | None = None
    """Since when the running drill has waited for a person and for nothing else."""

    @property
    def reminds_at(self) -> datetime | None:
        """When a fifth of the minutes is left; None while the drill runs."""
        return self.expires_at - self.lasts / 5 if self.expires_at is not None else None

    @property
    def hour(self) -> timedelta:
        """An hour on the clock that the minutes are counted by: the time between two terminations."""
        return self.lasts * 60 / self.minutes

    def counted_from(self, end: datetime) -> Lease:
        """Count the minutes from the drill's end on."""
        return replace(self, expires_at=end + self.lasts, reminded=False, waiting_since=None)

    def held_back(self) -> Lease:
        """Count nothing while the drill runs again."""
        return replace(self, expires_at=None, reminded=False)
