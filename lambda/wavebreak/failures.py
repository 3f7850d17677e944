"""Failures of the machinery itself: kept with the execution, and never the end of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from wavebreak.model import Failure
from wavebreak.trail import ENGINE_ACTOR, Act

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.app import App

logger = logging.getLogger(__name__)

_CAUSE_LENGTH: Final = 1000


def record(app: App, event: Mapping[str, Any]) -> None:
    """Keep error and cause of a failed run with its execution, for whoever looks at it."""
    failure = Failure(app.now(), str(event.get("error") or "Unknown"), str(event.get("cause") or "")[:_CAUSE_LENGTH])
    logger.error("run %s failed: %s: %s", event.get("name"), failure.error, failure.cause)
    act = Act(ENGINE_ACTOR, failure.at)
    app.executions.change(str(event["executionId"]), lambda current: replace(current, last_failure=failure), act)
