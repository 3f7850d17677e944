"""What DRS shows before StartRecovery is called: the servers in a job, the room for jobs, and the servers it knows."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.aws.reads_by_id import partly
from wavebreak.domain.drs import Quotas, RecentJob, room_for
from wavebreak.domain.executions.model.jobs import JobKind
from wavebreak.use_cases.drill_guard import Spared, recovers, spared

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wavebreak.domain.drs import SourceServer
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasClock, HasQuotas, HasTiming
    from wavebreak.ports.drs import DrsLaunches
    from wavebreak.site import Site

    class Ports(HasClock, HasQuotas, HasTiming, Protocol):
        """What a read of the site before a launch needs."""


_FRESH_SECONDS: Final = 5
"""How long a read counts while batch after batch is tried: a refusal changes nothing of it."""
_UNKNOWN: Final = "DRS knows no source server of this id"


class SiteView:
    """A site as DRS shows it. It is read again when it is old, and for a drill before every call."""

    def __init__(self, app: Ports, site: Site, drs: DrsLaunches, *, drill: bool) -> None:
        """Keep the app, the site and its adapter; nothing is asked yet."""
        self.drs = drs
        self.drill = drill
        self._app = app
        self._site = site
        self._recent: list[RecentJob] = []
        self._seen_at: float | None = None
        self._known: dict[str, SourceServer] = {}

    def renew(self) -> None:
        """Discard old answers, so that they are asked for again."""
        if self._seen_at is not None and time.monotonic() - self._seen_at > _FRESH_SECONDS:
            self._forget()

    def called(self) -> None:
        """Record that StartRecovery was called: a drill reads again before the next call."""
        if self.drill:
            self._forget()

    def _forget(self) -> None:
        self._seen_at = None
        self._known = {}

    def jobs(self) -> list[RecentJob]:
        """Return the jobs of the last days, everybody's, ended or not."""
        if self._seen_at is None:
            self._recent = self.drs.recent_jobs(self._app.now())
            self._seen_at = time.monotonic()
        return self._recent

    def busy(self) -> dict[str, str]:
        """Return the servers in an active job of another caller, each with that job's id: they wait for its end.

        A drill does not wait for a recovery's job: its servers in one have failed (`spared`).
        """
        jobs = (job for job in self.jobs() if not job.ended and not (self.drill and recovers(job)))
        return {server: job.job_id for job in jobs for server in job.servers}

    def room(self, execution: Execution, unknown: Collection[tuple[int, int, int]] = ()) -> tuple[int, int]:
        """Return how many servers one more job may take, and how many more jobs there may be.

        Jobs of this execution that DRS does not show yet count too, and so do calls that others make at this moment.
        Those that DRS answered with a fault just now (`unknown`, by their keys) do not: it seldom did what they asked
        for, and where it did, the next call is refused and nothing is lost.
        """
        active = [job for job in self.jobs() if not job.ended]
        shown = {job.job_id for job in self.jobs()}
        active += [
            RecentJob(job.job_id or "", JobKind.LAUNCH, frozenset(job.subjects), {})
            for job in execution.launch_jobs()
            if job.site == self._site and job.in_flight and job.job_id not in shown and job.key not in unknown
        ]
        quotas: Quotas = self._app.quotas_at(self._site)
        return room_for(quotas, active), max(0, quotas.jobs - len(active))

    def absent(self, servers: Sequence[str]) -> Spared:
        """Return the servers that DRS does not know, before the call that one of them would spoil for all.

        A server that is not shown is asked for once more: a read of DRS may be older than it. One that DRS does not
        report waits.
        """
        unreported: dict[str, str] = {}
        for _ in range(2):
            unseen = [name for name in servers if name not in self._known and name not in unreported]
            if not unseen:
                break
            found, troubles = partly(partial(self._described, unseen))
            self._known |= {server.source_server_id: server for server in found}
            unreported |= troubles
        unknown = {name: _UNKNOWN for name in servers if name not in self._known and name not in unreported}
        return Spared(unknown, unreported)

    def _described(self, servers: Sequence[str]) -> Collection[SourceServer]:
        return self.drs.source_servers(servers).values()

    @property
    def known(self) -> Mapping[str, SourceServer]:
        """What DRS reported about the servers that `absent` asked for."""
        return self._known

    def spared(self, servers: Sequence[str], errors_before: Mapping[str, str | None]) -> Spared:
        """Return the servers that a drill must not launch now; `errors_before` is what each waits for."""
        if not self.drill:
            return Spared({}, {})
        known = {name: self._known[name] for name in servers}
        return spared(self.drs, known, self.jobs(), errors_before, self._app.now() - self._app.timing.settle)
