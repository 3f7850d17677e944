"""The end of an execution by its machine; a drill that completed has its plan checked at once.

How the servers are then is what later checks compare with (contract 13): what changes after that read is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.executions.model.executions import Mode
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.use_cases.settle_execution import finish

if TYPE_CHECKING:
    from wavebreak.ports.capabilities import HasReadiness
    from wavebreak.use_cases.settle_execution import Ports as SettleExecutionPorts

    class Ports(SettleExecutionPorts, HasReadiness, Protocol):
        """What ending an execution needs."""


def end(app: Ports, execution_id: str) -> bool:
    """End an execution if it is over; return False when there is something to do after all.

    Doing it twice does no harm: the machine does so after any fault.
    """
    ended = finish(app, execution_id)
    if ended is None:
        return False
    if ended.mode is Mode.DRILL and ended.status is ExecutionStatus.COMPLETED:
        app.readiness.check_soon(ended.plan_id, app.now())
    return True
