"""What comes from outside the machines: launch events of DRS, machines that ended wrongly, and the regular sweep."""

from __future__ import annotations

from typing import Any

from wavebreak import reconciling
from wavebreak.app import app
from wavebreak.doorway import doorway


@doorway
def launch_event(event: dict[str, Any]) -> dict[str, Any]:
    """Count a server of a job as launched or failed; the last one wakes the execution."""
    detail = event.get("detail") or {}
    servers = [str(arn).rpartition("/")[2] for arn in event.get("resources") or []]
    return {"woken": reconciling.server_launched(app(), str(detail.get("job-id", "")), servers)}


@doorway
def machine_ended(event: dict[str, Any]) -> dict[str, Any]:
    """Take an execution up again whose machine failed, timed out or was stopped."""
    detail = event.get("detail") or {}
    return {"restarted": reconciling.machine_ended(app(), str(detail.get("name", "")))}


@doorway
def sweep(_event: dict[str, Any]) -> dict[str, Any]:
    """Take up every execution whose machine was never started or shows no sign of life."""
    return {"restarted": reconciling.sweep(app())}
