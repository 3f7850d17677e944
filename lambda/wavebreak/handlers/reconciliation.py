"""Events from outside the machines: launch events of DRS, runs of machines that failed, and the regular sweep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wavebreak.app import app
from wavebreak.domain.steps.step_ids import STEP_RUN
from wavebreak.identifiers import COMMAND_ID
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases import reconcile_executions
from wavebreak.use_cases.command_machine import reconcile_commands
from wavebreak.use_cases.record_machine_failures import EndedRun, record_ended_run
from wavebreak.use_cases.steps import reconcile_steps
from wavebreak.use_cases.sweep import sweep_everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.app import App


@doorway
def launch_events(event: dict[str, Any]) -> dict[str, Any]:
    """Remove the servers of launch events from those awaited; the last server of a job wakes its execution."""
    launched = [json.loads(record["body"]) for record in event["Records"]]
    return {"woken": reconcile_executions.servers_launched(app(), launched)}


@doorway
def machine_ended(event: dict[str, Any]) -> dict[str, Any]:
    """Resume an execution, a command run or a step whose machine failed, timed out or was stopped."""
    detail = event.get("detail") or {}
    name, status, error, cause = (str(detail.get(key) or "") for key in ("name", "status", "error", "cause"))
    record_ended_run(app(), EndedRun(name, status, error or None, cause))
    return {"restarted": _take_up(name)(app(), name)}


def _take_up(name: str) -> Callable[[App, str], bool]:
    if name.startswith(STEP_RUN):
        return reconcile_steps.machine_ended
    return reconcile_commands.machine_ended if name.startswith(COMMAND_ID) else reconcile_executions.machine_ended


@doorway
def sweep(_event: dict[str, Any]) -> dict[str, Any]:
    """Resume every execution, command run and step whose machine was never started or shows no sign of life.

    Also see to the leases and schedules of drills and to the queue of failed events. A fault in one of these tasks does
    not stop the others.
    """
    counts = sweep_everything(app())
    return {**counts, "restarted": counts["restarted"] + counts["commands"] + counts["steps"]}
