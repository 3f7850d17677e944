"""Tasks of the command state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases import collect_results, forward_to_target


@doorway
def prepare(event: dict[str, Any]) -> dict[str, Any]:
    """Look at the targets of a run: `{commandId}` gives `{targets, sequential, atScale, list}`."""
    return forward_to_target.prepare(app(), event["commandId"]).output()


@doorway
def run_target(event: dict[str, Any]) -> dict[str, Any]:
    """Forward the command to one target: `{commandId, number}` gives the same and `{ended}`.

    With `{lost: {error, cause}}` it records that the target's task could not be carried out.
    """
    command_id, number = event["commandId"], int(event["number"])
    lost = event.get("lost")
    if lost is not None:
        forward_to_target.lose_target(app(), command_id, number, str(lost.get("error")), str(lost.get("cause")))
    ended = lost is not None or forward_to_target.run_target(app(), command_id, number)
    return {"commandId": command_id, "number": number, "ended": ended}


@doorway
def finish(event: dict[str, Any]) -> dict[str, Any]:
    """Fold the results of a run: `{commandId}` gives `{status, exitCode, total, succeeded, failed}`."""
    return collect_results.finish(app(), event["commandId"])


@doorway
def record_failure(event: dict[str, Any]) -> dict[str, Any]:
    """Keep what made a run of the machine fail: `{commandId, name, error, cause}`."""
    told = (str(event.get(field) or "Unknown") for field in ("name", "error", "cause"))
    collect_results.record_failure(app(), event["commandId"], *told)
    return {}
