"""The regular checks of plans."""

from __future__ import annotations

from typing import Any

from wavebreak.app import app
from wavebreak.lambda_entry import doorway
from wavebreak.site import Site
from wavebreak.use_cases.readiness.check_plans import check_due_plans


@doorway
def check(event: dict[str, Any]) -> dict[str, Any]:
    """Check the plans that are due, and notify of what changed; the event is that of an EventBridge schedule."""
    return check_due_plans(app(), Site(event["account"], event["region"])).counts()
