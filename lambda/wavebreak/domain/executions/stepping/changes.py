"""Changes of the status of steps, as the audit trail lists them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.steps import StepState, StepStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.steps import WaveStep

STEP: Final = "step"
"""Subject of a change of a step's status."""
_S = StepStatus
_ENDS: Final = frozenset({_S.SUCCEEDED, _S.FAILED, _S.PARTIAL, _S.CANCELLED})
STEP_TRANSITIONS: Final[Mapping[StepStatus, frozenset[StepStatus]]] = {
    _S.NOT_STARTED: frozenset({_S.IN_PROGRESS, _S.SKIPPED}),
    _S.IN_PROGRESS: _ENDS,
    # A retry has them run again; of what succeeded only the commands after a launch.
    **dict.fromkeys((*_ENDS, _S.SKIPPED), frozenset({_S.NOT_STARTED})),
}


def step_changes(before: Execution, after: Execution) -> Iterator[tuple[StepStatus, StepStatus, dict[str, Any]]]:
    """Yield what changes of steps between two states: from, to, and what to list, `{subject, waveNumber, step}`.

    A run that ends and is at once planned again makes two changes.
    """
    for old, new in zip(before.waves, after.waves, strict=True):
        for was, step in zip(old.steps, new.steps, strict=True):
            if was == step or step.is_check:
                continue
            named = {"subject": STEP, "waveNumber": new.number, "step": _named(step)}
            words = _statuses(was, step)
            yield from ((left, came, named) for left, came in pairwise(words) if left is not came)


def _statuses(was: WaveStep, step: WaveStep) -> list[StepStatus]:
    between = step.before if was.state is StepState.STARTED and step.attempt > was.attempt else None
    return [was.status, *([StepStatus(between)] if between else []), step.status]


def _named(step: WaveStep) -> dict[str, Any]:
    return {"phase": step.phase.value, "position": step.position, "kind": step.kind.lower(), "name": step.name}
