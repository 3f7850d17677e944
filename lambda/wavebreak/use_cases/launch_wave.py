"""Starting the servers of a wave: intent before call, one call for each intent, adoption after an unknown outcome.

It runs beside the machine, which observes all other waves meanwhile, under a lease of the wave that it releases.

StartRecovery has no client token, so the order of things is what keeps a server from being launched twice: an intent
(wave, attempt, batch) is written under the execution's version before the call; the job carries it as tags; after any
outcome but a refusal the job is searched for by its tags before anything else is done for those servers.

StartRecovery takes all of a batch or nothing of it. A server that it is refused for holds up no other: the batch is
searched for it (`batch_search`), and what was found out is remembered on the servers until DRS takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.batch_search import BatchSearch, Suspicion
from wavebreak.domain.executions.engine import may_launch, servers_to_launch
from wavebreak.domain.executions.launching import launch_steps
from wavebreak.domain.executions.launching.launch_tags import job_tags
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.resilience.aws_errors import FAULTS, may_be_of_subjects, needs_somebody, reason_of, words_of
from wavebreak.resilience.client_config import series_seconds
from wavebreak.timeouts import Deadline
from wavebreak.timing import iso
from wavebreak.use_cases.drill_guard import Spared
from wavebreak.use_cases.launching.intents import Intents
from wavebreak.use_cases.launching.recovery_points import RecoveryPoints
from wavebreak.use_cases.launching.site_view import SiteView
from wavebreak.use_cases.networks.prepare_templates import are_prepared, prepare
from wavebreak.use_cases.preemption.give_way import servers_left_to_recoveries
from wavebreak.use_cases.preemption.wait_for_drills import waits_for_drills

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasDrsLaunches, HasQuotas, HasWorkflow
    from wavebreak.ports.drs import DrsLaunches
    from wavebreak.use_cases.networks.prepare_templates import Ports as PrepareTemplatesPorts

    class Ports(PrepareTemplatesPorts, HasDrsLaunches, HasQuotas, HasWorkflow, Protocol):
        """What launching a wave needs."""


_NO_ROOM: Final = "Waits for room under the DRS quotas"
_BUSY: Final = "Waits for the end of another DRS job of this server"
_TEMPLATES_TAKEN: Final = "Its launch template was put back just now, and is changed again"
_TAKEN_SECONDS: Final = 300
"""How long a launch shows that DRS takes this wave's calls as such: what it refuses then, it refuses for subjects."""


class Launcher:
    """Starts one wave of one execution."""

    def __init__(self, app: Ports, execution_id: str, number: int) -> None:
        """Keep the app, the execution's id and the wave's number."""
        self.app = app
        self.number = number
        self.intents = Intents(app, execution_id, number)

    def run(self) -> None:
        """Start what is due, release the wave, and wake the machine.

        A call that dies on the way releases nothing: its lease expires.
        """
        self.intents.lease()
        self._settle_and_start()
        self.intents.release()
        self._wake()

    def _wake(self) -> None:
        """Wake the machine; one that is not woken polls within seconds."""
        try:
            self.app.workflow.wake(Machine.RECOVERY, self.intents.execution_id)
        except FAULTS as error:
            self.intents.note(error, Severity.WARNING)

    def _settle_and_start(self) -> None:
        """Resolve what is left of earlier calls, then start batch after batch while there is room and time."""
        execution = self.intents.last_seen()
        try:
            drs = self.app.drs_at(execution.wave(self.number).site)
            self.intents.resolve(execution, drs)
            self._start(drs)
        except UnsupportedSiteError as error:
            self._give_up(error, f"Cannot reach DRS: {error}")
        except FAULTS as error:
            if needs_somebody(error):
                self._give_up(error, f"DRS refused: {error}")
                return
            self.intents.note(error, Severity.WARNING)
            why = f"Waits for DRS: {reason_of(error)}"
            self.intents.change(
                lambda current: launch_steps.blocked(
                    launch_steps.explain_waiting(current, self.number, why), self.number, self._later()
                )
            )

    def _give_up(self, error: Exception, why: str) -> None:
        """Fail what waits to be started: what only a person can mend fails at once, not when the wave times out."""
        self.intents.note(error, Severity.ERROR)
        self.intents.change(
            lambda current: launch_steps.request_refused(
                launch_steps.blocked(current, self.number, self._later()), self.number, why
            )
        )

    def _later(self) -> datetime:
        return self.app.now() + self.app.timing.no_room

    def _start(self, drs: DrsLaunches) -> None:
        """Start what is due, once nothing is left that was started and not written down."""
        # As it is by now: `resolve` may just have adopted a job whose servers look unassigned in the older state.
        execution = self.intents.last_seen()
        wave, now = execution.wave(self.number), self.app.now()
        waiting = servers_to_launch(execution, wave)
        blocked = wave.blocked_until is not None and now < wave.blocked_until
        if blocked or not waiting or not may_launch(execution, wave, now, self.app.timing):
            return
        site_view = SiteView(self.app, wave.site, drs, drill=execution.mode is Mode.DRILL)
        if self.intents.adopt_lost(execution, site_view.jobs()):
            self._start(drs)
            return
        _Round(self.app, self.intents, site_view, execution).run()


class _Round:
    """The calls of one invocation for one wave."""

    def __init__(self, app: Ports, intents: Intents, site_view: SiteView, execution: Execution) -> None:
        """Return the servers of the wave that wait and are in no job."""
        self.app = app
        self.intents = intents
        self.site_view = site_view
        self.execution = execution
        self.wave: Wave = execution.wave(intents.number)
        self.unknown: list[Job] = []
        self.deadline = Deadline("launch_round", reserve=series_seconds("drs_call", 1), wave=intents.number)
        waiting = servers_to_launch(execution, self.wave)
        self.points = RecoveryPoints(site_view.drs, waiting, execution.before)
        self.memory = {server.source_server_id: server.suspicion for server in waiting}
        self.errors_before = {server.source_server_id: server.error for server in waiting}
        busy = site_view.busy()
        for_drills = waits_for_drills(app, execution, self.wave, site_view.jobs())
        reasons = {name: for_drills.get(name, f"{_BUSY} ({busy[name]})") for name in self.memory if name in busy}
        self._wait(reasons, app.timing.no_room)
        now = app.now()
        taken_after = now - app.timing.scaled(_TAKEN_SECONDS)
        self.proven = any(
            job.job_id and job.intended_at >= taken_after for job in execution.launch_jobs(self.wave.number)
        )
        self.search = BatchSearch(
            [name for name in self.memory if name not in busy],
            {name: suspicion for name, suspicion in self.memory.items() if suspicion},
            now,
            proven=self.proven,
            jobs=site_view.room(execution)[1],
        )

    def run(self) -> None:
        """Start batch after batch, and write down what was found out."""
        while self._once():
            if self.deadline.over:
                break
        self._remember_suspects()
        if self.unknown:
            self.intents.adopt_unknown(self.site_view.drs, self.unknown)

    def _once(self) -> bool:
        """Start one batch; return whether another may follow at once."""
        if not self.search.left:
            return False
        self.site_view.renew()
        room, _ = self.site_view.room(self.intents.last_seen(), [job.key for job in self.unknown])
        batch = self.search.choose(room)
        if not batch:
            return self._hold_back(_NO_ROOM)
        if self._leaves_out(batch):
            return True
        written = self.intents.write(self.wave, batch)
        # No intent, no call: another StartWave, a retry or a cancel came first, and owns these servers or their end.
        if written is None:
            return False
        if not are_prepared(self.app, written[0], self.wave, batch):
            self._change(lambda current: launch_steps.intent_withdrawn(current, written[1]))
            return self._set_aside({}, dict.fromkeys(batch, _TEMPLATES_TAKEN), self.app.timing.no_room)
        self.site_view.called()
        return self._call(*written)

    def _leaves_out(self, batch: Sequence[str]) -> bool:
        """Leave out those of a batch that DRS does not know, or that a drill must not launch; return whether any is."""
        if held := servers_left_to_recoveries(self.app, self.execution, self.wave, batch):
            return self._set_aside({}, held, self.app.timing.no_room)
        try:
            left_out = self.site_view.absent(batch)
            if not left_out.refused and not left_out.waiting:
                left_out = self.site_view.spared(batch, self.errors_before)
        except ClientError as error:
            if not self._is_of_subjects(error, batch):
                raise
            left_out = Spared({}, dict.fromkeys(batch, f"DRS does not report it: {words_of(error)}"))
        failed, waiting = left_out.refused, left_out.waiting
        if not failed and not waiting:
            points = self.points.find(batch)
            failed, waiting = points.failed, points.waiting
        if not failed and not waiting:
            return self._templates_unready(batch)
        return self._set_aside(failed, waiting, self.app.timing.second_read)

    def _is_of_subjects(self, error: ClientError, batch: Sequence[str]) -> bool:
        """Return whether DRS does not report just these servers: it reported others, or was not asked for others."""
        others_reported = self.proven or any(self.memory[name] for name in batch)
        return may_be_of_subjects(error) and (others_reported or len(batch) == 1 < len(self.memory))

    def _templates_unready(self, batch: Sequence[str]) -> bool:
        """Leave out those of a batch that would not land where they should; return whether any is."""
        unready = prepare(
            self.app,
            self.execution,
            self.wave,
            batch,
            self.site_view.drs,
            self.site_view.known,
            lambda: self.deadline.over,
        )
        return self._set_aside(unready.failed, unready.waiting, self.app.timing.no_room)

    def _set_aside(self, failed: Mapping[str, str], waiting: Mapping[str, str], how_long: timedelta) -> bool:
        """Fail some and have others wait, and try none of them in this round; return whether there is any."""
        if failed:
            self._change(lambda current: launch_steps.failed(current, self.wave.number, failed))
        self._wait(waiting, how_long)
        self.search.leave_out((*failed, *waiting))
        return bool(failed or waiting)

    def _call(self, execution: Execution, job: Job) -> bool:
        """Call StartRecovery for an intent and record what came of it."""
        members = frozenset(job.subjects)
        known = execution.wave(job.wave).servers
        servers = [self.points.of(server) for server in known if server.source_server_id in members]
        try:
            job_id = self.site_view.drs.start_recovery(
                servers, is_drill=execution.mode is Mode.DRILL, tags=job_tags(execution.execution_id, job)
            )
        except CallRejectedError as refusal:
            self.intents.note(refusal, Severity.WARNING)
            return self._refused(job, refusal)
        except OutcomeUnknownError as unknown:
            self.intents.note(unknown, Severity.WARNING)
            self.intents.unknown(job, f"DRS did not say what came of the call: {unknown}")
            # The launch may be under way: nothing touches its servers until the job is found or known to be absent.
            self.search.unknown(job.subjects)
            self.unknown.append(job)
            return True
        suspects = self.search.accepted(job.subjects)
        self.intents.record(job, job_id, last=not (suspects or self.search.left or self.unknown))
        self._suspect_last(suspects)
        return True

    def _refused(self, job: Job, refusal: CallRejectedError) -> bool:
        """Record a refusal and the servers at fault; return whether other calls may follow."""
        words = f"DRS refused: {refusal}"
        if refusal.not_called:
            self._change(lambda current: launch_steps.intent_withdrawn(current, job))
            return self._hold_back(words, job.subjects)
        shown_by = self.app.now() + self.app.timing.settle
        self._change(lambda current: launch_steps.refused(current, job, shown_by))
        if refusal.concerns_nobody and not (refusal.throttled and self._was_held_back):
            return self._hold_back(words, job.subjects)
        if refusal.smaller_may_fit:
            return self.search.too_large(job.subjects) or self._hold_back(words, job.subjects)
        verdict = self.search.refused(job.subjects, words, may_be_request=refusal.may_be_request)
        if verdict.request:
            return self._request_refused(words, retryable=refusal.retryable)
        self._blame(verdict.culprits, retryable=refusal.retryable)
        return True

    @property
    def _was_held_back(self) -> bool:
        """Whether this wave waited not long ago: a throttle that is there again may be of some, and is searched."""
        until, now = self.wave.blocked_until, self.app.now()
        return until is not None and until <= now < until + self.app.timing.scaled(_TAKEN_SECONDS)

    def _request_refused(self, words: str, *, retryable: bool) -> bool:
        """Let all wait, or fail where waiting cannot help: no server is at fault. Return False: nothing may follow."""
        number, until = self.wave.number, self._later()
        self.search.leave_out(self.memory)
        if retryable:
            self._change(
                lambda current: launch_steps.blocked(
                    launch_steps.without_suspicions(current, number, words), number, until
                )
            )
        else:
            self._change(lambda current: launch_steps.request_refused(current, number, words))
        return False

    def _later(self) -> datetime:
        return self.app.now() + self.app.timing.no_room

    def _blame(self, culprits: Mapping[str, str], *, retryable: bool) -> None:
        """Let the servers that were refused alone wait, or fail them where waiting cannot help."""
        if not culprits:
            return
        if not retryable:
            self._change(lambda current: launch_steps.failed(current, self.wave.number, culprits))
            return
        now, timing = self.app.now(), self.app.timing
        self._suspect(
            {
                name: launch_steps.refused_alone(self.memory[name], words, now, timing)
                for name, words in culprits.items()
            }
        )

    def _hold_back(self, words: str, subjects: Sequence[str] = ()) -> bool:
        """Start nothing more of this wave for a while; those that wait say why. Return False, as nothing may follow."""
        reasons = dict.fromkeys((*subjects, *self.search.left), words)
        number, until = self.wave.number, self._later()
        self._change(
            lambda current: launch_steps.blocked(launch_steps.explained(current, number, reasons), number, until)
        )
        return False

    def _wait(self, reasons: Mapping[str, str], how_long: timedelta) -> None:
        """Let servers wait for something that is no fault of theirs."""
        until = self.app.now() + how_long
        self._suspect({name: launch_steps.waiting(self.memory[name], why, until) for name, why in reasons.items()})

    def _suspect_last(self, found: Mapping[str, str]) -> None:
        """Mark the last of a group to be tried alone in the next round."""
        now = self.app.now()
        times = {name: known.times if (known := self.memory[name]) else 0 for name in found}
        self._suspect({name: Suspicion(words, now, times[name]) for name, words in found.items()})

    def _remember_suspects(self) -> None:
        """Record as a group those servers of which some were refused without a finding which."""
        now = self.app.now()
        suspects = self.search.suspects
        call = f"{self.wave.number}-{self.wave.attempt} {iso(now)}"
        self._suspect(
            {
                name: launch_steps.refused_with_others(self.memory[name], words, now, call)
                for name, words in suspects.items()
            }
        )

    def _suspect(self, found: Mapping[str, Suspicion]) -> None:
        if found:
            self._change(lambda current: launch_steps.suspected(current, self.wave.number, found))

    def _change(self, step: Callable[[Execution], Execution]) -> None:
        self.intents.change(step)


def start_wave(app: Ports, execution_id: str, number: int) -> None:
    """Start what can be started of a wave, and settle what earlier calls left open."""
    Launcher(app, execution_id, number).run()
