"""Executions as the rounds of the machines read them: whole after a change, else their version and their tokens.

A round that waits for DRS finds the execution as the round before left it, nearly always. An execution environment
keeps the last states that it read. Where META still has that version, nothing else of the execution has changed:
every change of it raises the version in the same transaction (`ExecutionStore.save`). So what such a round reads does
not grow with the plan. A state that this environment saved itself is kept as a read would give it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.store import keys
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.store.table import from_attributes, to_attributes
from wavebreak.store.wake_tokens import read_token
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.store.table import Attributes, Item, Key, Table
    from wavebreak.store.wake_tokens import Token

logger = logging.getLogger(__name__)

_KEPT: Final = 8
"""Executions of which an environment keeps a state."""
_OWN: Final = (keys.META, keys.TOKEN, keys.TERMINATION_TOKEN)


class Snapshot(Value):
    """An execution and its wake tokens as one consistent read found them."""

    execution: Execution
    token: Token
    termination_token: Token


class Beside(Protocol):
    """What a round needs of other tables, read in the same call."""

    def wanted(self, execution: Execution) -> Mapping[str, Key]:
        """Return what to read for an execution, by names of its own."""

    def keep(self, found: Mapping[str, Attributes | None]) -> None:
        """Take what was found; None for what does not exist."""


class LatestStates:
    """The last states that this environment read, each brought up to date by one read."""

    def __init__(self, table: Table, load: Callable[[str], Snapshot], beside: Beside | None = None) -> None:
        """Keep the table, what reads a whole execution, and what is read beside it."""
        self.table = table
        self.beside = beside
        self._load = load
        self._known: OrderedDict[str, Snapshot] = OrderedDict()

    def load(self, execution_id: str) -> Snapshot:
        """Return an execution as it is now, with its tokens; raise NotFound, and what DynamoDB raises."""
        known = self._known.pop(execution_id, None)
        snapshot = (known and self._renewed(known)) or self._load(execution_id)
        self._known[execution_id] = snapshot
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return snapshot

    def saved(self, execution: Execution) -> None:
        """Go by a state that was just saved, as a read of it gives it, where an earlier one is kept."""
        known = self._known.get(execution.execution_id)
        read = read_execution(from_attributes(to_attributes(item)) for item in _records(execution)) if known else None
        if known and read:
            self._known[execution.execution_id] = replace(known, execution=read)

    def _renewed(self, known: Snapshot) -> Snapshot | None:
        """Return a known state with its tokens as they are now; None if its version is gone, or cannot be seen so."""
        execution = known.execution
        beside = self.beside.wanted(execution) if self.beside else {}
        pk = keys.execution(execution.execution_id)
        own: Sequence[Key] = [(None, to_attributes({"pk": pk, "sk": sk})) for sk in _OWN]
        try:
            found = self.table.get_together([*own, *beside.values()])
        except ClientError as refusal:
            # Just being written, or no right to the other table: what is read one by one is as good.
            logger.info("execution %s is read whole: %s", execution.execution_id, refusal)
            return None
        if self.beside:
            self.beside.keep(dict(zip(beside, found[len(_OWN) :], strict=True)))
        meta, token, other = (item and from_attributes(item) for item in found[: len(_OWN)])
        if meta is None or int(meta["version"]) != execution.version:
            return None
        return replace(known, token=read_token(token), termination_token=read_token(other))


def _records(execution: Execution) -> Iterator[Item]:
    """Yield the items that an execution is read from."""
    yield meta_record(execution)
    for wave in execution.waves:
        yield wave_record(execution.execution_id, wave)
        yield from server_records(execution.execution_id, wave)
    for job in execution.jobs:
        yield job_record(execution.execution_id, job)
