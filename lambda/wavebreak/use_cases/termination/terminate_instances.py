"""The calls of one round of a termination.

All accounts and Regions are called side by side; one that does not answer or refuses waits, and holds up no other.

TerminateRecoveryInstances takes no client token: an intent is written before the call, and after an unknown outcome the
job is found by the instances that take part in it. One instance that DRS refuses holds up no other (`batch_search`).
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.reads_by_id import partly
from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import Quotas
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.batch_search import BatchSearch
from wavebreak.domain.executions.ending import calls, termination
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.jobs import Job, JobKind
from wavebreak.domain.executions.model.terminations import Hold, kept_in_bytes
from wavebreak.domain.executions.observing.instances import TerminationObservation, ending_of, terminate_jobs
from wavebreak.resilience.aws_errors import FAULTS, error_code, is_denied
from wavebreak.resilience.threads import side_by_side
from wavebreak.timeouts import Deadline
from wavebreak.use_cases.termination.server_holders import holders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.ports.capabilities import (
        HasBriefDrs,
        HasClock,
        HasDrsTerminations,
        HasErrors,
        HasExecutions,
        HasLocks,
        HasTiming,
    )
    from wavebreak.ports.drs import DrsServers, DrsTerminations
    from wavebreak.site import Site

    class Ports(HasBriefDrs, HasClock, HasDrsTerminations, HasErrors, HasExecutions, HasLocks, HasTiming, Protocol):
        """What terminating instances needs."""


_SITES_AT_ONCE: Final = 32
_CONFIGURATIONS_AT_ONCE: Final = 8
_READ_SECONDS: Final = 10
"""What must be left of an invocation's time before a read is begun, so that calls may follow it."""
_INSTANCES_A_CALL: Final = Quotas().servers_a_job
"""DRS takes 200 in a call; AWS's default quota is a hundred servers a job."""
_JOBS: Final = 1000
"""Jobs that a group may be split in: what is beyond DRS's quota DRS itself refuses, and it waits."""
_NO_CONFIGURATION: Final = "ResourceNotFoundException"


def terminate(app: Ports, execution_id: str) -> None:
    """Terminate what is due of an execution's instances, in batches, each intended before it is called.

    A site that does not answer or refuses waits for a later round, and holds up no other.
    """
    execution = app.executions.load(execution_id).execution
    lock = threading.Lock()
    rounds = []
    for site in termination.sites_to_call(execution, app.now(), app.timing):
        caller = _Caller(app, execution_id, site, lock)
        # Adapters are made in one thread: making several is not safe.
        if caller.is_reachable():
            rounds.append(caller)
    if len(rounds) == 1:
        rounds[0].run()
    elif rounds:
        side_by_side([caller.run for caller in rounds], min(len(rounds), _SITES_AT_ONCE), "termination")


class _Caller:
    """Makes the calls of one round in one account and Region."""

    def __init__(self, app: Ports, execution_id: str, site: Site, lock: threading.Lock) -> None:
        self.app = app
        self.execution_id = execution_id
        self.site = site
        self.deadline = Deadline("termination_calls", site=str(site), execution=execution_id)
        self._lock = lock
        self._culprits: dict[str, tuple[str, bool]] = {}
        """Instances that were refused alone: the message of DRS, and whether waiting may help."""
        self._last: dict[str, str] = {}
        """Instances that alone of a group were not taken, with the message that the group was refused with."""
        self._request_is_refused = False
        self._waited = False
        """Whether this site was left alone for a while before this round."""
        self._servers: dict[str, Server] = {}
        """What this round may terminate, by instance."""
        self._drs: DrsTerminations | None = None
        self._brief: DrsServers | None = None

    @property
    def drs(self) -> DrsTerminations:
        """DRS of this site, once `is_reachable` made it."""
        if self._drs is None:
            raise UnsupportedSiteError(f"{self.site} was not looked up")
        return self._drs

    def is_reachable(self) -> bool:
        """Make the adapters; where that is not possible the site waits."""
        try:
            self._drs, self._brief = self.app.drs_at(self.site), self.app.brief_drs_at(self.site)
        except (*FAULTS, UnsupportedSiteError) as error:
            self._wait(error)
            return False
        return True

    def run(self) -> None:
        """Resolve open calls, read what is there, and call batch after batch."""
        try:
            self._resolve()
            servers = self._to_terminate()
            if servers:
                self._call_all(servers)
        except FAULTS as error:
            self._wait(error)

    def _wait(self, error: Exception) -> None:
        self._note(error)
        self._hold(str(error))

    def _note(self, error: Exception) -> None:
        self.app.errors.record_error(error, Severity.WARNING, execution_id=self.execution_id, site=str(self.site))

    def _hold(self, words: str, refusals: int = 0) -> None:
        timing = self.app.timing
        until = self.app.now() + (timing.culprit_backoff(refusals) if refusals else timing.no_room)
        hold = Hold(until, kept_in_bytes(words), self.site, refusals)
        self._change(lambda current: termination.held(current, hold))

    def _change(self, step: Callable[[Execution], Execution]) -> Execution:
        """Change the execution; sites do not get in each other's way."""
        with self._lock:
            return self.app.executions.change(self.execution_id, step, Attribution(ENGINE_ACTOR, self.app.now()))

    def _load(self) -> Execution:
        return self.app.executions.load(self.execution_id).execution

    def _resolve(self) -> None:
        """Find the job of each call without an outcome by its instances, or give the call up."""
        execution, now = self._load(), self.app.now()
        intents = [job for job in termination.stale_intents(execution, now) if job.site == self.site]
        if not intents:
            return
        recent = [job for job in self.drs.recent_jobs(now) if job.kind == JobKind.TERMINATE]
        known = {job.job_id for job in execution.jobs}
        for intent in intents:
            found = calls.job_of(execution, intent, (job for job in recent if job.job_id not in known))
            if found is not None:
                known.add(found)
                self._change(partial(calls.started, job=intent, job_id=found))
            else:
                self._change(partial(calls.refuted, job=intent, now=now, timing=self.app.timing))

    def _to_terminate(self) -> list[Server]:
        """Choose what is due by what DRS shows now, and was neither launched into nor is held by a recovery."""
        execution, now = self._load(), self.app.now()
        if self.deadline.left < _READ_SECONDS:
            self._hold("DRS answers too slowly for a call to follow")
            return []
        wanted = calls.servers_at(execution, self.site)
        elsewhere = frozenset(wave.site for wave in execution.waves) - {self.site}
        shown, unreported = partly(lambda: self.drs.every_instance(wanted))
        seen = TerminationObservation(instances=tuple(shown), silent=elsewhere, unreported=unreported)
        due = termination.due_at(execution, self.site, seen, now, self.app.timing)
        held = holders(self.app, self.execution_id, self.site, due)
        left = [server for server in due if server.source_server_id not in held]
        if not due and not termination.stale_intents(execution, now):
            self._hold("Waits for DRS to show it again")
        return self._not_launched_into(left)

    def _not_launched_into(self, servers: Sequence[Server]) -> list[Server]:
        """Ask of each server, once, whether it is launched into an instance that exists; leave out what may be one."""
        unasked = [server for server in servers if ending_of(server).launched_into is None]
        if not unasked:
            return list(servers)
        asked = [partial(self._launches_into, server) for server in unasked]
        configurations = side_by_side(asked, _CONFIGURATIONS_AT_ONCE, "configurations")
        answers = {server.source_server_id: answer for server, answer in zip(unasked, configurations, strict=True)}
        if all(isinstance(answer, str) for answer in answers.values()):
            self._refuse_all(str(answers[unasked[0].source_server_id]))
            return [server for server in servers if server.source_server_id not in answers]
        now, timing = self.app.now(), self.app.timing
        self._change(partial(calls.configured, answers=answers, now=now, timing=timing))
        return [server for server in servers if answers.get(server.source_server_id, False) is False]

    def _launches_into(self, server: Server) -> bool | str | None:
        """Ask for one launch configuration: the answer, DRS's words when it refuses, None when it does not answer."""
        if self.deadline.left < _READ_SECONDS or self._brief is None:
            return None
        try:
            return self._brief.launches_into(server.source_server_id)
        except FAULTS as error:
            self._note(error)
            if isinstance(error, ClientError) and (is_denied(error) or error_code(error) == _NO_CONFIGURATION):
                return f"DRS does not report whether it existed before: {error}"
            return None

    def _call_all(self, servers: Sequence[Server]) -> None:
        """Call batch after batch while there is time, and store the refused instances at the end."""
        self._servers = {str(server.recovery_instance_id): server for server in servers}
        execution = self._load()
        self._waited = any(hold.site == self.site for hold in execution.termination.holds)
        remembered = {
            name: suspicion
            for name, server in self._servers.items()
            if (suspicion := ending_of(server).suspicion) is not None
        }
        jobs = [job for job in terminate_jobs(execution) if job.site == self.site and job.job_id]
        search = BatchSearch(self._servers, remembered, self.app.now(), proven=bool(jobs), jobs=_JOBS)
        while not self.deadline.over:
            batch = search.choose(_INSTANCES_A_CALL)
            if not batch or not self._call(search, batch):
                break
        suspects = {} if self._request_is_refused else search.suspects
        if self._culprits or self._last or suspects:
            known = calls.RefusedInstances(self._culprits, suspects, self._last)
            now, timing = self.app.now(), self.app.timing
            self._change(partial(calls.suspected, refused=known, now=now, timing=timing))

    def _call(self, search: BatchSearch, batch: Sequence[str]) -> bool:
        """Make one call, unless a recovery holds one of its servers by now; return whether others may follow."""
        held = holders(self.app, self.execution_id, self.site, [self._servers[name] for name in batch])
        taken = [name for name in batch if self._servers[name].source_server_id in held]
        job = None if taken else self._intend(batch)
        if job is None:
            search.leave_out(taken or batch)
            return True
        try:
            job_id = self.drs.terminate(job.subjects)
        except CallRejectedError as refusal:
            self._note(refusal)
            self._change(lambda current: current.without_job(job))
            return self._refused(search, batch, refusal)
        except OutcomeUnknownError as unknown:
            self._note(unknown)
            search.unknown(batch)
            now, timing = self.app.now(), self.app.timing
            self._change(partial(calls.outcome_unknown, job=job, words=str(unknown), now=now, timing=timing))
            return True
        self._last |= search.accepted(batch)
        self._change(partial(calls.started, job=job, job_id=job_id))
        return True

    def _intend(self, batch: Sequence[str]) -> Job | None:
        """Write the intent of a call; None when another call asked DRS for one of these meanwhile."""
        intents: list[Job] = []

        def step(current: Execution) -> Execution:
            intents.clear()
            job = calls.intent(current, self.site, tuple(batch), self.app.now(), self.app.timing)
            if job is None:
                return current
            intents.append(job)
            return current.with_job(job)

        self._change(step)
        return intents[0] if intents else None

    def _refused(self, search: BatchSearch, batch: Sequence[str], refusal: CallRejectedError) -> bool:
        """Record a refusal: DRS has done nothing. Return whether other calls may follow.

        A throttle, an open circuit or too many jobs concern whatever is called: the site waits. A conflict or another
        quota can only be due to an instance; a throttle that is there again after a wait may be, and is searched.
        """
        words = str(refusal)
        if refusal.concerns_nobody and not (refusal.throttled and self._waited):
            self._hold(words)
            return False
        if refusal.smaller_may_fit:
            if not search.too_large(batch):
                self._hold(words)
                return False
            return True
        verdict = search.refused(batch, words, may_be_request=refusal.may_be_request)
        if verdict.request is not None:
            self._refuse_all(verdict.request, curable=refusal.retryable)
            return False
        self._culprits |= {name: (said, refusal.retryable) for name, said in verdict.culprits.items()}
        return True

    def _refuse_all(self, words: str, *, curable: bool = False) -> None:
        """Make the site wait: DRS refuses the request whatever instances it names."""
        self._culprits.clear()
        self._request_is_refused = True
        if curable:
            self._hold(words)
            return
        before = next((hold for hold in self._load().termination.holds if hold.site == self.site), None)
        self._hold(words, refusals=1 + (before.refusals if before is not None else 0))
