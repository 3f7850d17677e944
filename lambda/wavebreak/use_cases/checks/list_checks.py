"""The check executions of an execution, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.domain.executions.checking.turns import counting_runs

if TYPE_CHECKING:
    from wavebreak.ports.capabilities import HasChecks, HasExecutions

    class Ports(HasChecks, HasExecutions, Protocol):
        """What listing checks needs."""


def list_checks(
    app: Ports, execution_id: str, limit: int, token: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """List them, those of an earlier try of their wave as superseded; raise NotFound."""
    runs = counting_runs(app.executions.load(execution_id).execution)
    return app.checks.page(execution_id, runs, limit=limit, token=token)
