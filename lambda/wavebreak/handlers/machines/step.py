"""Tasks of the step state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway, failure_in
from wavebreak.use_cases.steps import drive_step, watch_automation


@doorway
def drive(event: dict[str, Any]) -> dict[str, Any]:
    """Do one of the machine's tasks other than the rounds of an automation.

    PREPARE returns what to do: `{stepId}` gives `{todo: INVOKE | WATCH | DONE, run, function?, event?}`.
    FINISH stores the outcome of a function call: `{stepId, outcome: {answer} | {error, cause}}` gives `{status}`.
    RECORD_FAILURE records why a run of the machine failed: `{stepId, name, error, cause}` gives `{}`.
    """
    step_id = event["stepId"]
    match event["task"]:
        case "PREPARE":
            return drive_step.prepare(app(), step_id)
        case "FINISH":
            return drive_step.finish(app(), step_id, event["outcome"])
        case "RECORD_FAILURE":
            drive_step.record_failure(app(), step_id, *failure_in(event))
            return {}
        case unknown:
            raise ValueError(f"the step machine has no task {unknown}")


@doorway
def watch(event: dict[str, Any]) -> dict[str, Any]:
    """Do one round of an automation: `{stepId, run, rounds}` gives `{ended, seconds}`."""
    found = watch_automation.watch(app(), event["stepId"], int(event["run"]), int(event["rounds"]))
    return found.output()
