"""A wave: its servers, its steps, how it stands, and the attempts before. Immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model.steps import StepState
from wavebreak.domain.plans.model import OnFailure
from wavebreak.execution_utils import (
    ENDED_WAVE_STATUSES,
    WaveStatus,
)
from wavebreak.site import Site
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from wavebreak.domain.executions.model.approvals import ApprovalWait
    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waits import DrillWait

SERVERS_PER_ITEM: Final = 100
"""Servers of a wave that share one item of the table."""


class Attempt(Value):
    """An attempt of a wave that is over: it failed, and was retried or skipped."""

    number: int
    started_at: datetime | None = None
    """None of a wave that was rejected."""
    ended_at: datetime | None = None
    error: str | None = None


class Wave(Value):
    """A wave of an execution: its frozen settings, where it stands, and its servers."""

    number: int
    name: str
    servers: tuple[Server, ...]
    depends_on: tuple[int, ...] = ()
    site: Site = field(default_factory=Site)
    requires_approval: bool = False
    wait_before_seconds: int = 0
    timeout_minutes: int = 60
    on_failure: OnFailure = OnFailure.STOP
    status: WaveStatus = WaveStatus.NOT_STARTED
    attempt: int = 1
    approved: bool = False
    approval: Attribution | None = None
    """By whom; None also where that was not written down."""
    rejected: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str | None = None
    blocked_until: datetime | None = None
    """Until then no StartRecovery is tried: no room under the quotas, a throttle, or a server busy elsewhere."""
    steps: tuple[WaveStep, ...] = ()
    start_lease: datetime | None = None
    """Until then its starts belong to a StartWave call beside the machine, which gives the lease back."""
    waited: bool = False
    """Whether its waitBefore is behind it: a retry does not wait again."""
    drill_wait: DrillWait | None = None
    attempts: tuple[Attempt, ...] = ()
    """Those that failed before the present one, or before it was skipped."""
    approval_wait: ApprovalWait | None = None
    """None of a wave that needs no approval, and of one from before approvals had an end."""

    def with_failed_attempt(self) -> Wave:
        """Return this wave with its present attempt, which has failed, among those that are over."""
        if self.status is not WaveStatus.FAILED:
            return self
        over = Attempt(self.attempt, self.started_at, self.ended_at, self.error)
        return replace(self, attempts=(*self.attempts, over))

    @property
    def has_ended(self) -> bool:
        """Whether this wave does nothing more by itself."""
        return self.status in ENDED_WAVE_STATUSES

    @property
    def running_step(self) -> WaveStep | None:
        """The step whose run has not ended; steps of a wave run one after another."""
        return next((step for step in self.steps if step.state is StepState.STARTED), None)

    def with_step(self, changed: WaveStep) -> Wave:
        """Replace the step at the same place of the same list."""
        return replace(self, steps=tuple(changed if known.place == changed.place else known for known in self.steps))

    def with_servers(self, change: Callable[[Server], Server]) -> Wave:
        """Apply a change to every server; the wave itself is returned when nothing changed."""
        servers = tuple(change(server) for server in self.servers)
        return self if servers == self.servers else replace(self, servers=servers)
