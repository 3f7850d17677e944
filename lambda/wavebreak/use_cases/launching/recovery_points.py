"""Recovery points of an execution that recovers to a moment, read before StartRecovery (contract 4, `before`).

A server that was given a point of its own keeps that. One that has none early enough fails alone; one of which DRS does
not report any waits, and holds up no other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import DESCRIBE_SNAPSHOTS, RecoveryPoint, Trouble
from wavebreak.timing import iso
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.ports.drs import DrsPoints


class LeftOut(Value):
    """Servers that cannot be started now: those that have failed, and those that wait, each with the reason."""

    failed: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)


class RecoveryPoints:
    """The points that the servers of one round come from."""

    def __init__(self, drs: DrsPoints, servers: Iterable[Server], before: datetime | None) -> None:
        """Keep the adapter of the site, its servers, and the latest permitted time of a recovery point."""
        self._drs = drs
        self._before = before
        self._chosen = {server.source_server_id for server in servers if server.snapshot_id}
        self._found: dict[str, str] = {}

    def find(self, batch: Sequence[str]) -> LeftOut:
        """Read the points of a batch; return the servers without one, and those that DRS did not report."""
        before = self._before
        if before is None:
            return LeftOut()
        names = [name for name in batch if name not in self._chosen and name not in self._found]
        questions = [Question(DESCRIBE_SNAPSHOTS, partial(self._drs.newest_point, name, before)) for name in names]
        failed: dict[str, str] = {}
        waiting: dict[str, str] = {}
        for name, answer in zip(names, Asking().all(questions), strict=True):
            if isinstance(answer, RecoveryPoint):
                self._found[name] = answer.snapshot_id
            elif isinstance(answer, Trouble) and answer.denied:
                failed[name] = f"DRS does not report its recovery points: {answer.reason}"
            elif isinstance(answer, Trouble):
                waiting[name] = f"Waits for DRS to report its recovery points: {answer.reason}"
            else:
                failed[name] = f"DRS has no recovery point of it from {iso(before)} or earlier"
        return LeftOut(failed, waiting)

    def of(self, server: Server) -> Server:
        """Return a server as StartRecovery is to be called for it."""
        point = self._found.get(server.source_server_id)
        return replace(server, snapshot_id=point) if point else server
