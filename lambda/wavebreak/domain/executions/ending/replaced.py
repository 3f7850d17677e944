"""What a later run replaced of an earlier one: a launch of a server ends the instance that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome, InstanceEnding
from wavebreak.domain.executions.observing.instances import ending_of, is_launched
from wavebreak.execution_utils import TerminationStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server

_NOT_ENDED: Final = "CLEANUP_FAIL"
"""What the log of a job says of a server whose earlier instance could not be ended."""


def relaunched(execution: Execution, log_items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the instances that an execution launched in place of any earlier ones, by source server.

    `log_items` are those of its jobs' logs: where an earlier instance could not be ended, nothing was replaced.
    """
    kept = {(item.get("eventData") or {}).get("sourceServerID") for item in log_items if item["event"] == _NOT_ENDED}
    return {
        server.source_server_id: server.recovery_instance_id
        for wave in execution.waves
        for server in wave.servers
        if server.launch_status is LaunchStatus.LAUNCHED and server.recovery_instance_id is not None
        if not ending_of(server).is_over and server.source_server_id not in kept
    }


def replaced_by(launched: Mapping[str, str], earlier: Execution) -> Execution:
    """Record which instances of an earlier run were replaced by those that a later one launched, by source server.

    A termination that has begun tells itself what remains. An instance that was launched into is the same as before.
    """
    if earlier.termination.status != TerminationStatus.NOT_REQUESTED:
        return earlier

    def change(server: Server) -> Server:
        successor = launched.get(server.source_server_id)
        if successor is None or server.recovery_instance_id in {None, successor}:
            return server
        if not is_launched(server) or ending_of(server).is_over:
            return server
        return replace(server, ending=InstanceEnding(EndingOutcome.REPLACED))

    return earlier.with_waves(wave.with_servers(change) for wave in earlier.waves)
