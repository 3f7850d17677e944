"""Starting the servers of a wave: intent before call, one call for each intent, adoption after an unknown outcome.

StartRecovery has no client token, so the order of things is what keeps a server from being launched twice: an intent
(wave, attempt, batch) is written under the execution's version before the call; the job carries it as tags; after any
outcome but a refusal the job is looked for by its tags before anything else is done for those servers.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from wavebreak.aws.batching import BATCHES_A_CALL, Batches
from wavebreak.aws.clients import UnsupportedPlace
from wavebreak.aws.drs import TAG_EXECUTION, TAG_WAVE, Drs, job_tags
from wavebreak.aws.unrepeated import OutcomeUnknown, Refusal
from wavebreak.domain.drs import room_for
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions import launch_steps
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.domain.executions.engine import may_launch, unassigned
from wavebreak.domain.executions.model import Execution, Job, JobState, Mode, Server, Wave
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS, needs_somebody
from wavebreak.resilience.retries import call as retried
from wavebreak.use_cases.preemption.give_way import left_to_recoveries
from wavebreak.use_cases.preemption.wait_for_drills import waits_for_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.domain.drs import RecentJob

logger = logging.getLogger(__name__)


_NO_ROOM: Final = "Waits for room under the DRS quotas"
_BUSY: Final = "Waits for the end of another DRS job of this server"


class _NotShown(Unavailable):
    """DRS shows no job of an intent, or not yet."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is started next: servers for one call, or none, and why each of the others waits."""

    servers: tuple[Server, ...]
    waiting: Mapping[str, str]


class Launcher:
    """Starts one wave of one execution."""

    def __init__(self, app: App, execution_id: str, number: int) -> None:
        """Take the app, the execution's id and the wave's number."""
        self.app = app
        self.execution_id = execution_id
        self.number = number
        self.batches = Batches()

    def run(self) -> None:
        """Resolve what is left of earlier calls, then start batch after batch while there is room."""
        execution = self._load()
        try:
            drs = self.app.drs_at(execution.wave(self.number).place)
            self._resolve(execution, drs)
            for _ in range(BATCHES_A_CALL):
                if not self._start_batch(drs):
                    return
            if self.batches.left_out:
                self._block(self.app.now() + self.app.timing.no_room)
        except UnsupportedPlace as error:
            self._give_up(error, f"Cannot reach DRS: {error}")
        except FAULTS as error:
            if needs_somebody(error):
                self._give_up(error, f"DRS refused: {error}")
                return
            self._note(error, Severity.WARNING)
            self._block(self.app.now() + self.app.timing.no_room)

    def _give_up(self, error: Exception, why: str) -> None:
        """Fail what waits to be started: what only somebody can mend is told at once, not when the wave times out."""
        self._note(error, Severity.ERROR)
        execution = self._load()
        waiting = unassigned(execution, execution.wave(self.number))
        self._fail({server.source_server_id: why for server in waiting})
        self._block(self.app.now() + self.app.timing.no_room)

    def _note(self, error: Exception, severity: Severity) -> None:
        self.app.errors.record_error(error, severity, execution_id=self.execution_id, wave=self.number)

    def _load(self) -> Execution:
        return self.app.executions.load(self.execution_id).execution

    def _change(self, step: Callable[[Execution], Execution]) -> Execution:
        return self.app.executions.change(self.execution_id, step, Act(ENGINE_ACTOR, self.app.now()))

    def _resolve(self, execution: Execution, drs: Drs) -> None:
        """Adopt the jobs of intents without an outcome; refute those that had time enough to show up."""
        for job in execution.launch_jobs(self.number):
            if job.state is not JobState.INTENDED:
                continue
            found = drs.find_launch(self.execution_id, job)
            if found is not None:
                self._record(job, found)
            elif self.app.now() >= job.check_after:
                self._change(lambda current, job=job: launch_steps.refuted(current, job))  # type: ignore[misc]  # mypy infers no default

    def _start_batch(self, drs: Drs) -> bool:
        """Start one batch; tells whether another may follow at once."""
        execution = self._load()
        wave = execution.wave(self.number)
        now = self.app.now()
        if not may_launch(execution, wave, now, self.app.timing) or (wave.blocked_until and now < wave.blocked_until):
            return False
        waiting = unassigned(execution, wave)
        if not waiting:
            return False
        recent = drs.recent_jobs(now)
        if self._adopt_lost(execution, recent):
            return True
        active = [job for job in recent if not job.ended]
        waiting = self._left_by_recoveries(execution, wave, waiting)
        plan = self._next_batch(wave, waiting, active, waits_for_drills(self.app, execution, wave, active))
        if not plan.servers:
            until = now + self.app.timing.no_room
            self._change(
                lambda current: launch_steps.blocked(
                    launch_steps.explained(current, self.number, plan.waiting), self.number, until
                )
            )
            return False
        absent = self._absent(drs, plan.servers)
        if absent:
            self._fail(absent)
            return True
        job = self._intend(wave, plan.servers)
        return job is not None and self._call(drs, job)

    def _left_by_recoveries(self, execution: Execution, wave: Wave, waiting: tuple[Server, ...]) -> tuple[Server, ...]:
        """Leave out what a drill leaves to recoveries, and have it say so."""
        left = left_to_recoveries(self.app, execution, wave, [server.source_server_id for server in waiting])
        if left:
            self._change(lambda current: launch_steps.explained(current, self.number, left))
        return tuple(server for server in waiting if server.source_server_id not in left)

    def _next_batch(
        self, wave: Wave, waiting: tuple[Server, ...], active: list[RecentJob], for_drills: Mapping[str, str]
    ) -> _Plan:
        """Choose servers that are in no job of anybody's, as many as the quotas leave room for."""
        room = room_for(self.app.quotas_at(wave.place), active)
        busy = frozenset().union(*(job.servers for job in active))
        named = {server.source_server_id: server for server in waiting}
        free = [name for name in named if name not in busy]
        chosen = self.batches.choose(free, room)
        reasons = {
            name: for_drills.get(name, _BUSY) if name in busy else _NO_ROOM
            for name in named
            if not self.batches.leaves_out(name)
        }
        return _Plan(tuple(named[name] for name in chosen), reasons)

    def _absent(self, drs: Drs, servers: Iterable[Server]) -> dict[str, str]:
        """Find servers that DRS cannot recover, before the call that one of them would spoil for all."""
        wanted = [server.source_server_id for server in servers]
        known = drs.source_servers(wanted)
        return {name: "DRS knows no source server of this id" for name in wanted if name not in known}

    def _intend(self, wave: Wave, servers: tuple[Server, ...]) -> Job | None:
        """Write the intent under the version that was read; None when another call took these servers meanwhile."""
        wanted = {server.source_server_id for server in servers}
        now = self.app.now()
        intents: list[Job] = []

        def step(current: Execution) -> Execution:
            intents.clear()
            present = current.wave(self.number)
            open_ids = {server.source_server_id for server in unassigned(current, present)}
            same = present.attempt == wave.attempt and wanted <= open_ids
            if not same or not may_launch(current, present, now, self.app.timing):
                return current
            job = self._new_job(current, present, servers, now)
            intents.append(job)
            return current.with_job(job)

        self._change(step)
        return intents[0] if intents else None

    def _new_job(self, execution: Execution, wave: Wave, servers: Iterable[Server], now: datetime) -> Job:
        return Job(
            wave=wave.number,
            attempt=wave.attempt,
            batch=execution.next_batch(wave.number, wave.attempt),
            subjects=tuple(server.source_server_id for server in servers),
            state=JobState.INTENDED,
            intended_at=now,
            check_after=now + self.app.timing.intent_expiry,
            place=wave.place,
        )

    def _call(self, drs: Drs, job: Job) -> bool:
        """Call StartRecovery for an intent and record what came of it."""
        execution = self._load()
        members = frozenset(job.subjects)
        servers = [server for server in execution.wave(self.number).servers if server.source_server_id in members]
        try:
            job_id = drs.start_recovery(
                servers, is_drill=execution.mode is Mode.DRILL, tags=job_tags(self.execution_id, job)
            )
        except Refusal as refusal:
            return self._refused(job, refusal)
        except OutcomeUnknown as unknown:
            self._note(unknown, Severity.WARNING)
            return self._look_after(drs, job)
        self._record(job, job_id)
        return True

    def _refused(self, job: Job, refusal: Refusal) -> bool:
        """Forget the intent: nothing happened. Wait, take a smaller batch, or fail the servers, as the code says.

        A server in conflict waits by itself: the others are started without it.
        """
        self._note(refusal, Severity.WARNING)
        if self.batches.narrow(job.subjects, refusal):
            self._change(lambda current: current.without_job(job))
            return True
        reasons = dict.fromkeys(job.subjects, f"DRS refused: {refusal}")
        if refusal.is_conflict:
            self.batches.set_aside(job.subjects)
            self._change(lambda current: launch_steps.explained(current.without_job(job), self.number, reasons))
            return True
        if refusal.retryable:
            until = self.app.now() + self.app.timing.no_room
            self._change(
                lambda current: launch_steps.blocked(
                    launch_steps.explained(current.without_job(job), self.number, reasons), self.number, until
                )
            )
            return False
        self._change(lambda current: launch_steps.failed(current.without_job(job), self.number, reasons))
        return True

    def _look_after(self, drs: Drs, job: Job) -> bool:
        """Adopt the job that a lost answer left behind, or have it looked for again once it had time to show up."""
        try:
            found = retried("drs", lambda: self._shown(drs, job), lambda error: isinstance(error, _NotShown))
        except _NotShown:
            later = replace(job, check_after=self.app.now() + self.app.timing.settle)
            self._change(lambda current: launch_steps.still_intended(current, later))
            return False
        self._record(job, found)
        return True

    def _shown(self, drs: Drs, job: Job) -> str:
        """Find the job of an intent; raises _NotShown: DRS may show a job a moment after it took the call."""
        found = drs.find_launch(self.execution_id, job)
        if found is None:
            raise _NotShown(f"DRS shows no job of intent {job.key}")
        return found

    def _adopt_lost(self, execution: Execution, recent: Iterable[RecentJob]) -> bool:
        """Adopt the jobs that carry this wave's tags and are not written down, ended or not.

        An intent was held to have failed that did not, or DRS did what it then refused: their servers must not be
        started again.
        """
        known = {job.job_id for job in execution.launch_jobs()}
        ours = {TAG_EXECUTION: self.execution_id, TAG_WAVE: str(self.number)}.items()
        lost = [job for job in recent if ours <= job.tags.items() and job.job_id not in known]
        for job in lost:
            logger.warning("job %s of %s was not written down: adopted", job.job_id, self.execution_id)
            self._record(self._written(execution, job), job.job_id)
        return bool(lost)

    def _written(self, execution: Execution, lost: RecentJob) -> Job:
        """Give the intent that a job came from, or a record of its own when that was forgotten."""
        jobs = list(execution.launch_jobs(self.number))
        for job in jobs:
            if job.job_id is None and job_tags(self.execution_id, job).items() <= lost.tags.items():
                return job
        wave = execution.wave(self.number)
        return self._new_job(
            execution, wave, (s for s in wave.servers if s.source_server_id in lost.servers), self.app.now()
        )

    def _record(self, job: Job, job_id: str) -> None:
        """Record the job that an intent became."""
        started = replace(job, state=JobState.STARTED, job_id=job_id)
        members = frozenset(job.subjects)

        def step(current: Execution) -> Execution:
            known = next((other for other in current.jobs if other.key == job.key), None)
            if known is not None and known.job_id is not None:
                return current
            wave = current.wave(job.wave).with_servers(
                lambda server: launch_steps.launching(server) if server.source_server_id in members else server,
            )
            return current.with_job(started).with_waves([replace(wave, blocked_until=None)])

        self._change(step)

    def _fail(self, reasons: Mapping[str, str]) -> None:
        self._change(lambda current: launch_steps.failed(current, self.number, reasons))

    def _block(self, until: datetime) -> None:
        self._change(lambda current: launch_steps.blocked(current, self.number, until))


def start_wave(app: App, execution_id: str, number: int) -> None:
    """Start what can be started of a wave, and settle what earlier calls left open."""
    Launcher(app, execution_id, number).run()
