"""Tasks of the step state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases.steps import drive_step, watch_automation


@doorway
def prepare(event: dict[str, Any]) -> dict[str, Any]:
    """Tell what is to be done: `{stepId}` gives `{todo: INVOKE | WATCH | DONE, run, function?, event?}`."""
    return drive_step.prepare(app(), event["stepId"])


@doorway
def watch(event: dict[str, Any]) -> dict[str, Any]:
    """Do a round of an automation: `{stepId, run, rounds}` gives `{ended, seconds}`."""
    found = watch_automation.watch(app(), event["stepId"], int(event["run"]), int(event["rounds"]))
    return found.output()


@doorway
def finish(event: dict[str, Any]) -> dict[str, Any]:
    """Write what a function's call came to: `{stepId, outcome: {answer} | {error, cause}}` gives `{status}`."""
    return drive_step.finish(app(), event["stepId"], event["outcome"])


@doorway
def record_failure(event: dict[str, Any]) -> dict[str, Any]:
    """Keep what made a run of the machine fail: `{stepId, name, error, cause}`."""
    described = (str(event.get(field) or "Unknown") for field in ("name", "error", "cause"))
    drive_step.record_failure(app(), event["stepId"], *described)
    return {}
