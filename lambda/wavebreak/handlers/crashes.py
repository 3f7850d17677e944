"""Errors that functions could not record themselves because their process ended, read from their logs."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases import record_crashes


@doorway
def record(event: dict[str, Any]) -> dict[str, Any]:
    """Record the timeouts and crashes in a batch of log lines that CloudWatch Logs delivers: `{awslogs: {data}}`."""
    return {"recorded": record_crashes.record(app(), event["awslogs"]["data"])}
