"""What comes from outside the machines: launch events of DRS, machines that ended wrongly, and the regular sweep."""

from __future__ import annotations

import json
from typing import Any

from wavebreak import reconciling
from wavebreak.app import app
from wavebreak.doorway import doorway


@doorway
def launch_events(event: dict[str, Any]) -> dict[str, Any]:
    """Count servers of jobs as launched or failed, a batch of events at a time; the last of a job wakes."""
    told = [json.loads(record["body"]) for record in event["Records"]]
    return {"woken": reconciling.servers_launched(app(), told)}


@doorway
def machine_ended(event: dict[str, Any]) -> dict[str, Any]:
    """Take an execution up again whose machine failed, timed out or was stopped."""
    detail = event.get("detail") or {}
    return {"restarted": reconciling.machine_ended(app(), str(detail.get("name", "")))}


@doorway
def sweep(_event: dict[str, Any]) -> dict[str, Any]:
    """Take up every execution whose machine was never started or shows no sign of life."""
    return {"restarted": reconciling.sweep(app())}
