"""What people are warned of that changes no status."""

from __future__ import annotations

from enum import StrEnum

from wavebreak.values import Value


class NoticeCode(StrEnum):
    """What people are warned of that changes no status."""

    SELECTOR_STALE = "SELECTOR_STALE"
    """Servers were taken from an earlier read of the tags."""
    REPLACES_RUNNING = "REPLACES_RUNNING"
    """Instances that a recovery launched run, and are replaced."""
    PREEMPTED_DRILL = "PREEMPTED_DRILL"
    OLDER_SNAPSHOT = "OLDER_SNAPSHOT"
    NOTHING_LAUNCHED = "NOTHING_LAUNCHED"
    TEMPLATE_CHANGED_BY_OTHERS = "TEMPLATE_CHANGED_BY_OTHERS"
    """Somebody chose another version of a launch template while a drill had it changed; theirs stays."""


class Notice(Value):
    """A warning of an execution.

    Few are stored: one for each wave or drill, whatever it names, or those of a wave's first servers.
    """

    code: NoticeCode
    message: str
    wave: int | None = None
    source_server_id: str | None = None
