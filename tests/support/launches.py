"""The launcher by itself: an execution in memory, written down and read back at every change, and a DRS that refuses.

Time stands still within a round and passes between rounds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import EndpointConnectionError
from tests.support.execution_builders import NOW, TIMING, execution, server_id, wave
from tests.support.fake_app import FakeApp, KeptErrors
from tests.support.memory_table import MemoryTable
from tests.support.unasked import UnaskedDrs, no_templates

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import JOBS_QUOTA, Instance, Quotas, RecentJob, SourceServer
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.engine import Directive, decide
from wavebreak.domain.executions.launching.launch_tags import job_tags
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.observing.launches import JobView, Observation, ServerView
from wavebreak.execution_utils import WaveStatus
from wavebreak.store.executions import ExecutionStore
from wavebreak.store.latest_states import Snapshot
from wavebreak.store.locks import LockStore
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.store.wake_tokens import Token
from wavebreak.use_cases.launch_wave import start_wave
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.site import Site
    from wavebreak.store.locks import Held

ROUND: Final = timedelta(seconds=31)
ENOUGH: Final = Quotas(jobs=1000, servers_a_job=100, servers_in_jobs=100_000)


class Way(Enum):
    """How DRS refuses a call that names one at fault."""

    CONFLICT = auto()
    VALIDATION = auto()
    NAMED = auto()
    """AccessDeniedException with the ARN of the one at fault."""
    QUOTA = auto()
    """A quota of its own that nobody has heard of."""
    FAULT = auto()
    """5xx; nothing was started."""
    THROTTLE = auto()
    """429 whenever it is named."""


_WORDS: Final = {
    Way.CONFLICT: ("ConflictException", "not ready", 409),
    Way.VALIDATION: ("ValidationException", "Invalid recovery snapshot", 400),
    Way.NAMED: ("AccessDeniedException", "not authorized on arn:aws:drs:us-east-1:1:source-server/{}", 403),
    Way.QUOTA: ("ServiceQuotaExceededException", "one job a server", 402),
    Way.THROTTLE: ("ThrottlingException", "slow down", 429),
}
PASSING: Final = frozenset({Way.CONFLICT, Way.QUOTA, Way.FAULT, Way.THROTTLE})
"""What may pass: these servers wait; the others have failed."""


@dataclass
class Started:
    """A job that DRS started."""

    job_id: str
    servers: tuple[str, ...]
    tags: Mapping[str, str]
    drill: bool
    ended: bool = False
    hidden: int = 0
    """Looks that do not show it yet."""


@dataclass
class RefusingDrs(UnaskedDrs):
    """DRS as far as a launch needs it. `culprits` tells for whom it refuses a call, `request` whether for everybody."""

    culprits: dict[str, Way] = field(default_factory=dict)
    request: Way | None = None
    quotas: Quotas = ENOUGH
    hides: int = 0
    """Looks that do not show a job that was started yet."""
    lost: set[int] = field(default_factory=set)
    """Calls, by their number, that start a job and are answered by a fault."""
    started: list[Started] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    servers: set[str] = field(default_factory=set)
    over_quota: int = 0
    running: list[Instance] = field(default_factory=list)
    """Recovery instances."""
    instance_of: dict[str, str] = field(default_factory=dict)
    last_launches: dict[str, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Reads that get no answer."""

    def start_recovery(self, servers: Sequence[Server], /, *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Start a job for all of a batch, or for none."""
        names = tuple(server.source_server_id for server in servers)
        self.calls.append(names)
        self._refuse(names)
        active = [job for job in self.started if not job.ended]
        assert not set(names) & {name for job in active for name in job.servers}, "a server is in two jobs"
        if len(active) >= self.quotas.jobs:
            self.over_quota += 1
            raise CallRejectedError("ServiceQuotaExceededException", "too many jobs", JOBS_QUOTA, 402)
        job = Started(f"drsjob-{len(self.started):017d}", names, tags, is_drill, hidden=self.hides)
        self.started.append(job)
        if len(self.calls) in self.lost:
            raise OutcomeUnknownError("InternalServerException (500)")
        return job.job_id

    def _refuse(self, names: tuple[str, ...]) -> None:
        at_fault = next((name for name in names if name in self.culprits), None)
        way = self.request or (self.culprits[at_fault] if at_fault else None)
        if way is None:
            return
        if way is Way.FAULT:
            raise OutcomeUnknownError("InternalServerException (500)")
        code, text, status = _WORDS[way]
        raise CallRejectedError(code, text.format(at_fault or names[0]), None, status)

    def recent_jobs(self, _now: datetime, /) -> list[RecentJob]:
        """List the jobs that this look shows."""
        self._read("DescribeJobs")
        return [
            RecentJob(
                job.job_id,
                "LAUNCH",
                frozenset(job.servers),
                job.tags,
                job.ended,
                initiated_by="START_DRILL" if job.drill else "START_RECOVERY",
            )
            for job in self._shown()
        ]

    def _read(self, operation: str) -> None:
        self.reads[operation] += 1
        if operation in self.silent:
            raise EndpointConnectionError(endpoint_url="https://drs")

    def find_launches(self, execution_id: str, intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]:
        """Find jobs by their tags."""
        self._read("DescribeJobs")
        tags = {intent.key: job_tags(execution_id, intent) for intent in intents}
        return {key: job.job_id for job in self._shown() for key, wanted in tags.items() if job.tags == wanted}

    def _shown(self) -> list[Started]:
        shown = [job for job in self.started if not job.hidden]
        for job in self.started:
            job.hidden = max(0, job.hidden - 1)
        return shown

    def source_servers(self, ids: Sequence[str], /) -> dict[str, SourceServer]:
        """Describe source servers."""
        self._read("DescribeSourceServers")
        return {
            name: SourceServer(name, "CONTINUOUS", None, self.instance_of.get(name), self.last_launches.get(name))
            for name in ids
            if not self.servers or name in self.servers
        }

    def every_instance(self, ids: Sequence[str], /) -> list[Instance]:
        """List the recovery instances of source servers."""
        self._read("DescribeRecoveryInstances")
        return [instance for instance in self.running if instance.source_server_id in ids]

    @property
    def launched(self) -> set[str]:
        """Every server that DRS launches."""
        return {name for job in self.started for name in job.servers}


class Store(ExecutionStore):
    """An execution in memory: what is not written down is forgotten."""

    def __init__(self, born: Execution) -> None:
        super().__init__(MemoryTable())
        self.present = born

    def load(self, execution_id: str) -> Snapshot:
        """Read the execution."""
        assert execution_id == self.present.execution_id
        return Snapshot(self.present, Token(), Token())

    def change(
        self,
        execution_id: str,
        decide: Callable[[Execution], Execution],
        act: Attribution,
        details: Mapping[str, Any] | None = None,
        held: Held | None = None,
        known: Execution | None = None,
    ) -> Execution:
        """Change the execution; what the caller knew of it is never older than what is present."""
        assert (execution_id, details, held) == (self.present.execution_id, None, None), act
        assert known is None or known.version <= self.present.version
        after = decide(self.present)
        if after != self.present:
            self.present = replace(after, version=after.version + 1)
        return self.present

    def read_back(self) -> None:
        """Go on with what is written down."""
        after, identifier = self.present, self.present.execution_id
        read = read_execution(
            [
                meta_record(after),
                *(wave_record(identifier, each) for each in after.waves),
                *(item for each in after.waves for item in server_records(identifier, each)),
                *(job_record(identifier, job) for job in after.jobs),
            ]
        )
        assert read == after
        self.present = read


class OwnLocks(LockStore):
    """Locks that are all the execution's own."""

    def held_of(self, execution: Execution, partitions: Sequence[str], now: datetime) -> frozenset[str]:
        """Return all of them."""
        del execution, now
        return frozenset(partitions)


class LaunchApp(FakeApp):
    """What launches."""

    templates_at = staticmethod(no_templates)

    def __init__(self, now: Callable[[], datetime], store: Store, drs: RefusingDrs, errors: KeptErrors) -> None:
        super().__init__(now, timing=TIMING, errors=errors)
        self.executions = store
        self.locks = OwnLocks(MemoryTable())
        self._drs = drs

    def drs_at(self, _site: Site, /) -> RefusingDrs:
        """Give the one DRS."""
        return self._drs

    def quotas_at(self, _site: Site, /) -> Quotas:
        """Give its quotas."""
        return self._drs.quotas


class Launch:
    """A wave that is started round after round by the real launcher."""

    def __init__(self, size: int, drs: RefusingDrs, *, mode: Mode = Mode.RECOVERY) -> None:
        self.names = [server_id(number) for number in range(1, size + 1)]
        only = wave(1, WaveStatus.IN_PROGRESS, servers=tuple(map(Server, self.names)), timeout_minutes=10_000)
        self.store = Store(execution(only, mode=mode))
        self.drs = drs
        self.now = NOW
        self.rounds = 0
        self.errors = KeptErrors()
        self.app = LaunchApp(lambda: self.now, self.store, drs, self.errors)

    @property
    def execution(self) -> Execution:
        """The execution as it stands."""
        return self.store.present

    def server(self, name: str) -> Server:
        """Give a server as it stands."""
        return next(server for server in self.execution.waves[0].servers if server.source_server_id == name)

    def status(self, name: str) -> LaunchStatus:
        """Give a server's launch status."""
        return self.server(name).launch_status

    def observe(self) -> Directive:
        """Have the engine look, and write what it decides."""
        views = {
            job.job_id: JobView(
                job.ended,
                {
                    name: ServerView(LaunchStatus.LAUNCHED if job.ended else LaunchStatus.IN_PROGRESS, f"i-{name[2:]}")
                    for name in job.servers
                },
            )
            for job in self.drs.started
        }
        decision = decide(self.execution, Observation(views), self.now, TIMING)
        self.store.change(
            self.execution.execution_id, lambda _: decision.execution, Attribution(ENGINE_ACTOR, self.now)
        )
        return decision.directive

    def round(self) -> bool:
        """Start what is due, and let time pass; tells whether anything was due."""
        due = self.observe() is Directive.START
        if due:
            self.rounds += 1
            start_wave(self.app, self.execution.execution_id, 1)
            self.store.read_back()
        self.now += ROUND
        return due

    def jobs_end(self) -> None:
        """Have every job come to its end."""
        for job in self.drs.started:
            job.ended = True
