"""What the services carry of a step's input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.steps.runs import StepKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.steps.runs import StepRun

MAX_EVENT_BYTES: Final = 200_000
"""Of the 262,144 bytes that Step Functions hands from state to state, what a function's event may have, and of the
409,600 of an item what parameters may."""
DEFAULT_TIMEOUT_SECONDS: Final[Mapping[StepKind, int]] = {StepKind.AUTOMATION: 3_600, StepKind.FUNCTION: 300}
LONGEST_TIMEOUT_SECONDS: Final[Mapping[StepKind, int]] = {StepKind.AUTOMATION: 172_800, StepKind.FUNCTION: 900}
"""Of a step (contract 12)."""


def function_event(run: StepRun) -> dict[str, Any]:
    """Return what a function is invoked with (contract 12)."""
    return {
        "executionId": run.execution_id,
        "planId": run.plan_id,
        "mode": run.mode,
        "wave": {"number": run.wave_number, "name": run.wave_name, "attempt": run.attempt},
        "servers": [
            {"sourceServerId": server.source_server_id, "recoveryInstanceId": server.recovery_instance_id}
            for server in run.servers
        ],
        "stepId": run.step_id,
        "payload": dict(run.payload),
    }


def refusal(run: StepRun) -> str | None:
    """Return why a run cannot begin: its input exceeds what Step Functions, or an item, holds. None when it can."""
    is_function = run.kind is StepKind.FUNCTION
    given = function_event(run) if is_function else {name: list(values) for name, values in run.parameters.items()}
    size = len(json.dumps(given, ensure_ascii=False).encode())
    if size <= MAX_EVENT_BYTES:
        return None
    what = "the function's event has" if is_function else "the automation's parameters have"
    return f"{what} {size:,} bytes once its placeholders are filled; {MAX_EVENT_BYTES:,} at most"
