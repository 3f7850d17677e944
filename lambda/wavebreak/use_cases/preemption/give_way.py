"""What a drill leaves to recoveries before each StartRecovery: their servers, and the sites where they start some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.executions.model.executions import Mode
from wavebreak.store import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.ports.capabilities import HasClock, HasExecutions, HasLocks

    class Ports(HasClock, HasExecutions, HasLocks, Protocol):
        """What giving way to recoveries needs."""


TAKEN: Final = "Held by another execution: this drill does not start it"
SITE_NEEDED: Final = "Waits until a recovery has started its servers in this account and Region"


def servers_left_to_recoveries(app: Ports, execution: Execution, wave: Wave, names: Sequence[str]) -> dict[str, str]:
    """Return which servers of a wave a drill must not start now, and why; of a RECOVERY none.

    It holds back from a server whose lock it does not hold, and from all of a site in which a running wave of a
    RECOVERY has servers to be started: jobs and quotas there are the RECOVERY's.
    """
    if execution.mode is not Mode.DRILL or not names:
        return {}
    if any(wave.site in sites for sites in app.executions.sites_of_recoveries()):
        return dict.fromkeys(names, SITE_NEEDED)
    partitions = {keys.server(wave.site, name): name for name in names}
    mine = app.locks.held_of(execution, list(partitions), app.now())
    return {name: TAKEN for partition, name in partitions.items() if partition not in mine}
