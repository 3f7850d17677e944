"""A source server of a wave: what is known of its launch, its instance, and the end of that. Immutable."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from wavebreak.domain.plans.model import Impact
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.batch_search import Suspicion
    from wavebreak.domain.executions.model.terminations import InstanceEnding


class LaunchStatus(StrEnum):
    """DRS's own words for a participating server."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    LAUNCHED = "LAUNCHED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


class Server(Value):
    """A source server of a wave and how its launch stands."""

    source_server_id: str
    impact: Impact = Impact.CRITICAL
    launch_status: LaunchStatus = LaunchStatus.PENDING
    recovery_instance_id: str | None = None
    error: str | None = None
    snapshot_id: str | None = None
    actions_running: bool = False
    """Post-launch actions of a LAUNCHED server that have not ended."""
    suspicion: Suspicion | None = None
    """What is remembered of it while StartRecovery is refused for it, or while it waits for something else."""
    snapshot_at: datetime | None = None
    """The moment of the recovery point that its instance was launched from."""
    older_snapshot: bool = False
    """Whether DRS launched it from an older recovery point than it was asked for."""
    ending: InstanceEnding | None = None
    """What a termination knows of the recovery instance; None before the first read."""
    has_actions: bool = False
    """Whether DRS was seen to run post-launch actions on it."""
    name: str | None = None
    """What people called it when the execution started: its Name tag, else its host name."""

    @property
    def label(self) -> str:
        """What people call it with the id that DRS knows it by, `db-1 (s-…)`; the id alone without a name."""
        return f"{self.name} ({self.source_server_id})" if self.name else self.source_server_id

    @property
    def is_settled(self) -> bool:
        """Whether this server's launch is over."""
        if self.launch_status is LaunchStatus.LAUNCHED:
            return not self.actions_running
        return self.launch_status in {LaunchStatus.FAILED, LaunchStatus.TERMINATED}

    def reset(self) -> Server:
        """Return this server as it was before any launch."""
        return replace(
            self,
            launch_status=LaunchStatus.PENDING,
            recovery_instance_id=None,
            error=None,
            actions_running=False,
            suspicion=None,
            snapshot_at=None,
            older_snapshot=False,
            ending=None,
            has_actions=False,
        )

    @property
    def fails_wave(self) -> bool:
        """Whether this server, its launch being over, fails its wave (contract: a CRITICAL one that did not launch)."""
        return self.impact is Impact.CRITICAL and self.launch_status is not LaunchStatus.LAUNCHED
