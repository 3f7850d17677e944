"""Tasks of the recovery state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.lambda_entry import doorway, failure_in
from wavebreak.use_cases.end_execution import end
from wavebreak.use_cases.launch_wave import start_wave as launch
from wavebreak.use_cases.observe_recovery import observe as observe_recovery
from wavebreak.use_cases.record_machine_failures import record
from wavebreak.use_cases.steps.run_wave_step import run_step


@doorway
def observe(event: dict[str, Any]) -> dict[str, Any]:
    """Do one round: `{executionId, name, rounds}` gives `{directive, mark, run, waves, brief, lastSeen}`."""
    run = Machine.RECOVERY.run_of(event["name"])
    return observe_recovery(app(), event["executionId"], run, int(event["rounds"])).output()


@doorway
def start_wave(event: dict[str, Any]) -> dict[str, Any]:
    """Start the servers of one wave that can be started now: `{executionId, wave}`."""
    launch(app(), event["executionId"], int(event["wave"]))
    return {}


@doorway
def run_command(event: dict[str, Any]) -> dict[str, Any]:
    """Start or stop the step of one wave that is due: `{executionId, wave}`."""
    run_step(app(), event["executionId"], int(event["wave"]))
    return {}


@doorway
def finalise(event: dict[str, Any]) -> dict[str, Any]:
    """End the execution if it is over: `{executionId}` gives `{ended}`."""
    return {"ended": end(app(), event["executionId"])}


@doorway
def record_failure(event: dict[str, Any]) -> dict[str, Any]:
    """Record why a run of the machine failed: `{executionId, name, error, cause}`."""
    execution_id = event["executionId"]
    record(app(), execution_id, *failure_in(event, name=execution_id, cause=""))
    return {}
