"""A verdict on an ended execution: written with the event that reports it, which has a new report written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.findings.verdicts import judged, verdict_view
from wavebreak.domain.executions.model.attribution import Attribution

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.findings import Verdict
    from wavebreak.ports.capabilities import HasExecutions

    class Ports(HasExecutions, Protocol):
        """What giving a verdict needs."""


def give_verdict(app: Ports, execution_id: str, verdict: Verdict) -> Execution:
    """Return an execution its verdict; raise NotFound, and NotAllowedError while it has not ended."""
    act = Attribution(verdict.by, verdict.at)
    return app.executions.change(execution_id, lambda execution: judged(execution, verdict), act, verdict_view(verdict))
