"""Steps of waves written down in the items of their waves, and read back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.summary import FAILED_EVERYWHERE, CommandRunStatus
from wavebreak.domain.errors.masking import masked_reason
from wavebreak.domain.executions.model.steps import StepPhase, StepState, WaveStep
from wavebreak.domain.executions.stepping.wave_steps import step_status_of
from wavebreak.domain.executions.views.overview import time_of
from wavebreak.domain.plans.model import InDrill
from wavebreak.domain.steps.runs import StepKind
from wavebreak.timing import time_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONAL: Final = {
    "outcome": "outcome",
    "failure": "failure",
    "automationExecutionId": "automation_execution_id",
    "before": "before",
    "check": "check",
}
"""What most steps have nothing of: left out then."""


def step_entry(step: WaveStep) -> dict[str, Any]:
    """Write down a step."""
    values = {name: getattr(step, attribute) for name, attribute in _OPTIONAL.items()}
    values |= {
        "error": step.error and masked_reason(step.error),
        "startedAt": time_of(step.started_at),
        "endedAt": time_of(step.ended_at),
    }
    return {
        "phase": step.phase.value,
        "position": step.position,
        "kind": step.kind.value,
        "name": step.name,
        "required": step.required,
        "inDrill": step.in_drill.value,
        "state": step.state.value,
        "run": step.attempt,
        "again": step.again,
        "stopped": step.stopped,
        **{name: value for name, value in values.items() if value is not None},
    }


def read_steps(record: Mapping[str, Any]) -> tuple[WaveStep, ...]:
    """Read the steps of a wave's item; an older one has `commands`, whose outcomes are those of their runs."""
    listed = record["steps"] if "steps" in record else map(_of_an_older, record.get("commands") or ())
    return tuple(_read(entry) for entry in listed)


def _read(entry: Mapping[str, Any]) -> WaveStep:
    return WaveStep(
        phase=StepPhase(entry["phase"]),
        position=int(entry["position"]),
        name=entry["name"],
        kind=StepKind(entry["kind"]),
        required=bool(entry["required"]),
        in_drill=InDrill(entry["inDrill"]),
        state=StepState(entry["state"]),
        attempt=int(entry["run"]),
        again=bool(entry["again"]),
        stopped=bool(entry["stopped"]),
        error=entry.get("error"),
        started_at=time_or_none(entry.get("startedAt")),
        ended_at=time_or_none(entry.get("endedAt")),
        **{attribute: entry.get(name) for name, attribute in _OPTIONAL.items()},
    )


def _of_an_older(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    outcome, check = entry.get("outcome"), entry.get("check")
    # It ended before it was written down what a command failed by.
    failure = FAILED_EVERYWHERE if outcome == CommandRunStatus.COMPLETE_FAILURE else None
    return {
        "failure": failure,
        "again": False,
        "stopped": False,
        **entry,
        "kind": StepKind.COMMAND,
        "inDrill": InDrill.RUN,
        "name": entry["command"],
        "outcome": outcome if check or outcome is None else step_status_of(outcome).value,
    }
