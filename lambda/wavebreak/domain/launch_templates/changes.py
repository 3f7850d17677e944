"""A launch template that a drill changed, as it is written down before anything changes."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.launch_templates.model import TemplateVersion
    from wavebreak.site import Site


LEFT_AFTER: Final = timedelta(minutes=10)
"""How long after the last DRS job of its server a template may stay changed before an alarm rings."""


_OURS: Final = "Wavebreak"
"""What the descriptions of our versions begin with."""


class Stage(StrEnum):
    """How far a change is.

    CHANGING: no version of ours was ever the default. CHANGED: ours is known by its number, and may be the default.
    READY: it was made the default. PUTTING_BACK: a call puts it back, and no drill may rely on it any more.
    """

    CHANGING = "CHANGING"
    CHANGED = "CHANGED"
    READY = "READY"
    PUTTING_BACK = "PUTTING_BACK"


class TemplateChange(Value):
    """The change of one server's launch template by one attempt of a drill's wave."""

    site: Site
    source_server_id: str
    execution_id: str
    wave: int
    attempt: int
    template_id: str
    original: int
    """The version that was the default."""
    interfaces: tuple[Mapping[str, Any], ...]
    """Those of the original."""
    subnet_id: str
    group_ids: tuple[str, ...]
    token: str
    """What our versions of it are made under, once each."""
    intended_at: datetime
    stage: Stage = Stage.CHANGING
    version: int | None = None
    """Ours."""
    holder: str | None = None
    """Who puts it back."""
    held_until: datetime | None = None
    idle_since: datetime | None = None
    """Since when no DRS job of the server is intended or active, as far as that was seen."""
    trouble: str | None = None
    """What was last in the way of putting it back."""
    restoring_since: datetime | None = None
    """When the original was first about to be made the default again."""
    cleaned: tuple[int, ...] = ()
    """Versions of ours that have what others chose, without what the drill changed."""

    @property
    def description(self) -> str:
        """What EC2 reports about a version of ours."""
        return f"{_OURS} {self.execution_id} {self.token}"

    @property
    def addresses(self) -> int:
        """How many addresses its server takes of the subnet."""
        return max(1, len(self.interfaces))

    def others(self, versions: Iterable[TemplateVersion], since: datetime) -> list[TemplateVersion]:
        """Return the versions that another caller made since a moment, the oldest first; no drill made them."""
        newer = [each for each in versions if each.number > (self.version or self.original)]
        foreign = [each for each in newer if not each.description.startswith(f"{_OURS} ")]
        fresh = [each for each in foreign if each.created_at is None or each.created_at >= since]
        return sorted(fresh, key=lambda each: each.number)

    def is_of(self, execution_id: str, wave: int, attempt: int) -> bool:
        """Return whether this attempt of a drill's wave made the change."""
        return (self.execution_id, self.wave, self.attempt) == (execution_id, wave, attempt)

    def is_left(self, now: datetime) -> bool:
        """Return whether it has been changed for too long without a DRS job of its server."""
        return self.idle_since is not None and now - self.idle_since >= LEFT_AFTER
