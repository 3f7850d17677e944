"""The intents of a wave: written before the call; the outcome of each is recorded by the call that finds it.

StartRecovery has no client token. The job carries wave, attempt and batch of its intent as tags; by them it is found
after an answer that was lost, and after a refusal that was none.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import may_launch, servers_to_launch
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.launching.launch_tags import key_of
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.problems import Unavailable
from wavebreak.resilience.retries import call as retried
from wavebreak.timing import iso, parse_iso
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from wavebreak.domain.drs import RecentJob
    from wavebreak.domain.errors.record import Severity
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasClock, HasErrors, HasExecutions, HasTiming
    from wavebreak.ports.drs import DrsJobs

    class Ports(HasClock, HasErrors, HasExecutions, HasTiming, Protocol):
        """What keeping intents needs."""


logger = logging.getLogger(__name__)


class _NotShownError(Unavailable):
    """DRS shows no job of an intent, or not yet."""


class Intents:
    """The intents of one wave of one execution."""

    def __init__(self, app: Ports, execution_id: str, number: int) -> None:
        """Keep the app, the execution's id and the wave's number."""
        self.app = app
        self.execution_id = execution_id
        self.number = number
        self.known: Execution | None = None
        """The execution as it was last read or written here."""
        self._lease: datetime | None = None
        """Until when this call has the starts of the wave to itself; None before and after."""

    def load(self) -> Execution:
        """Read the execution."""
        self.known = self.app.executions.load(self.execution_id).execution
        return self.known

    def last_seen(self) -> Execution:
        """Return the execution as it was last read or written here; what is decided by it is written if it stands."""
        return self.known or self.load()

    def change(self, step: Callable[[Execution], Execution]) -> Execution:
        """Change the execution by a pure step."""
        act = Attribution(ENGINE_ACTOR, self.app.now())
        self.known = self.app.executions.change(self.execution_id, step, act, known=self.known)
        return self.known

    def lease(self) -> None:
        """Keep the machine's rounds from the wave's open intents while this call works on them."""
        # As it is read back: to the millisecond.
        until = parse_iso(iso(self.app.now() + self.app.timing.start_lease))
        self.change(lambda current: launch_steps.leased(current, self.number, until))
        self._lease = until

    def release(self) -> None:
        """Give the wave back to the rounds, unless that is done: nothing may be called for it after this."""
        if self._lease is not None:
            self.change(self._released)
            self._lease = None

    def _released(self, current: Execution) -> Execution:
        return current if self._lease is None else launch_steps.lease_released(current, self.number, self._lease)

    def note(self, error: Exception, severity: Severity) -> None:
        """Record an error with the wave that it concerns."""
        self.app.errors.record_error(error, severity, execution_id=self.execution_id, wave=self.number)

    def resolve(self, execution: Execution, drs: DrsJobs) -> None:
        """Adopt the jobs of intents without an outcome; refute those that had time enough to show up."""
        pending = [job for job in execution.launch_jobs(self.number) if job.state is JobState.INTENDED]
        if not pending:
            return
        found = drs.find_launches(self.execution_id, pending)
        for job in pending:
            if job.key in found:
                self.record(job, found[job.key])
            # Refuted only after the time that DRS may take to show a job: an absent job proves nothing before that.
            elif self.app.now() >= job.check_after:
                self.change(lambda current, job=job: launch_steps.refuted(current, job))  # type: ignore[misc]  # mypy infers no default

    def write(self, wave: Wave, subjects: Sequence[str]) -> tuple[Execution, Job] | None:
        """Write the intent under the version that was read; None when another call took these servers meanwhile."""
        wanted = frozenset(subjects)
        now = self.app.now()
        written: list[Job] = []

        def step(current: Execution) -> Execution:
            # `change` may run this again on a newer state: an intent of the lost race must not be called.
            written.clear()
            present = current.wave(self.number)
            open_ids = {server.source_server_id for server in servers_to_launch(current, present)}
            same = present.attempt == wave.attempt and wanted <= open_ids
            if not same or not may_launch(current, present, now, self.app.timing):
                return current
            job = self._new(current, present, subjects)
            written.append(job)
            return launch_steps.intended(current, job)

        after = self.change(step)
        return (after, written[0]) if written else None

    def _new(self, execution: Execution, wave: Wave, subjects: Iterable[str]) -> Job:
        now = self.app.now()
        return Job(
            wave=wave.number,
            attempt=wave.attempt,
            batch=execution.next_batch(wave.number, wave.attempt),
            subjects=tuple(subjects),
            state=JobState.INTENDED,
            intended_at=now,
            check_after=now + self.app.timing.intent_expiry,
            site=wave.site,
        )

    def record(self, job: Job, job_id: str, *, last: bool = False) -> None:
        """Record the job of an intent; the wave is released in the same write if this is the last thing done for it."""

        def step(current: Execution) -> Execution:
            after = launch_steps.started(current, job, job_id)
            return self._released(after) if last else after

        self.change(step)
        if last:
            self._lease = None

    def adopt_unknown(self, drs: DrsJobs, jobs: Sequence[Job]) -> None:
        """Adopt the jobs that lost answers left behind; the others are looked for again once they had time to show up.

        `jobs` are intents whose outcome is unknown. DRS may show a job a moment after it took the call.
        """
        left = {job.key: job for job in jobs}

        def once() -> None:
            for key, job_id in drs.find_launches(self.execution_id, list(left.values())).items():
                self.record(left.pop(key), job_id)
            if left:
                raise _NotShownError(f"DRS shows no job of {len(left)} intent(s)")

        try:
            retried("drs", once, lambda error: isinstance(error, _NotShownError))
        except _NotShownError:
            return

    def adopt_lost(self, execution: Execution, recent: Iterable[RecentJob]) -> bool:
        """Adopt the jobs that carry this wave's tags and are not written down, ended or not.

        An intent was held to have failed that did not, or DRS did what it then refused: their servers must not be
        started again.
        """
        known = {job.job_id for job in execution.launch_jobs()}
        ours = [(job, key_of(self.execution_id, job.tags)) for job in recent if job.job_id not in known]
        lost = [(job, key) for job, key in ours if key is not None and key[0] == self.number]
        for job, key in lost:
            logger.warning("job %s of %s was not written down: adopted", job.job_id, self.execution_id)
            self.change(
                lambda current, job=job, key=key: launch_steps.adopted(current, job.job_id, key, job.servers)  # type: ignore[misc]  # mypy infers no default
            )
        return bool(lost)

    def unknown(self, job: Job, words: str) -> None:
        """Record that the outcome of a call is unknown: what it may have started is searched for."""
        now = self.app.now()
        later = replace(job, check_after=now + self.app.timing.settle)

        def step(current: Execution) -> Execution:
            servers = current.wave(self.number).servers
            known = {server.source_server_id: server.suspicion for server in servers}
            alone = len(job.subjects) == 1
            call = "-".join(map(str, job.key))
            found = {
                name: launch_steps.refused_alone(known.get(name), words, now, self.app.timing)
                if alone
                else launch_steps.refused_with_others(known.get(name), words, now, call)
                for name in job.subjects
            }
            after = launch_steps.still_intended(current, later)
            return current if after is current else launch_steps.suspected(after, self.number, found)

        self.change(step)
