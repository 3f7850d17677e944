"""Where the state of circuits is kept: in a table that all functions share, or in one execution environment.

Loaded when the first circuit is made. A table that does not answer opens no circuit and closes none: calls are made as
if all were closed, and it is asked again once what was read last is too old (`circuit_breaker.SHARED_WITHIN_SECONDS`).
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
    CircuitBreakerPersistenceLayer,
    CircuitStateRecord,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import CircuitBreakerExistingLockError
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState
from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger(__name__)

PARTITION: Final = "CIRCUITS"
"""All circuits are items of one partition, so that one Query lists them."""
KEY: Final = "id"
SORT_KEY: Final = "name"
_WORTH_ONE_CALL: Final = 2


class SharedStates(CircuitBreakerDynamoDBPersistence):
    """The state of circuits in the table that all functions share."""

    def __init__(self, client: Any, table_name: str) -> None:
        """Keep a DynamoDB client and the table's name."""
        super().__init__(
            table_name, key_attr=KEY, static_pk_value=PARTITION, sort_key_attr=SORT_KEY, boto3_client=client
        )

    def recorded(self) -> list[CircuitStateRecord]:
        """Read every circuit that ever opened and was not forgotten since; what DynamoDB raises passes through."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table_name,
            KeyConditionExpression="#id = :id",
            ExpressionAttributeNames={"#id": KEY},
            ExpressionAttributeValues={":id": {"S": PARTITION}},
        )
        return [self._item_to_record(item) for page in pages for item in page["Items"]]

    def key_of(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the table and the key of a circuit's record, for a call that reads it beside other items."""
        return self.table_name, self._get_key(name)

    def keep(self, name: str, item: dict[str, Any] | None) -> None:
        """Go by a record that was read beside other items, unless this environment still goes by a fresh one."""
        if self._retrieve_from_cache(name) is None:
            closed = CircuitStateRecord(name=name, state=CircuitState.CLOSED)
            self._save_to_cache(self._item_to_record(item) if item else closed)

    def read_together(self, names: Iterable[str]) -> None:
        """Read in one call the circuits that would be read one by one; after a refusal of that call they still are."""
        stale = [name for name in names if self._retrieve_from_cache(name) is None]
        if len(stale) < _WORTH_ONE_CALL:
            return
        gets: Any = [{"Get": {"TableName": self.table_name, "Key": self._get_key(name)}} for name in stale]
        found: Any = [{} for _ in stale]
        try:
            found = self.client.transact_get_items(TransactItems=gets)["Responses"]
        except ClientError as refusal:
            logger.info("states of %d circuits are read one by one: %s", len(stale), refusal)
            return
        except FAULTS as error:
            logger.warning("states of circuits %s not readable, they count as closed: %s", ", ".join(stale), error)
        for name, record in zip(stale, found, strict=True):
            self.keep(name, record.get("Item") or None)

    def _get_record(self, name: str) -> CircuitStateRecord | None:
        try:
            return super()._get_record(name)
        except FAULTS as error:
            logger.warning("state of circuit %s not readable, it counts as closed: %s", name, error)
            return None

    def _put_record(
        self, record: CircuitStateRecord, condition: str | None = None, expected_opened_at: int | None = None
    ) -> None:
        self._written(record, lambda: super(SharedStates, self)._put_record(record, condition, expected_opened_at))

    def _update_record(self, record: CircuitStateRecord) -> None:
        self._written(record, lambda: super(SharedStates, self)._update_record(record))

    @staticmethod
    def _written(record: CircuitStateRecord, write: Callable[[], None]) -> None:
        """Write what the others should know; this environment goes by it either way."""
        try:
            write()
        except FAULTS as error:
            logger.warning("circuit %s is %s for this environment only: %s", record.name, record.state, error)


class LocalStates(CircuitBreakerPersistenceLayer):
    """The state of circuits in this execution environment."""

    def __init__(self) -> None:
        """Begin with every circuit closed."""
        super().__init__()
        self._records: dict[str, CircuitStateRecord] = {}
        self._writing = threading.Lock()

    def _get_record(self, name: str) -> CircuitStateRecord | None:
        return self._records.get(name)

    def _put_record(
        self, record: CircuitStateRecord, condition: str | None = None, expected_opened_at: int | None = None
    ) -> None:
        with self._writing:
            known = self._records.get(record.name)
            if condition is not None and not _may_probe(known, expected_opened_at):
                raise CircuitBreakerExistingLockError
            self._records[record.name] = record

    def _update_record(self, record: CircuitStateRecord) -> None:
        with self._writing:
            self._records[record.name] = record


def _may_probe(known: CircuitStateRecord | None, opened_at: int | None) -> bool:
    """Return whether a thread may probe an open circuit, or take over from a probe that never came back."""
    if known is None:
        return False
    if known.state is CircuitState.OPEN:
        return known.opened_at == opened_at
    return known.state is CircuitState.HALF_OPEN and int(time.time()) >= (known.probe_lease_expiry or 0)
