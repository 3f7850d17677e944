"""Tasks of the command state machine."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway, failure_in
from wavebreak.use_cases.command_machine import collect_results, prepare_run
from wavebreak.use_cases.command_machine.worker_rounds import WorkerRound, do_round, record_lost_target


@doorway
def prepare(event: dict[str, Any]) -> dict[str, Any]:
    """Prepare a command run: `{commandId}` gives `{run, sequential, workers: [{worker, number}], most}`."""
    return prepare_run.prepare(app(), event["commandId"]).output()


@doorway
def run_target(event: dict[str, Any]) -> dict[str, Any]:
    """Do one round of a worker: `{commandId, run, worker, number, rounds, most}` gives the next round and `ended`.

    With `{lost: {error, cause}}` it records that the task of the target failed.
    """
    round_, lost = WorkerRound.read(event), event.get("lost")
    if lost is None:
        return do_round(app(), round_).output()
    return record_lost_target(app(), round_, str(lost.get("error")), str(lost.get("cause"))).output()


@doorway
def finish(event: dict[str, Any]) -> dict[str, Any]:
    """Summarize the results of a run: `{commandId, run}` gives `{status, exitCode, total, succeeded, failed}`.

    If targets are left for the next run of the machine, that run is started and the status does not change.
    """
    return collect_results.finish(app(), event["commandId"], int(event.get("run") or 0))


@doorway
def record_failure(event: dict[str, Any]) -> dict[str, Any]:
    """Record why a run of the machine failed: `{commandId, name, error, cause}`."""
    collect_results.record_failure(app(), event["commandId"], *failure_in(event))
    return {}
