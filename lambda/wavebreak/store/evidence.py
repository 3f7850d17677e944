"""What is kept beside an execution for its evidence: logs of its jobs, the report that is owed, and the call to DRS.

None of these items is read by a round of the machines: they sort before what a round reads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import error_code
from wavebreak.store import keys
from wavebreak.store.execution_writes import read_event
from wavebreak.store.table import Write, to_attributes
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.store.table import Item, Table

_REFUSED: Final = "ConditionalCheckFailedException"


class Turn(Value):
    """What is stored of asking DRS for the progress of an execution."""

    mine: bool
    """Whether this caller is the one that asks now."""
    as_of: datetime | None
    """When every site last answered; None before that."""
    usual: str | None
    """What was found out of earlier runs, as its finder wrote it; None before that."""


class Kept(Value):
    """What a report takes from beside the state of an execution."""

    document: dict[str, Any] | None
    """The plan that was frozen."""
    trail: list[Item]
    """The events of the audit trail, oldest first."""
    logs: list[tuple[str, str]]
    """Of its DRS jobs: the job's id, and the text that was kept."""


def owed(execution_id: str, sequence: int, at: str) -> Write:
    """Write that a report is due which covers an event and all before it."""
    item = {
        "pk": keys.execution(execution_id),
        "sk": keys.EVIDENCE,
        "outboxPk": keys.EVIDENCE_OWED,
        "at": at,
        "sequence": sequence,
    }
    return Write("evidence", "Put", item)


def whole_log(execution_id: str, job_id: str, text: str) -> Write:
    """Write the log of a job that was read after the job's end; it replaces one that was not whole."""
    return Write(f"log-{job_id}", "Put", _log_record(execution_id, job_id, text, whole=True))


def _log_record(execution_id: str, job_id: str, text: str, *, whole: bool) -> Item:
    return {"pk": keys.execution(execution_id), "sk": keys.job_log(job_id), "log": text, "whole": whole}


class EvidenceStore:
    """Items of executions that their evidence is made of."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def keep_partial_log(self, execution_id: str, job_id: str, text: str) -> None:
        """Keep what a job's log has so far, unless the whole log is there (`whole_log`)."""
        try:
            self.table.client.put_item(
                TableName=self.table.name,
                Item=to_attributes(_log_record(execution_id, job_id, text, whole=False)),
                ConditionExpression="attribute_not_exists(whole) OR whole = :no",
                ExpressionAttributeValues={":no": {"BOOL": False}},
            )
        except ClientError as error:
            if error_code(error) != _REFUSED:
                raise

    def logs(self, execution_id: str) -> list[tuple[str, str]]:
        """Read the logs of an execution's jobs: the job's id, and the text that was kept."""
        end = f"{keys.JOB_LOG_PREFIX}~"
        return _logs_among(self.table.query(keys.execution(execution_id), sk_from=keys.JOB_LOG_PREFIX, sk_to=end))

    def kept(self, execution_id: str, last: int) -> Kept:
        """Read the frozen plan, the logs, and the trail up to its event `last`: by one query, as they sort together."""
        items = list(self.table.query(keys.execution(execution_id), sk_from=keys.DOCUMENT, sk_to=keys.event(last)))
        document = next((json.loads(item["document"]) for item in items if item["sk"] == keys.DOCUMENT), None)
        trail = [read_event(item) for item in items if str(item["sk"]).startswith(keys.EVENT_PREFIX)]
        return Kept(document, trail, _logs_among(items))

    def owes(self, execution_id: str) -> int | None:
        """Return the event that a report is owed of; None when none is."""
        item = self.table.get(keys.execution(execution_id), keys.EVIDENCE)
        return int(item["sequence"]) if item and "outboxPk" in item else None

    def paid(self, execution_id: str, sequence: int) -> None:
        """Note that a report was written that covers an event; a later one may be owed by now, and stays so."""
        self.table.update_if(
            (keys.execution(execution_id), keys.EVIDENCE),
            "REMOVE outboxPk",
            {":told": sequence},
            condition="attribute_exists(pk) AND #sequence <= :told",
            names={"#sequence": "sequence"},
        )

    def owing(self, before: datetime) -> list[str]:
        """List executions that owe a report since before a moment, the longest owing first."""
        waiting = self.table.waiting(keys.EVIDENCE_OWED, before)
        return [keys.execution_id_of_key(str(item["pk"])) for item in waiting]

    def turn(self, execution_id: str, now: datetime, since: datetime) -> Turn:
        """Take the turn to ask DRS for the progress of an execution, unless another call took it after `since`."""
        values = {":now": iso(now), ":since": iso(since)}
        condition = "attribute_not_exists(askedAt) OR askedAt <= :since"
        item = self.table.update_if(_progress(execution_id), "SET askedAt = :now", values, condition=condition)
        mine = item is not None
        known = item or self.table.get(*_progress(execution_id)) or {}
        as_of = known.get("asOf")
        return Turn(mine, parse_iso(as_of) if as_of else None, known.get("usual"))

    def answered(self, execution_id: str, now: datetime) -> None:
        """Note that every site answered."""
        self.table.update_if(_progress(execution_id), "SET asOf = :now", {":now": iso(now)})

    def found_usual(self, execution_id: str, text: str) -> None:
        """Keep what was found out of earlier runs."""
        self.table.update_if(_progress(execution_id), "SET usual = :text", {":text": text})


def _logs_among(items: Iterable[Item]) -> list[tuple[str, str]]:
    texts = ((str(item["sk"]), str(item.get("log"))) for item in items)
    return [(sk.removeprefix(keys.JOB_LOG_PREFIX), text) for sk, text in texts if sk.startswith(keys.JOB_LOG_PREFIX)]


def _progress(execution_id: str) -> tuple[str, str]:
    return keys.execution(execution_id), keys.PROGRESS
