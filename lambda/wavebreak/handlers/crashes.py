"""What functions could not record themselves, because their process was ended: read from their logs."""

from __future__ import annotations

from typing import Any

from wavebreak import crashes
from wavebreak.app import app
from wavebreak.doorway import doorway


@doorway
def record(event: dict[str, Any]) -> dict[str, Any]:
    """Record the timeouts and crashes in a batch of log lines that CloudWatch Logs delivers: `{awslogs: {data}}`."""
    return {"recorded": crashes.record(app(), event["awslogs"]["data"])}
