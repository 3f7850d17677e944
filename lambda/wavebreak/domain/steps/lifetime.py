"""How long a step run may take in all, how often it is checked, and when its machine hands over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.lifetime import MARGIN
from wavebreak.domain.steps.runs import StepKind

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.steps.runs import StepRun

LONGEST_CALL_SECONDS: Final = 900
"""For which a function of Lambda may run, and is waited for."""
EVENTS_PER_ROUND: Final = 9
"""Events that a round of watching writes into the history of its machine: a task, a choice and a wait."""
MOST_ROUNDS: Final = 2000
"""Rounds after which the next run of the machine takes over, before a history of 25,000 events is full."""
_SOONEST: Final = 2
_LATEST: Final = 15
_PART: Final = 20


def deadline_of(run: StepRun) -> datetime:
    """Return the moment at which a run has surely ended, or is given up. Its own time does not scale."""
    least = LONGEST_CALL_SECONDS if run.kind is StepKind.FUNCTION else 0
    return run.started_at + timedelta(seconds=max(run.timeout_seconds, least)) + MARGIN


def poll_seconds(run: StepRun, now: datetime) -> int:
    """Return how long to wait before the next check: a twentieth of the run's age, from 2 to 15 seconds."""
    age = int((now - run.started_at).total_seconds())
    return min(_LATEST, max(_SOONEST, age // _PART))
