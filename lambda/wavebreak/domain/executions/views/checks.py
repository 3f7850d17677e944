"""Checks as the API shows them with their execution: how far they are, and what they came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.checking.turns import UNPREPARED, checks_of
from wavebreak.domain.executions.model.findings import CheckCounts
from wavebreak.domain.executions.model.steps import StepPhase, StepState
from wavebreak.domain.executions.stepping.wave_steps import NO_SERVER, SKIPPED, run_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep
    from wavebreak.domain.executions.model.waves import Wave


def checks_view(execution: Execution) -> list[dict[str, Any]]:
    """Show every check once for each wave that has it, with what all executions of its name came to.

    `failedIds` names the first that failed; `GET /executions/{id}/checks` has each, with its reason.
    """
    check_counts = {counts.name: counts for counts in execution.check_counts}
    return [
        {
            "name": command.check,
            "waveNumber": None if command.phase is StepPhase.CLOSING else wave.number,
            "command": command.name,
            "status": _status(command),
            "commandId": _command_id(execution, wave, command),
            "error": _error(command),
            **_counts_view(check_counts.get(str(command.check), CheckCounts(str(command.check)))),
        }
        for wave, command in checks_of(execution)
    ]


def _counts_view(counts: CheckCounts) -> dict[str, Any]:
    return {
        "active": counts.active,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "failedIds": list(counts.failed_ids),
        "note": counts.note,
    }


def _status(command: WaveStep) -> str:
    """Return how a check stands in the words of steps; the number of its failed executions stands beside it."""
    if command.state is StepState.PLANNED:
        return "NOT_STARTED"
    if command.state is StepState.STARTED:
        return "IN_PROGRESS"
    return SKIPPED if command.outcome == SKIPPED else "COMPLETED"


def _command_id(execution: Execution, wave: Wave, command: WaveStep) -> str | None:
    if command.state is StepState.PLANNED or command.outcome in {SKIPPED, UNPREPARED}:
        return None
    return run_id(execution.execution_id, wave.number, command)


def _error(command: WaveStep) -> str | None:
    return NO_SERVER if command.outcome == SKIPPED else command.failure


def factors_of(check_counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the factors of the plan's checks, by name."""
    return {name: value for counts in check_counts for name, value in counts["factors"].items()}
