"""The verdict on an ended execution; it may be given repeatedly, and the last one counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.findings import Verdict


def judged(execution: Execution, verdict: Verdict) -> Execution:
    """Return an ended execution with its verdict, also while its instances are terminated and after (contract 4).

    The verdict changes no status. Raise NotAllowedError while the execution has not ended.
    """
    if not execution.is_terminal:
        raise NotAllowedError(f"Execution is {execution.status}; a verdict is given once it has ended")
    return replace(execution, verdict=verdict)


def verdict_view(verdict: Verdict) -> dict[str, Any]:
    """Return the data of a verdict's event beside the change: the notes, if any."""
    return {"notes": verdict.notes} if verdict.notes else {}
