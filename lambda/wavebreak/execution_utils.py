"""The status model: what an execution and a wave may be, how they may change, and what may be done with them.

Pure: imports no AWS library and nothing else of the project. Every handler, the engine and the store take their
statuses, transitions, final status and termination rules from here; no other module keeps a list of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class ExecutionStatus(StrEnum):
    """Status of one run of a plan."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class WaveStatus(StrEnum):
    """Status of one wave of an execution."""

    NOT_STARTED = "NOT_STARTED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


class TerminationStatus(StrEnum):
    """How far the termination of an execution's recovery instances got."""

    NOT_REQUESTED = "NOT_REQUESTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    INCOMPLETE = "INCOMPLETE"


_E, _W, _T = ExecutionStatus, WaveStatus, TerminationStatus

EXECUTION_TRANSITIONS: Final[Mapping[ExecutionStatus, frozenset[ExecutionStatus]]] = {
    _E.PENDING: frozenset({_E.IN_PROGRESS, _E.PAUSED, _E.CANCELLING, _E.CANCELLED, _E.COMPLETED}),
    _E.IN_PROGRESS: frozenset(
        {_E.PAUSED, _E.CANCELLING, _E.COMPLETED, _E.PARTIAL_SUCCESS, _E.FAILED, _E.CANCELLED},
    ),
    _E.PAUSED: frozenset(
        {_E.IN_PROGRESS, _E.CANCELLING, _E.COMPLETED, _E.PARTIAL_SUCCESS, _E.FAILED, _E.CANCELLED},
    ),
    _E.CANCELLING: frozenset({_E.COMPLETED, _E.PARTIAL_SUCCESS, _E.CANCELLED}),
    _E.FAILED: frozenset({_E.IN_PROGRESS}),
    _E.PARTIAL_SUCCESS: frozenset({_E.IN_PROGRESS}),
    _E.COMPLETED: frozenset(),
    _E.CANCELLED: frozenset(),
}
"""Every change of an execution's status that may ever be written. FAILED and PARTIAL_SUCCESS move by retry or skip."""

WAVE_TRANSITIONS: Final[Mapping[WaveStatus, frozenset[WaveStatus]]] = {
    _W.NOT_STARTED: frozenset({_W.AWAITING_APPROVAL, _W.IN_PROGRESS, _W.SKIPPED, _W.CANCELLED}),
    _W.AWAITING_APPROVAL: frozenset({_W.IN_PROGRESS, _W.FAILED, _W.SKIPPED, _W.CANCELLED}),
    _W.IN_PROGRESS: frozenset({_W.COMPLETED, _W.FAILED, _W.CANCELLED}),
    _W.FAILED: frozenset({_W.IN_PROGRESS, _W.AWAITING_APPROVAL, _W.SKIPPED}),
    _W.COMPLETED: frozenset(),
    _W.CANCELLED: frozenset(),
    _W.SKIPPED: frozenset(),
}
"""Every change of a wave's status that may ever be written. A rejected wave that is retried asks again."""

TERMINATION_TRANSITIONS: Final[Mapping[TerminationStatus, frozenset[TerminationStatus]]] = {
    _T.NOT_REQUESTED: frozenset({_T.IN_PROGRESS}),
    _T.IN_PROGRESS: frozenset({_T.COMPLETED, _T.INCOMPLETE}),
    _T.INCOMPLETE: frozenset({_T.IN_PROGRESS}),
    _T.COMPLETED: frozenset(),
}
"""Every change of a termination's status. INCOMPLETE may be asked for again."""

TERMINAL_STATUSES: Final[frozenset[ExecutionStatus]] = frozenset(
    {_E.COMPLETED, _E.PARTIAL_SUCCESS, _E.FAILED, _E.CANCELLED},
)
"""Statuses in which an execution has ended."""

REOPENABLE_STATUSES: Final[frozenset[ExecutionStatus]] = frozenset(
    status for status in TERMINAL_STATUSES if EXECUTION_TRANSITIONS[status]
)
"""Terminal statuses that a retry or a skip may take up again."""

ACTIVE_WAVE_STATUSES: Final[frozenset[WaveStatus]] = frozenset({_W.AWAITING_APPROVAL, _W.IN_PROGRESS})
"""Statuses in which a wave is under way."""

ENDED_WAVE_STATUSES: Final[frozenset[WaveStatus]] = frozenset({_W.COMPLETED, _W.FAILED, _W.CANCELLED, _W.SKIPPED})
"""Statuses in which a wave does nothing more by itself."""

SATISFIED_WAVE_STATUSES: Final[frozenset[WaveStatus]] = frozenset({_W.COMPLETED, _W.SKIPPED})
"""Statuses of a wave that let the waves depending on it run."""

_LEGACY_EXECUTION: Final[Mapping[str, ExecutionStatus]] = {"PARTIAL": _E.PARTIAL_SUCCESS}
_LEGACY_WAVE: Final[Mapping[str, WaveStatus]] = {
    **dict.fromkeys(("PENDING", "INITIATED", "STARTED", "LAUNCHING", "POLLING", "RUNNING"), _W.IN_PROGRESS),
    "LAUNCHED": _W.COMPLETED,
    "TIMEOUT": _W.FAILED,
    "TIMED_OUT": _W.FAILED,
}


class Display(TypedDict):
    """How a status is shown on a card or badge."""

    label: str
    color: str
    icon: str


class TerminationMetadata(TypedDict):
    """Whether an execution's recovery instances may be terminated, and why not."""

    canTerminate: bool
    reason: str | None
    hasRecoveryInstances: bool


def normalize_execution_status(value: object) -> ExecutionStatus | None:
    """Read a stored execution status in any letter case; a legacy PARTIAL is PARTIAL_SUCCESS, unknown is None."""
    word = str(value or "").strip().upper()
    if word in _LEGACY_EXECUTION:
        return _LEGACY_EXECUTION[word]
    return ExecutionStatus(word) if word in ExecutionStatus.__members__ else None


def normalize_wave_status(value: object) -> WaveStatus:
    """Read a stored wave status in any letter case and in the older words; unknown or missing is NOT_STARTED (S2-6)."""
    word = str(value or "").strip().upper()
    if word in _LEGACY_WAVE:
        return _LEGACY_WAVE[word]
    return WaveStatus(word) if word in WaveStatus.__members__ else WaveStatus.NOT_STARTED


def is_terminal(status: ExecutionStatus | None) -> bool:
    """Return whether an execution in this status has ended."""
    return status in TERMINAL_STATUSES


def final_status(waves: Iterable[WaveStatus], *, has_job: bool, cancel_accepted: bool) -> ExecutionStatus:
    """Decide how an execution ended, once nothing is in flight, by the first rule that holds (S2-2, S2-3, S2-4).

    `waves` holds the status of every wave of the plan, `has_job` says whether some wave has a DRS job.
    """
    statuses = tuple(waves)
    if all(status in SATISFIED_WAVE_STATUSES for status in statuses):
        return ExecutionStatus.COMPLETED
    if has_job and WaveStatus.COMPLETED in statuses:
        return ExecutionStatus.PARTIAL_SUCCESS
    return ExecutionStatus.CANCELLED if cancel_accepted else ExecutionStatus.FAILED


def can_terminate_execution(execution: Mapping[str, Any]) -> TerminationMetadata:
    """Return whether an execution's recovery instances may be terminated, and the exact reason if not (S2-7, S2-10).

    Takes the execution as the API shows it; missing keys and older records are tolerated.
    """
    waves = [wave for wave in execution.get("waves") or [] if wave]
    has_instances = any(wave.get("jobId") for wave in waves)
    status = normalize_execution_status(execution.get("status"))
    reason = _refusal(execution, status, waves, has_instances=has_instances)
    return {"canTerminate": reason is None, "reason": reason, "hasRecoveryInstances": has_instances}


def _refusal(
    execution: Mapping[str, Any],
    status: ExecutionStatus | None,
    waves: list[Mapping[str, Any]],
    *,
    has_instances: bool,
) -> str | None:
    """Name the first rule that forbids a termination; None when it is allowed."""
    if not is_terminal(status):
        return "Execution not in terminal state"
    if not has_instances:
        return "No recovery instances found"
    if execution.get("instancesTerminated"):
        return "Instances already terminated"
    if status in {ExecutionStatus.CANCELLED, ExecutionStatus.PARTIAL_SUCCESS}:
        return None
    if any(normalize_wave_status(wave.get("status")) in ACTIVE_WAVE_STATUSES for wave in waves):
        return "Waves still active"
    return None


def display_of_execution(status: ExecutionStatus, *, completed_waves: int, total_waves: int) -> Display:
    """Return the label, colour and icon of an execution's card (S2-8)."""
    progress = f"({completed_waves} of {total_waves} waves completed)"
    match status:
        case ExecutionStatus.COMPLETED:
            return {"label": "COMPLETED", "color": "green", "icon": "✓"}
        case ExecutionStatus.PARTIAL_SUCCESS:
            return {"label": f"PARTIAL SUCCESS {progress}", "color": "orange", "icon": "⚠️"}
        case ExecutionStatus.CANCELLED:
            label = f"CANCELLED {progress}" if completed_waves else "CANCELLED"
            return {"label": label, "color": "red", "icon": "🛑"}
        case ExecutionStatus.FAILED:
            return {"label": "FAILED", "color": "red", "icon": "✗"}
        case _:
            return {"label": status.replace("_", " "), "color": "blue", "icon": "⟳"}


_WAVE_BADGES: Final[Mapping[WaveStatus, Display]] = {
    _W.COMPLETED: {"label": "Completed", "color": "green", "icon": "✓"},
    _W.FAILED: {"label": "Failed", "color": "red", "icon": "✗"},
    _W.CANCELLED: {"label": "Cancelled", "color": "gray", "icon": "⊘"},
    _W.IN_PROGRESS: {"label": "In Progress", "color": "blue", "icon": "⟳"},
    _W.NOT_STARTED: {"label": "Not Started", "color": "gray", "icon": "○"},
    _W.SKIPPED: {"label": "Skipped", "color": "gray", "icon": "↷"},
    _W.AWAITING_APPROVAL: {"label": "Awaiting Approval", "color": "orange", "icon": "⏸"},
}


def display_of_wave(status: WaveStatus) -> Display:
    """Return the badge of a wave (S2-8)."""
    return _WAVE_BADGES[status]
