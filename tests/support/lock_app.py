"""What the world of locks runs on: real stores and use cases, locks that note what is left, an empty DRS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import EndpointConnectionError
from tests.support.fake_app import FakeApp, NoErrors
from tests.support.unasked import UnaskedDrs, no_agents

from wavebreak.domain.executions.model.executions import Execution, Mode
from wavebreak.store.locks import LockStore, server_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from tests.support.memory_table import MemoryTable

    from wavebreak.domain.drs import Instance, SourceServer
    from wavebreak.ports.drs import DrsReads
    from wavebreak.site import Site
    from wavebreak.store.locks import Held


class SilentDrs(UnaskedDrs):
    """DRS with nothing in it."""

    def __init__(self) -> None:
        self.answers = True

    def instances(self, servers: Sequence[str], /) -> list[Instance]:
        """Show no instance."""
        del servers
        if not self.answers:
            raise EndpointConnectionError(endpoint_url="https://drs.example")
        return []

    def source_servers(self, servers: Sequence[str], /) -> dict[str, SourceServer]:
        """Know no server."""
        del servers
        if not self.answers:
            raise EndpointConnectionError(endpoint_url="https://drs.example")
        return {}


class NotedLocks(LockStore):
    """Locks that note which of them a call left to recoveries."""

    def __init__(self, table: MemoryTable) -> None:
        super().__init__(table)
        self.left: dict[tuple[str, str | None], set[str]] = {}

    def take(self, execution: Execution, call: str, now: datetime, **how: bool) -> Held:
        """Take locks: all of them, but for those that recoveries hold in a drill's termination."""
        held = super().take(execution, call, now, **how)
        left = set(server_keys(execution)) - set(held.partitions)
        assert not left or (execution.mode is Mode.DRILL and execution.is_terminal and how["leave_recoveries"])
        self.left[execution.execution_id, call] = left
        return held


class LockApp(FakeApp):
    """What starts, steers and ends executions."""

    ssm_at = staticmethod(no_agents)

    def __init__(self, now: Callable[[], datetime], table: MemoryTable, drs: DrsReads) -> None:
        super().__init__(now, table, errors=NoErrors())
        self.locks: NotedLocks = NotedLocks(table)
        self._drs = drs

    def drs_at(self, _site: Site, /) -> DrsReads:
        """Give the one DRS."""
        return self._drs

    def brief_drs_at(self, _site: Site, /) -> DrsReads:
        """Give the one DRS."""
        return self._drs
