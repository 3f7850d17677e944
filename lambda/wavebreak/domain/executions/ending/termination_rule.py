"""Whether the instances of an execution may be terminated: the contract's rule, asked about the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.execution_utils import can_terminate_execution

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution


def _brief(execution: Execution) -> dict[str, Any]:
    """Return what the termination rules read of an execution."""
    return {
        "status": execution.status,
        "instancesTerminated": execution.instances_terminated,
        "waves": [
            {"status": wave.status, "jobId": next(iter(execution.job_ids(wave.number)), None)}
            for wave in execution.waves
        ],
    }


def refusal(execution: Execution) -> str | None:
    """Return the rule's exact reason against a termination; None when it is allowed (contract 2)."""
    return can_terminate_execution(_brief(execution))["reason"]
