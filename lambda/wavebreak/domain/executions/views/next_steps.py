"""What can be done next with an execution, as commands of the command line that are ready to run.

The command line shows them on its cards, notifications carry them in their text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.executions import Mode, PausedBy
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepStatus
from wavebreak.execution_utils import (
    REOPENABLE_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
    is_terminal,
)
from wavebreak.execution_utils import normalize_execution_status as execution_status
from wavebreak.execution_utils import normalize_wave_status as wave_status
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Execution = Mapping[str, Any]

_MOST_WAVES: Final = 3
"""Waves that steps are offered for; more would bury the rest."""
_FAILED_RUNS: Final = frozenset({StepStatus.FAILED, StepStatus.PARTIAL})


class Step(Value):
    """A command and what it is for."""

    command: str
    purpose: str


def next_steps(execution: Execution) -> list[Step]:
    """List what an operator may do now, the most likely first. Takes the execution as the API shows it.

    The end of recovered servers stands last: production may run on them. No confirmation is filled in for anybody.
    """
    status = execution_status(execution.get("status"))
    name = execution.get("executionId", "")
    steps = [*_approvals(execution, name), *_repairs(execution, name, status)]
    if is_terminal(status):
        steps += _command_failures(execution)
        ending, trail = _termination_steps(execution, name), Step(f"wavebreak events {name} --verify", "check trail")
        if execution.get("mode") != Mode.RECOVERY:
            return [*steps, *ending, trail]
        looks = [Step(f"wavebreak show {name} --servers", "see its servers")] if ending else []
        return [*steps, *looks, trail, *ending]
    if status is ExecutionStatus.PAUSED and _may_resume(execution, others=bool(steps)):
        steps.append(Step(f"wavebreak resume {name}", "go on"))
    if _outlived(execution):
        steps.append(Step("wavebreak errors --hours 1", "see what keeps it"))
    if status is not ExecutionStatus.CANCELLING:
        if not steps and status in {ExecutionStatus.PENDING, ExecutionStatus.IN_PROGRESS}:
            steps.append(Step(f"wavebreak pause {name}", "hold back further waves"))
        steps.append(Step(f"wavebreak cancel {name}", "start no further wave"))
    return steps


def _may_resume(execution: Execution, *, others: bool) -> bool:
    """Return whether a resume would be accepted: no failure asks. Unless an operator paused, other steps come first."""
    paused_by = execution.get("pausedBy") or ()
    return PausedBy.FAILURE not in paused_by and (PausedBy.OPERATOR in paused_by or not others)


def held_open_by(execution: Execution) -> list[str]:
    """Name the DRS jobs that alone keep an execution open, with their waves: `drsjob-1 (wave 1)`.

    Those of waves that timed out while servers of them are still being launched, and after a cancel those of any wave.
    """
    status = execution_status(execution.get("status"))
    if is_terminal(status):
        return []
    return [
        f"{wave.get('jobId') or 'a DRS job'} (wave {wave.get('waveNumber')})"
        for wave in execution.get("waves") or []
        if status is ExecutionStatus.CANCELLING or wave_status(wave.get("status")) is WaveStatus.FAILED
        if any(server.get("launchStatus") == LaunchStatus.IN_PROGRESS for server in wave.get("servers") or [])
    ]


def _outlived(execution: Execution) -> bool:
    """Return whether a DRS job has outlived its wave: one that timed out has servers that are still being launched."""
    return any(
        server.get("launchStatus") == LaunchStatus.IN_PROGRESS
        for wave in execution.get("waves") or []
        if wave_status(wave.get("status")) is WaveStatus.FAILED
        for server in wave.get("servers") or []
    )


def _approvals(execution: Execution, name: str) -> list[Step]:
    given = {wave.get("waveNumber") for wave in execution.get("waves") or [] if (wave.get("approval") or {}).get("by")}
    awaited = [number for number in _waves(execution, WaveStatus.AWAITING_APPROVAL) if number not in given]
    return approval_steps(name, awaited[:_MOST_WAVES])


def approval_steps(name: str, waves: Iterable[int]) -> list[Step]:
    """Return the commands that let waves of an execution start, or not."""
    return [
        step
        for number in waves
        for step in (
            Step(f"wavebreak approve {name} {number}", f"start wave {number}"),
            Step(f"wavebreak reject {name} {number}", f"fail wave {number}"),
        )
    ]


def _repairs(execution: Execution, name: str, status: ExecutionStatus | None) -> list[Step]:
    """Offer retry and skip where the API allows them: not after a cancel or once instances are being terminated."""
    if is_terminal(status) and (status not in REOPENABLE_STATUSES or _is_final(execution)):
        return []
    if status is ExecutionStatus.CANCELLING:
        return []
    return [
        step
        for number in _waves(execution, WaveStatus.FAILED)[:_MOST_WAVES]
        for step in (
            Step(f"wavebreak retry {name} {number}", "recover it again"),
            Step(f"wavebreak skip {name} {number}", "go on without it"),
        )
    ]


def _is_final(execution: Execution) -> bool:
    termination = (execution.get("termination") or {}).get("status", TerminationStatus.NOT_REQUESTED)
    cancelled = execution.get("cancel") or _waves(execution, WaveStatus.CANCELLED)
    return termination != TerminationStatus.NOT_REQUESTED or bool(cancelled)


def _command_failures(execution: Execution) -> list[Step]:
    """Suggest to look at the commands of waves that failed on some of their targets."""
    failed = [
        step["commandId"]
        for wave in execution.get("waves") or []
        for step in wave.get("steps") or []
        if step.get("status") in _FAILED_RUNS and step.get("commandId")
    ]
    return [Step(f"wavebreak command --follow {name}", "see what failed") for name in failed[:_MOST_WAVES]]


def _termination_steps(execution: Execution, name: str) -> list[Step]:
    if not (execution.get("terminationMetadata") or {}).get("canTerminate"):
        return []
    if (execution.get("termination") or {}).get("status") == TerminationStatus.IN_PROGRESS:
        return [Step(f"wavebreak terminate {name} --watch", "follow it")]
    purpose = "END the recovered servers" if execution.get("mode") == Mode.RECOVERY else "clean up"
    return [*_longer(execution, name), Step(f"wavebreak terminate {name}", purpose)]


def _longer(execution: Execution, name: str) -> list[Step]:
    """Offer to extend a lease that runs; once a termination was asked for, that is refused."""
    lease = execution.get("lease") or {}
    asked = (execution.get("termination") or {}).get("status", TerminationStatus.NOT_REQUESTED)
    if not lease.get("expiresAt") or asked != TerminationStatus.NOT_REQUESTED:
        return []
    return [Step(f"wavebreak extend {name} {lease['minutes']}", "keep its instances longer")]


def _waves(execution: Execution, status: WaveStatus) -> list[int]:
    waves = execution.get("waves") or []
    return [wave.get("waveNumber", 0) for wave in waves if wave_status(wave.get("status")) is status]
