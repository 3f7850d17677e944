"""Failures of the machinery itself: kept with the execution, and never the end of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from wavebreak.model import Failure
from wavebreak.trail import ENGINE_ACTOR, Act

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.app import App
    from wavebreak.model import Execution

logger = logging.getLogger(__name__)

_CAUSE_LENGTH: Final = 1000
_AT_ONCE: Final = 3
"""Failed runs in a row that are each followed by the next at once."""
TOGETHER: Final = timedelta(minutes=5)
"""Failures no further apart than this count as a row."""


def record(app: App, event: Mapping[str, Any]) -> None:
    """Keep error and cause of a failed run with its execution, for whoever looks at it."""
    failure = Failure(app.now(), str(event.get("error") or "Unknown"), str(event.get("cause") or "")[:_CAUSE_LENGTH])
    logger.error("run %s failed: %s: %s", event.get("name"), failure.error, failure.cause)

    def step(current: Execution) -> Execution:
        last = current.last_failure
        count = last.count + 1 if last and failure.at - last.at < TOGETHER else 1
        return replace(current, last_failure=replace(failure, count=count))

    app.executions.change(str(event["executionId"]), step, Act(ENGINE_ACTOR, failure.at))


def keeps_failing(execution: Execution, now: datetime) -> bool:
    """Tell whether runs failed so often of late that the next one is left to the sweep."""
    last = execution.last_failure
    return last is not None and last.count > _AT_ONCE and now - last.at < TOGETHER
