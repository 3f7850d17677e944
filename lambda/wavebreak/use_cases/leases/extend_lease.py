"""The lease of a drill, extended or shortened by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.leasing.rules import extended
from wavebreak.domain.executions.leasing.start import lasting

if TYPE_CHECKING:
    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasExecutions, HasTiming

    class Ports(HasExecutions, HasTiming, Protocol):
        """What extending a lease needs."""


def extend_lease(app: Ports, execution_id: str, minutes: int, act: Attribution) -> Execution:
    """Set the lease of a drill: its instances stay for so many minutes from now, or from its end while it runs.

    Raise NotFound, and NotAllowedError for a RECOVERY and once a termination was asked for.
    """
    lasts = lasting(minutes, app.timing)
    return app.executions.change(execution_id, lambda execution: extended(execution, minutes, lasts, act), act)
