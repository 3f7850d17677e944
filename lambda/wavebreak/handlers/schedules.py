"""A scheduled time of a plan has come."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases.schedules.start_scheduled import Delivery, start_scheduled


@doorway
def start(event: dict[str, Any]) -> dict[str, Any]:
    """Start the drill of a scheduled time; EventBridge Scheduler may deliver one more than once."""
    return {"outcome": start_scheduled(app(), Delivery.read(event))}
