"""A call of DRS, and the job that became of it. Immutable."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from wavebreak.site import Site
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from datetime import datetime


class JobState(StrEnum):
    """What is known of one call: of a REFUTED one no job is shown, of a REFUSED one DRS said that it did nothing."""

    INTENDED = "INTENDED"
    STARTED = "STARTED"
    ENDED = "ENDED"
    REFUTED = "REFUTED"
    REFUSED = "REFUSED"


class JobKind(StrEnum):
    """What a DRS job does."""

    LAUNCH = "LAUNCH"
    TERMINATE = "TERMINATE"


class Job(Value):
    """One intended or made DRS call: a batch of servers launched, or of recovery instances terminated.

    `subjects` are source server ids of a LAUNCH and recovery instance ids of a TERMINATE; `wave` is 0 for a TERMINATE,
    whose `attempt` is the number of the termination run.
    """

    wave: int
    attempt: int
    batch: int
    subjects: tuple[str, ...]
    state: JobState
    intended_at: datetime
    check_after: datetime
    """From here on an intent without an outcome may be looked into by others than its author."""
    kind: JobKind = JobKind.LAUNCH
    site: Site = field(default_factory=Site)
    job_id: str | None = None
    ended_at: datetime | None = None
    asked_at: datetime | None = None
    """Since when the instances that it launched are asked for; its end begins it again."""
    instance_reads: int = 0
    logged: bool = False
    """Whether its log was read to its end, with a word of every server that it launched or failed to."""
    launched_at: datetime | None = None
    """When one of its servers was first seen LAUNCHED."""

    @property
    def key(self) -> tuple[int, int, int]:
        """Wave, attempt and batch: what identifies a call of this execution."""
        return (self.wave, self.attempt, self.batch)

    @property
    def in_flight(self) -> bool:
        """Whether the call was intended and not refuted, or its job has not ended."""
        return self.state in {JobState.INTENDED, JobState.STARTED}

    def ended(self, now: datetime) -> Job:
        """Return this job as one that has ended just now: what it launched is asked for, and its log is to be read."""
        return replace(self, state=JobState.ENDED, ended_at=now, asked_at=now, instance_reads=0, logged=False)

    @property
    def may_appear(self) -> bool:
        """Whether this call is held to have come to nothing; a job of it may yet show up."""
        return self.state in {JobState.REFUTED, JobState.REFUSED}
