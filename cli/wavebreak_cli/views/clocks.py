"""What time is left: against the RTO, until a wave times out, and by what earlier runs took. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.execution_utils import is_terminal, normalize_execution_status
from wavebreak.timing import known_time
from wavebreak_cli.views.phases import roughly

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    Execution = Mapping[str, Any]


def clocks(execution: Execution, now: datetime) -> list[str]:
    """Tell the clocks of an execution: `RTO 1h 0m: 57m left`, `wave 2 times out 12:40:00Z`, `usually 12m`."""
    texts = [rto_clock(execution, now)]
    if not _has_ended(execution):
        texts += [_next_deadline(execution), _usually(execution)]
    return [text for text in texts if text]


def rto_clock(execution: Execution, now: datetime) -> str | None:
    """Return the recovery time against its objective; None where it is not known."""
    measured = (execution.get("factors") or {}).get("recovery_time") or {}
    objective, begun = measured.get("objectiveSeconds"), known_time(execution.get("startedAt"))
    if objective is None or begun is None:
        return None
    name = f"RTO {roughly(objective)}"
    if measured.get("met") is not None and _has_ended(execution):
        achieved = measured.get("achievedSeconds")
        took = f", took {roughly(achieved)}" if achieved is not None else ""
        return f"{name}: {'met' if measured['met'] else 'missed'}{took}"
    left = objective - (now - begun).total_seconds()
    return f"{name}: {roughly(left)} left" if left >= 0 else f"{name}: passed {roughly(-left)} ago"


def _next_deadline(execution: Execution) -> str | None:
    """Name the running wave that times out first, and when."""
    running = [(wave["deadlineAt"], wave) for wave in execution.get("waves") or [] if wave.get("deadlineAt")]
    if not running:
        return None
    at, wave = min(running, key=lambda found: str(found[0]))
    moment = known_time(at)
    return f"wave {wave.get('waveNumber')} times out {moment:%H:%M:%SZ}" if moment else None


def _usually(execution: Execution) -> str | None:
    usual = execution.get("usualSeconds")
    return f"last drill took {roughly(usual)}" if usual else None


def _has_ended(execution: Execution) -> bool:
    return is_terminal(normalize_execution_status(execution.get("status")))
