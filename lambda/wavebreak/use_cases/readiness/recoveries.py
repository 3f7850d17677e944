"""The sites in which a RECOVERY launches: mere checks of plans ask nothing there meanwhile."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.executions.creation import site_of
from wavebreak.identifiers import is_drill
from wavebreak.store.records.executions import LAUNCHES_IN

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasClock, HasExecutions, HasLocks
    from wavebreak.site import Site

    class Ports(HasClock, HasExecutions, HasLocks, Protocol):
        """What sparing the sites of recoveries needs."""


RECHECK_SECONDS: Final = 2.0
"""How long what the table reported counts: a RECOVERY that begins while plans are checked is given way to so soon."""


class Recoveries:
    """What recoveries launch, as the table reports it every few seconds; asked by several threads."""

    def __init__(self, app: Ports, own: Site, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep the stack's own account and Region, and what counts seconds."""
        self._app = app
        self._own = own
        self._clock = clock
        self._lock = Lock()
        self._sites: frozenset[Hashable] = frozenset()
        self._until: float | None = None

    def launch_in(self, site: Hashable) -> bool:
        """Return whether one launches in a site."""
        with self._lock:
            if self._until is None or self._clock() >= self._until:
                found = self._app.executions.sites_of_recoveries(LAUNCHES_IN)
                self._sites = frozenset(site for sites in found for site in sites)
                self._until = self._clock() + RECHECK_SECONDS
            return site in self._sites

    def need(self, plan: StoredPlan) -> bool:
        """Return whether one holds a plan, or launches in a site that the plan has waves in."""
        if any(self.launch_in(site_of(wave, self._own)) for wave in plan.document["waves"]):
            return True
        holder = self._app.locks.plan_holder(plan.document["planId"], self._app.now())
        return holder is not None and not is_drill(holder)
