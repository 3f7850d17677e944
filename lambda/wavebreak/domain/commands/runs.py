"""A command run and its targets as they are stored and moved on.

A target waits, is about to be sent to, was sent to, and has ended; it ends once, with the one result it ever has. One
that could not be reached is postponed, and tried again while the others go on (`delivery`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.query_merge import DEFAULT_LIMIT
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.site import Site
from wavebreak.timing import iso, parse_iso, time_or_none
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_TARGETS: Final = 4_000
"""Targets of one run: as many servers as a plan may have."""
STEP: Final = "aws-runShellScript"
"""Name of the documents' one step, which the agent puts into the names of its streams."""


class Asked(Value):
    """A command to be forwarded."""

    command: str
    args: tuple[str, ...] = ()
    timeout_seconds: int | None = None
    limit: int = DEFAULT_LIMIT
    stop_on_failure: bool = False


class TargetState(StrEnum):
    """How far a command got on its way to a target and back."""

    WAITING = "WAITING"
    SENDING = "SENDING"
    """SendCommand was intended; whether it was made is to be looked up."""
    SENT = "SENT"
    POSTPONED = "POSTPONED"
    """Nothing was sent, or nothing arrived: it is tried again once all that can be reached have had their turn."""
    ENDED = "ENDED"


class CommandTarget(Value):
    """A server that a command is forwarded to, under the name that the caller gave it."""

    number: int
    """Its place in the order given, from 1."""
    name: str
    instance_id: str
    """Empty when it is not known: then nothing can be sent."""
    site: Site = field(default_factory=Site)
    state: TargetState = TargetState.WAITING
    ssm_command_id: str | None = None
    intended_at: datetime | None = None
    sent_at: datetime | None = None
    sender: str | None = None
    """The worker, of which run of the machine, that sends to it and watches it."""
    tries: int = 0
    """Times that SendCommand was intended."""
    lost_at: datetime | None = None
    """When the answer of SendCommand was lost; None also when the sender died before it could say so."""
    late_since: datetime | None = None
    """Since when its agent is known not to answer."""
    due_at: datetime | None = None
    """A postponed one is not tried before."""
    critical: bool = True
    """Whether a required command has to succeed here."""

    def record(self) -> dict[str, Any]:
        """Write down the target without its result."""
        return {
            "number": self.number,
            "target": self.name,
            "instanceId": self.instance_id,
            "accountId": self.site.account_id,
            "region": self.site.region,
            "state": self.state.value,
            "ssmCommandId": self.ssm_command_id,
            "intendedAt": iso(self.intended_at) if self.intended_at else None,
            "sentAt": iso(self.sent_at) if self.sent_at else None,
            "sender": self.sender,
            "tries": self.tries,
            "lostAt": iso(self.lost_at) if self.lost_at else None,
            "lateSince": iso(self.late_since) if self.late_since else None,
            "dueAt": iso(self.due_at) if self.due_at else None,
            "critical": self.critical,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> CommandTarget:
        """Read a target."""
        return cls(
            number=int(record["number"]),
            name=record["target"],
            instance_id=record["instanceId"],
            site=Site(record.get("accountId"), record.get("region")),
            state=TargetState(record["state"]),
            ssm_command_id=record.get("ssmCommandId"),
            intended_at=time_or_none(record.get("intendedAt")),
            sent_at=time_or_none(record.get("sentAt")),
            sender=record.get("sender"),
            tries=int(record.get("tries") or 0),
            lost_at=time_or_none(record.get("lostAt")),
            late_since=time_or_none(record.get("lateSince")),
            due_at=time_or_none(record.get("dueAt")),
            critical=bool(record.get("critical", True)),
        )


class CommandRun(Value):
    """One command forwarded to many targets."""

    command_id: str
    execution_id: str
    command: str
    args: tuple[str, ...]
    requested_by: str
    started_at: datetime
    timeout_seconds: int
    total: int
    status: CommandRunStatus = CommandRunStatus.IN_PROGRESS
    limit: int = 0
    """Rows of a merged query; 0 is all."""
    stop_on_failure: bool = False
    patience_seconds: int = 0
    """How long a target that cannot be reached yet is waited for: one just launched is still starting its agent."""
    wave: int | None = None
    """The wave whose command this is; None for one that an operator asked for."""
    succeeded: int = 0
    failed: int = 0
    shortfall: str | None = None
    """What the run fails its wave by, if it is a required command's."""
    stopped_by: str | None = None
    """The failed target that ended a sequential run early."""
    ended_at: datetime | None = None
    summary: str | None = None
    merged: tuple[Mapping[str, Any], ...] = ()
    merge_left_out: int = 0
    """Rows of a merge that found no room in the record."""
    merge_truncated: int = 0
    """Targets that printed more than SSM returns: rows of theirs may be missing from the merge."""
    merge_skipped: int = 0
    """Lines of the targets' answers that were no rows."""
    machine_run: int = 1
    handing_over: int | None = None
    """The run of the machine whose history is nearly full: its workers stop where they are, and the next goes on."""
    machine_started_at: datetime | None = None
    """When the present run of the machine was started; None for the first."""
    deaths: int = 0
    """The number of consecutive machine runs before the present one that died young."""
    last_failure: Mapping[str, str] | None = None
    """The last time the machinery itself failed while driving this run: at, error and cause."""

    @property
    def sends_nothing_more(self) -> bool:
        """Whether its targets are only ended: it is cancelled, or a failed target ended it early."""
        return self.status is CommandRunStatus.CANCELLING or self.stopped_by is not None

    def record(self) -> dict[str, Any]:
        """Write down the run."""
        return {
            "commandId": self.command_id,
            "executionId": self.execution_id,
            "command": self.command,
            "args": list(self.args),
            "requestedBy": self.requested_by,
            "startedAt": iso(self.started_at),
            "timeoutSeconds": self.timeout_seconds,
            "total": self.total,
            "status": self.status.value,
            "limit": self.limit,
            "stopOnFailure": self.stop_on_failure,
            "patienceSeconds": self.patience_seconds,
            "wave": self.wave,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "shortfall": self.shortfall,
            "stoppedBy": self.stopped_by,
            "endedAt": iso(self.ended_at) if self.ended_at else None,
            "summary": self.summary,
            # Scores are kept as text: the table has no floating point numbers.
            "merged": [{**row, "score": repr(float(row["score"]))} for row in self.merged],
            "mergeLeftOut": self.merge_left_out,
            "mergeTruncated": self.merge_truncated,
            "mergeSkipped": self.merge_skipped,
            "machineRun": self.machine_run,
            "handingOver": self.handing_over,
            "machineStartedAt": iso(self.machine_started_at) if self.machine_started_at else None,
            "deaths": self.deaths,
            "lastFailure": dict(self.last_failure) if self.last_failure else None,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> CommandRun:
        """Read a run."""
        ended = record.get("endedAt")
        return cls(
            command_id=record["commandId"],
            execution_id=record["executionId"],
            command=record["command"],
            args=tuple(record.get("args") or ()),
            requested_by=record["requestedBy"],
            started_at=parse_iso(record["startedAt"]),
            timeout_seconds=int(record["timeoutSeconds"]),
            total=int(record["total"]),
            status=CommandRunStatus(record["status"]),
            limit=int(record["limit"]),
            stop_on_failure=bool(record.get("stopOnFailure")),
            patience_seconds=int(record.get("patienceSeconds", 0)),
            wave=None if record.get("wave") is None else int(record["wave"]),
            succeeded=int(record.get("succeeded", 0)),
            failed=int(record.get("failed", 0)),
            shortfall=record.get("shortfall"),
            stopped_by=record.get("stoppedBy"),
            ended_at=parse_iso(ended) if ended else None,
            summary=record.get("summary"),
            merged=tuple({**row, "score": float(row["score"])} for row in record.get("merged") or ()),
            merge_left_out=int(record.get("mergeLeftOut", 0)),
            merge_truncated=int(record.get("mergeTruncated", 0)),
            merge_skipped=int(record.get("mergeSkipped", 0)),
            machine_run=int(record.get("machineRun", 1)),
            handing_over=None if record.get("handingOver") is None else int(record["handingOver"]),
            machine_started_at=time_or_none(record.get("machineStartedAt")),
            deaths=int(record.get("deaths") or 0),
            last_failure=record.get("lastFailure"),
        )

    def view(self, waiting: int = 0) -> dict[str, Any]:
        """Show the run as the API does; `waiting` targets are waited for."""
        return {
            "commandId": self.command_id,
            "executionId": self.execution_id,
            "waveNumber": self.wave,
            "command": self.command,
            "args": list(self.args),
            "status": self.status.value,
            "exitCode": self.status.exit_code,
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "waiting": waiting,
            "timeoutSeconds": self.timeout_seconds,
            "requestedBy": self.requested_by,
            "startedAt": iso(self.started_at),
            "endedAt": iso(self.ended_at) if self.ended_at else None,
            "summary": self.summary,
            "merged": [dict(row) for row in self.merged],
            "lastFailure": dict(self.last_failure) if self.last_failure else None,
            "mergeLeftOut": self.merge_left_out,
            "mergeTruncated": self.merge_truncated,
            "mergeSkipped": self.merge_skipped,
        }


def stream_name(ssm_command_id: str, instance_id: str) -> str:
    """Name the stream of a command's standard output on an instance."""
    return f"{ssm_command_id}/{instance_id}/{STEP}/stdout"
