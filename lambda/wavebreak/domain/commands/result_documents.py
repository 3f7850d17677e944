"""A result as the API and the table have it, camelCase JSON, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from wavebreak.domain.commands.results import ExecutionResult, FailureKind
from wavebreak.timing import iso, parse_iso

if TYPE_CHECKING:
    from collections.abc import Mapping


class ResultDocument(TypedDict):
    """One target of `/commands/{id}/results`; `durationSeconds` is in whole seconds."""

    target: str
    success: bool
    exitCode: int
    failureKind: str | None
    stdout: str
    stderr: str
    startedAt: str | None
    durationSeconds: int | None
    truncated: bool


def result_document(result: ExecutionResult) -> ResultDocument:
    """Write a result."""
    return {
        "target": result.target,
        "success": result.success,
        "exitCode": result.exit_code,
        "failureKind": None if result.failure_kind is None else result.failure_kind.value,
        "stdout": result.stdout,
        "stderr": result.stderr,
        "startedAt": None if result.started_at is None else iso(result.started_at),
        "durationSeconds": None if result.duration_seconds is None else int(result.duration_seconds),
        "truncated": result.truncated,
    }


def result_of(document: Mapping[str, Any]) -> ExecutionResult:
    """Read a result; KeyError or ValueError if the document is none. DynamoDB's numbers (Decimal) are read, too."""
    kind, started, seconds = document["failureKind"], document["startedAt"], document["durationSeconds"]
    return ExecutionResult(
        target=document["target"],
        success=document["success"],
        stdout=document["stdout"],
        stderr=document["stderr"],
        exit_code=int(document["exitCode"]),
        failure_kind=None if kind is None else FailureKind(kind),
        started_at=None if started is None else parse_iso(started),
        duration_seconds=None if seconds is None else int(seconds),
        truncated=document["truncated"],
    )
