"""Tasks of the termination state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.lambda_entry import doorway, failure_in
from wavebreak.use_cases.record_machine_failures import record
from wavebreak.use_cases.termination import observe_termination, terminate_instances


@doorway
def observe(event: dict[str, Any]) -> dict[str, Any]:
    """Do one round of a termination: `{executionId, name}` gives `{directive, mark, run, waves}`."""
    return observe_termination.observe(app(), event["executionId"], Machine.TERMINATION.run_of(event["name"])).output()


@doorway
def terminate(event: dict[str, Any]) -> dict[str, Any]:
    """Terminate the instances of an execution that are due: `{executionId}`."""
    terminate_instances.terminate(app(), event["executionId"])
    return {}


@doorway
def record_failure(event: dict[str, Any]) -> dict[str, Any]:
    """Record why a run of the machine failed: `{executionId, name, error, cause}`."""
    execution_id = event["executionId"]
    record(app(), execution_id, *failure_in(event, name=execution_id, cause=""))
    return {}
