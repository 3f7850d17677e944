"""What Wavebreak knows of an execution: its waves, their servers and the DRS jobs that were started for them.

Immutable: every step of the engine takes an `Execution` and returns another. The store writes the difference.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from wavebreak.domain.executions.model.jobs import Job, JobKind
from wavebreak.execution_utils import (
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    is_terminal,
)
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.final_check import FinalCheck
    from wavebreak.domain.executions.model.findings import CallCounts, CheckCounts, Objectives, Verdict
    from wavebreak.domain.executions.model.leases import Lease
    from wavebreak.domain.executions.model.terminations import Hold
    from wavebreak.domain.executions.model.waits import Preemption
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.executions.notices import Notice
    from wavebreak.domain.launch_templates.model import DrillNetwork
    from wavebreak.site import Site


class Mode(StrEnum):
    """What a run is for: a rehearsal or the real thing."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"


class PausedBy(StrEnum):
    """The reason why an execution is paused."""

    OPERATOR = "OPERATOR"
    FAILURE = "FAILURE"


class CancelThen(StrEnum):
    """What follows a cancel once nothing is in flight."""

    KEEP = "KEEP"
    TERMINATE = "TERMINATE"


class Cancel(Value):
    """An accepted cancel. It is final."""

    by: Attribution
    """Who asked for the cancel, when, and why."""
    then: CancelThen = CancelThen.KEEP
    terminate: Attribution | None = None
    """Who turned KEEP into TERMINATE; None when the cancel itself asked for it, or nobody did."""

    @property
    def termination_ordered(self) -> Attribution:
        """Who asked for the termination that follows, if one does."""
        return self.terminate or self.by


class Termination(Value):
    """How the termination of the recovery instances stands; each server's `ending` describes its instance."""

    status: TerminationStatus = TerminationStatus.NOT_REQUESTED
    attempt: int = 0
    """Counts the requests of it, from 1; a retry of a termination is another attempt."""
    requested_at: datetime | None = None
    requested_by: str | None = None
    ended_at: datetime | None = None
    holds: tuple[Hold, ...] = ()
    """The accounts and Regions that must wait, each at most once."""


class Failure(Value):
    """The last time the machinery itself failed while driving this execution."""

    at: datetime
    error: str
    cause: str
    count: int = 1
    """How many came shortly after each other, this one included."""


class Execution(Value):
    """One run of a plan."""

    execution_id: str
    plan_id: str
    plan_name: str
    plan_version: int
    plan_hash: str
    mode: Mode
    requested_by: str
    started_at: datetime
    waves: tuple[Wave, ...]
    status: ExecutionStatus = ExecutionStatus.PENDING
    reason: str | None = None
    ended_at: datetime | None = None
    paused_by: frozenset[PausedBy] = frozenset()
    pause: Attribution | None = None
    """Whose word holds it back, while an operator's does."""
    cancel: Cancel | None = None
    jobs: tuple[Job, ...] = ()
    termination: Termination = field(default_factory=Termination)
    last_failure: Failure | None = None
    version: int = 0
    event_sequence: int = 0
    event_hash: str | None = None
    final_check: FinalCheck | None = None
    """Why it does not end though nothing is in flight."""
    lock_call: str | None = None
    """The call that took the locks which this execution has, or had when it ended (`lock_rules`)."""
    warnings: tuple[Notice, ...] = ()
    """Those that nothing else that is stored tells; `views` adds the others."""
    preemption: Preemption | None = None
    verdict: Verdict | None = None
    calls: CallCounts | None = None
    """None of an execution from before they were counted."""
    objectives: Objectives | None = None
    """Those of the frozen plan; None of an execution from before they were kept beside it."""
    check_counts: tuple[CheckCounts, ...] = ()
    """What the checks came to so far, by name; of one that is missing nothing was consolidated yet."""
    usual_launch_seconds: int | None = None
    """How long the quickest launch of the plan's last run took; None where that is not known."""
    lease: Lease | None = None
    """Of a drill only: how long its instances may stay."""
    before: datetime | None = None
    """The moment that no server comes from later than, unless it was given a recovery point; None for the newest."""
    networks: tuple[DrillNetwork, ...] = ()
    """Of a drill only: where its servers land, if not where their launch templates say."""

    @property
    def is_terminal(self) -> bool:
        """Whether this execution has ended."""
        return is_terminal(self.status)

    @property
    def instances_terminated(self) -> bool:
        """Whether every recovery instance of this execution is known to be gone."""
        return self.termination.status is TerminationStatus.COMPLETED

    @property
    def holds_locks(self) -> bool:
        """Whether this execution keeps its plan and servers from others: while it runs and while it terminates."""
        return not self.is_terminal or self.termination.status is TerminationStatus.IN_PROGRESS

    def wave(self, number: int) -> Wave:
        """Return the wave with this number; KeyError when the plan has none."""
        if not 1 <= number <= len(self.waves):
            raise KeyError(number)
        return self.waves[number - 1]

    def servers_by_site(self) -> dict[Site, list[str]]:
        """Return the ids of all source servers, by the site of their waves."""
        servers: dict[Site, list[str]] = {}
        for wave in self.waves:
            servers.setdefault(wave.site, []).extend(server.source_server_id for server in wave.servers)
        return servers

    def with_waves(self, changed: Iterable[Wave]) -> Execution:
        """Replace waves by their number."""
        by_number = {wave.number: wave for wave in changed}
        return replace(self, waves=tuple(by_number.get(wave.number, wave) for wave in self.waves))

    def with_job(self, job: Job) -> Execution:
        """Add a job, or replace the one with the same wave, attempt and batch."""
        others = tuple(known for known in self.jobs if known.key != job.key)
        return replace(self, jobs=tuple(sorted((*others, job), key=lambda known: known.key)))

    def without_job(self, job: Job) -> Execution:
        """Forget a call that was never made, or that a later one covers."""
        return replace(self, jobs=tuple(known for known in self.jobs if known.key != job.key))

    def launch_jobs(self, wave: int | None = None) -> Iterator[Job]:
        """Return the launch jobs, of one wave or of all."""
        return (job for job in self.jobs if job.kind is JobKind.LAUNCH and (wave is None or job.wave == wave))

    def next_batch(self, wave: int, attempt: int) -> int:
        """Return the number of the next call of a wave's attempt, or with wave 0 of a run of the termination."""
        return max((job.batch for job in self.jobs if job.key[:2] == (wave, attempt)), default=0) + 1

    def job_ids(self, wave: int) -> tuple[str, ...]:
        """Return the ids of the DRS jobs that launched this wave's servers, oldest first."""
        jobs = sorted(self.launch_jobs(wave), key=lambda job: (job.attempt, job.batch))
        return tuple(job.job_id for job in jobs if job.job_id)

    def wave_in_flight(self, wave: int) -> bool:
        """Whether a StartRecovery of this wave is unrefuted, or one of its jobs or steps has not ended."""
        return self.wave(wave).running_step is not None or any(job.in_flight for job in self.launch_jobs(wave))

    @property
    def in_flight(self) -> bool:
        """Whether any launch or step of this execution is in flight (contract 2)."""
        return any(wave.running_step for wave in self.waves) or any(job.in_flight for job in self.launch_jobs())

    @property
    def has_job(self) -> bool:
        """Whether some wave has a DRS job."""
        return any(job.job_id for job in self.launch_jobs())

    def count(self, status: WaveStatus) -> int:
        """Count the waves in a status."""
        return sum(wave.status is status for wave in self.waves)
