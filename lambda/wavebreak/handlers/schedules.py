"""Scheduled drills."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.use_cases.schedules.start_scheduled import Delivery, start_scheduled


@doorway
def start(event: dict[str, Any]) -> dict[str, Any]:
    """Start the drill of a scheduled time, once however often EventBridge Scheduler delivers it."""
    return {"outcome": start_scheduled(app(), Delivery.read(event))}
