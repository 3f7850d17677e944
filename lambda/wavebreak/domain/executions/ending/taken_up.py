"""What became of an execution's instances by the time that it is taken up again, as DRS shows it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.domain.executions.observing.instances import (
    TERMINATED,
    ObservedInstances,
    TerminationObservation,
    ending_of,
    is_launched,
)
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server


def compared(execution: Execution, shown: Sequence[Instance]) -> Execution:
    """Record the instances that DRS shows as TERMINATED, or in whose place it shows one that another caller launched.

    `shown` is what DRS shows of the servers, in any state. That it shows nothing of a server proves nothing.
    """
    observed = ObservedInstances(execution, TerminationObservation(instances=tuple(shown)))

    def change(server: Server) -> Server:
        if server.recovery_instance_id is None or not is_launched(server) or ending_of(server).is_over:
            return server
        outcome = _outcome(server, observed)
        return server if outcome is None else replace(server, ending=InstanceEnding(outcome))

    return execution.with_waves(wave.with_servers(change) for wave in execution.waves)


def _outcome(server: Server, observed: ObservedInstances) -> EndingOutcome | None:
    instance = observed.instance_of(server)
    if instance is not None:
        return EndingOutcome.TERMINATED if instance.state == TERMINATED else None
    return None if observed.successor_of(server) is None else EndingOutcome.REPLACED


def present_instance(server: Server) -> str | None:
    """Return a server's recovery instance; None where it is not known, or known to be gone."""
    return None if ending_of(server).is_over else server.recovery_instance_id
