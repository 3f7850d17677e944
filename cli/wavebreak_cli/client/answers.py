"""The API's answers as this command reads them. Every field may be missing: older records have fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Display(TypedDict, total=False):
    """The display of a status, as the API has it."""

    label: str
    color: str
    icon: str


class Server(TypedDict, total=False):
    """A server of a wave."""

    sourceServerId: str
    name: str | None
    impact: str
    launchStatus: str
    recoveryInstanceId: str | None
    snapshotAt: str | None
    ending: str | None
    error: str | None
    phase: str | None
    since: str | None
    usualSeconds: int | None


class WaveStep(TypedDict, total=False):
    """What a plan's wave does before or after its launch."""

    kind: str
    name: str
    phase: str
    required: bool
    inDrill: str
    status: str
    commandId: str | None
    automationExecutionId: str | None
    error: str | None


class Wave(TypedDict, total=False):
    """A wave of an execution."""

    waveNumber: int
    name: str
    status: str
    display: Display
    attempt: int
    startedAt: str | None
    endedAt: str | None
    durationSeconds: int | None
    deadlineAt: str | None
    error: str | None
    attempts: list[dict[str, Any]]
    accountId: str
    region: str
    servers: list[Server]
    steps: list[WaveStep]
    approval: dict[str, Any] | None


class TerminationMetadata(TypedDict, total=False):
    """Whether the recovery instances may be terminated."""

    canTerminate: bool
    reason: str | None
    hasRecoveryInstances: bool


class InstanceLeft(TypedDict, total=False):
    """A recovery instance that is not terminated, and why."""

    recoveryInstanceId: str | None
    sourceServerId: str | None
    reason: str | None


class Termination(TypedDict, total=False):
    """How far a termination got."""

    status: str
    terminated: int
    remaining: list[InstanceLeft]
    unknown: list[InstanceLeft]


class ExecutionWarning(TypedDict, total=False):
    """A notice that changes no status."""

    code: str
    message: str
    waveNumber: int
    sourceServerId: str


class ExecutionCheck(TypedDict, total=False):
    """A check of a plan: its status, and the consolidated result of its executions."""

    name: str
    waveNumber: int | None
    command: str
    status: str
    error: str | None
    active: int
    succeeded: int
    failed: int
    note: str | None


class Execution(TypedDict, total=False):
    """One run of a plan; lists leave `waves` out."""

    executionId: str
    planId: str
    planName: str
    planVersion: int
    mode: str
    status: str
    display: Display
    requestedBy: str
    reason: str | None
    lease: dict[str, Any] | None
    before: str | None
    usualSeconds: int | None
    """Not of the API: how long the last drill of the plan that completed took, where a watch has asked for it."""
    startedAt: str | None
    endedAt: str | None
    durationSeconds: int | None
    totalWaves: int
    completedWaves: int
    pausedBy: list[str]
    pause: dict[str, Any] | None
    cancel: dict[str, Any] | None
    waves: list[Wave]
    terminationMetadata: TerminationMetadata
    termination: Termination
    instancesTerminated: bool
    instancesLeft: int | None
    leftSince: str | None
    warnings: list[ExecutionWarning]
    verdict: dict[str, Any] | None
    checks: list[ExecutionCheck]
    factors: dict[str, Any]
    lastSeenAt: str | None
    version: int


def members(execution: Execution) -> Iterator[tuple[Wave, Server]]:
    """Return every server of an execution with its wave, in the order of the waves."""
    return ((wave, server) for wave in execution.get("waves") or [] for server in wave.get("servers") or [])


def names_in(execution: Execution) -> dict[str, str]:
    """Return what people call the servers of an execution, by their ids; one without a name is left out."""
    called = (server for _, server in members(execution) if server.get("name"))
    return {str(server.get("sourceServerId")): str(server["name"]) for server in called}


def named(subject: str, names: Mapping[str, str]) -> str:
    """Name a subject as people do and by its id: `db-1 s-11111111111111111`."""
    return f"{names[subject]} {subject}" if subject in names else subject


class CommandRun(TypedDict, total=False):
    """One command forwarded to many targets."""

    commandId: str
    executionId: str
    command: str
    status: str
    exitCode: int | None
    total: int
    succeeded: int
    failed: int
    startedAt: str
    endedAt: str | None
    summary: str | None
    merged: list[dict[str, Any]]
    mergeLeftOut: int
    waiting: int
    mergeTruncated: int
    mergeSkipped: int


class CommandLine(TypedDict, total=False):
    """A line that a target wrote."""

    target: str
    at: str
    line: str


class StoredPlan(TypedDict, total=False):
    """A plan as it is stored."""

    plan: dict[str, Any]
    version: int
    createdAt: str
    updatedAt: str
    schedule: dict[str, Any] | None
    readiness: dict[str, Any] | None


class Event(TypedDict, total=False):
    """An entry of the audit trail."""

    sequence: int
    at: str
    type: str
    executionId: str
    waveNumber: int
    actor: str
    data: dict[str, Any]
    previousHash: str | None
    hash: str
