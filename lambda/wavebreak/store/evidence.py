"""What is kept beside an execution for its evidence: logs of its jobs, the report that is owed, and the call to DRS.

None of these items is read by a round of the machines: they sort before what a round reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import error_code
from wavebreak.store import keys
from wavebreak.store.table import Write, to_attributes
from wavebreak.timing import iso, parse_iso
from wavebreak.values import Value

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.store.table import Table

_REFUSED: Final = "ConditionalCheckFailedException"


class Turn(Value):
    """What is stored of asking DRS for the progress of an execution."""

    mine: bool
    """Whether this caller is the one that asks now."""
    as_of: datetime | None
    """When every site last answered; None before that."""
    usual: str | None
    """What was found out of earlier runs, as its finder wrote it; None before that."""


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


class EvidenceStore:
    """Items of executions that their evidence is made of."""

    def __init__(self, table: Table) -> None:
        """Keep the table."""
        self.table = table

    def keep_log(self, execution_id: str, job_id: str, text: str, *, whole: bool) -> None:
        """Keep the log of a job; one that is whole, read after the job's end, is not replaced by one that is not."""
        pk = keys.execution(execution_id)
        item = {"pk": pk, "sk": keys.job_log(job_id), "log": text, "whole": whole}
        asked: dict[str, Any] = {}
        if not whole:
            asked["ConditionExpression"] = "attribute_not_exists(whole) OR whole = :no"
            asked["ExpressionAttributeValues"] = {":no": {"BOOL": False}}
        try:
            self.table.client.put_item(TableName=self.table.name, Item=to_attributes(item), **asked)
        except ClientError as error:
            if error_code(error) != _REFUSED:
                raise

    def logs(self, execution_id: str) -> list[tuple[str, str]]:
        """Read the logs of an execution's jobs: the job's id, and the text that was kept."""
        end = f"{keys.JOB_LOG_PREFIX}~"
        items = self.table.query(keys.execution(execution_id), sk_from=keys.JOB_LOG_PREFIX, sk_to=end)
        return [(str(item["sk"]).removeprefix(keys.JOB_LOG_PREFIX), str(item["log"])) for item in items]

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


def _progress(execution_id: str) -> tuple[str, str]:
    return keys.execution(execution_id), keys.PROGRESS
