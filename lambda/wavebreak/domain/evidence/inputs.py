"""What a report is made of: the execution as the API shows it, its frozen plan, its trail and its job logs.

Every field may be missing: what is not there is null in the report. A field that the contract gives the API's execution
or wave (contract 4 and 12) has its meaning there; only what goes beyond is described here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict


class ServerInput(TypedDict, total=False):
    """A server of a wave (contract 4)."""

    sourceServerId: str
    name: str | None
    impact: str
    launchStatus: str
    recoveryInstanceId: str | None
    snapshotAt: str | None
    """Its recovery point."""
    error: str | None
    """Whole, up to 1,000 characters: not as `GET /executions/{id}` cuts it."""
    postLaunchActions: bool | None
    """Whether DRS runs actions on it after the launch (`launchActionsStatus` has runs): then it has POST_LAUNCH."""
    started: bool | None
    """Whether a DRS job was to launch it: one of its wave's jobs, in any attempt, that has an id."""
    terminated: bool
    replaced: bool
    """Gone by what is stored: each leaves it out of the leftovers."""


class WaveInput(TypedDict, total=False):
    """A wave (contract 4 and 12)."""

    waveNumber: int
    name: str
    status: str
    dependsOn: list[str]
    accountId: str | None
    region: str | None
    jobId: str | None
    jobIds: list[str]
    attempt: int
    attempts: list[dict[str, Any]]
    """Read from the trail when missing."""
    approval: dict[str, Any] | None
    startedAt: str | None
    endedAt: str | None
    error: str | None
    servers: Sequence[ServerInput]
    steps: list[dict[str, Any]]
    """With their outputs."""


class CallCounts(TypedDict, total=False):
    """Calls that left no job behind cannot be counted later: the code that makes them counts them."""

    startRecoveryCalls: int | None
    """Every StartRecovery call that was made, refused ones too."""
    refusals: int | None
    """Those that DRS refused."""


class ExecutionInput(TypedDict, total=False):
    """An execution (contract 4) and what belongs to it."""

    executionId: str
    planId: str
    planName: str
    planVersion: int
    planHash: str | None
    """SHA-256 (hex) of the frozen document as it is stored (`creation.frozen_document`)."""
    plan: Mapping[str, Any] | None
    """The frozen document itself."""
    mode: str
    status: str
    requestedBy: str
    reason: str | None
    startedAt: str
    endedAt: str | None
    waves: Sequence[WaveInput]
    termination: dict[str, Any]
    """`{status, terminated, remaining, unknown}`; lists of ids or of `{recoveryInstanceId, sourceServerId, reason}`."""
    instancesTerminated: bool
    verdict: dict[str, Any] | None
    checks: list[dict[str, Any]] | None
    """The active check executions."""
    factors: dict[str, Any]
    """The plan's own, `f_...`; the built-in ones are made again."""
    calls: CallCounts
    lastSeenAt: str | None


class JobLogItem(TypedDict, total=False):
    """An item of DescribeJobLogItems, as DRS gives it."""

    logDateTime: str
    event: str
    eventData: dict[str, Any]


JobLogs: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The items of each job (`JobLogItem`), by its id, in any order; jobs that were not read are left out."""

Event: TypeAlias = Mapping[str, Any]
"""An event of the audit trail (contract 5)."""
