"""The calls that would be accepted now (contract 4, `actions`): each is tried on what is stored, by its own rule.

What only a service can tell, that another execution holds a lock, is not known here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions import steering
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.findings.verdicts import judged
from wavebreak.domain.executions.leasing.rules import extended
from wavebreak.domain.executions.model.executions import Cancel
from wavebreak.domain.executions.model.findings import Verdict, VerdictWord
from wavebreak.domain.plans.model import SHORTEST_LEASE_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution

    ExecutionCall = Callable[[Execution, Attribution], Execution]
    WaveCall = Callable[[Execution, int, Attribution], Execution]

WAVE_STEPS: Final[Mapping[str, WaveCall]] = {
    "approve": steering.approve,
    "reject": lambda execution, number, act: steering.reject(execution, number, act.at, act.reason),
    "retry": lambda execution, number, act: steering.retry(execution, number, act.at),
    "skip": lambda execution, number, act: steering.skip(execution, number, act.at),
}
"""What may be asked for a wave."""

EXECUTION_STEPS: Final[Mapping[str, ExecutionCall]] = {
    "cancel": lambda execution, act: steering.cancel(execution, Cancel(act)),
    "pause": steering.pause,
    "resume": lambda execution, _: steering.resume(execution),
    "terminate": termination.request,
    "lease": lambda execution, act: extended(execution, SHORTEST_LEASE_MINUTES, timedelta(minutes=1), act),
    "verdict": lambda execution, act: judged(execution, Verdict(VerdictWord.PASSED, act.actor, act.at)),
}
"""What may be asked for an execution as a whole, by the last part of the call's path."""


def with_actions(shown: Mapping[str, Any], execution: Execution, act: Attribution) -> dict[str, Any]:
    """Add the permitted actions to the view of an execution and of its waves; `act` has the reader and the time."""
    waves = [{**wave, "actions": of_wave(execution, wave["waveNumber"], act)} for wave in shown["waves"]]
    actions = [name for name, step in EXECUTION_STEPS.items() if _is_accepted(step, execution, act)]
    return {**shown, "waves": waves, "actions": actions}


def of_wave(execution: Execution, number: int, act: Attribution) -> list[str]:
    """List what may be asked for a wave, by the last part of the call's path."""
    return [name for name, step in WAVE_STEPS.items() if _is_accepted(step, execution, number, act)]


def _is_accepted(step: Callable[..., Execution], *asked: Any) -> bool:
    try:
        step(*asked)
    except steering.NotAllowedError:
        return False
    return True
