"""DRS of a history, with others at work beside each call: it refuses what it is told to, and functions die at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.support.process_death import Killed

from wavebreak.aws.drs import Drs
from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from random import Random

    from botocore.exceptions import ClientError
    from tests.support.single_tasks import Life

    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.observing.launches import JobView
    from wavebreak.domain.launch_templates.model import LaunchConfiguration

_BY_SERVER: Final = ("describe_source_servers", "describe_recovery_instances")
STALE_SECONDS: Final = 12
"""How long a job may not be shown yet."""


@dataclass
class Fate:
    """What comes between a task and DRS: others at work, or its death."""

    dice: Random
    life: Life | None = None
    trouble: dict[str, Exception] = field(default_factory=dict)
    """What StartRecovery says of calls that name a server."""
    unread: dict[str, ClientError] = field(default_factory=dict)
    """What DRS says of reads that name a server."""
    once_in_trouble: set[str] = field(default_factory=set)
    taken: Callable[[str], bool] = lambda _server: False
    """Tells whether a RECOVERY has a server."""

    def meanwhile(self, chance: float) -> None:
        """Let an operator act, perhaps."""
        life, self.life = self.life, None
        if life is not None and self.dice.random() < chance:
            life.somebody_acts()
        self.life = life

    def hides(self, job: Mapping[str, Any]) -> bool:
        """Tell whether a read does not show a job yet."""
        if self.life is None:
            return False
        age = self.life.clock.now() - parse_iso(job["creationDateTime"])
        return age.total_seconds() < STALE_SECONDS and self.dice.random() < 0.4

    def refuses(self, servers: Iterable[str]) -> None:
        """Refuse a call that names a server in trouble."""
        for name in servers:
            if name in self.trouble:
                raise self.trouble[name]

    def tells_nothing(self, servers: Iterable[str]) -> None:
        """Refuse a read that names a server that DRS does not report."""
        for name in servers:
            if name in self.unread:
                raise self.unread[name]

    def strikes(self) -> None:
        """Have the function die here, seldom."""
        if self.life is not None and self.dice.random() < 0.1:
            raise Killed


class FatefulDrs(Drs):
    """DRS, with others at work beside each call."""

    fate: Fate

    def jobs(self, job_ids: Sequence[str]) -> tuple[dict[str, JobView], frozenset[str]]:
        """Describe jobs; what was read of the execution may be old by then."""
        self.fate.meanwhile(0.8)
        return super().jobs(job_ids)

    def _pages(self, operation: str, *, client: Any = None, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Read; a job that was started a moment ago is shown by some reads only, and of some servers none tells."""
        if operation in _BY_SERVER:
            self.fate.tells_nothing(parameters["filters"].get("sourceServerIDs", ()))
        for item in super()._pages(operation, client=client, **parameters):
            if operation != "describe_jobs" or not self.fate.hides(item):
                yield item

    def launch_configuration(self, source_server_id: str) -> LaunchConfiguration:
        """Read how a source server is launched, if DRS tells."""
        self.fate.tells_nothing([source_server_id])
        return super().launch_configuration(source_server_id)

    def start_recovery(self, servers: Sequence[Server], *, is_drill: bool, tags: Mapping[str, str]) -> str:
        """Start a job, between whose intent, call and record anything may happen; some servers it is refused for."""
        held = [server.source_server_id for server in servers if is_drill and self.fate.taken(server.source_server_id)]
        assert not held, f"a drill called for {held}, which a recovery holds"
        self.fate.meanwhile(0.35)
        self.fate.strikes()
        self.fate.refuses(server.source_server_id for server in servers)
        job_id = super().start_recovery(servers, is_drill=is_drill, tags=tags)
        self.fate.strikes()
        self.fate.meanwhile(0.35)
        return job_id

    def terminate(self, recovery_instance_ids: Sequence[str]) -> str:
        """Terminate instances; the function may die before or after."""
        self.fate.strikes()
        job_id = super().terminate(recovery_instance_ids)
        self.fate.strikes()
        return job_id
