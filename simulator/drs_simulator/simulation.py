"""The simulated world: every account and Region, one clock, one lock, and the thread that keeps things happening."""

from __future__ import annotations

import logging
from functools import partial
from random import Random
from threading import Condition, RLock, Thread
from typing import TYPE_CHECKING, Any

from drs_simulator.clockwork.agenda import Agenda
from drs_simulator.clockwork.clock import SystemClock
from drs_simulator.clockwork.ids import IdSource
from drs_simulator.clockwork.timing import Timing
from drs_simulator.drs.quotas import Quotas
from drs_simulator.drs.views import instance_view, job_view, server_view
from drs_simulator.ec2 import views as ec2
from drs_simulator.faults import Faults
from drs_simulator.journal import Journal
from drs_simulator.manners import Exact, Lens, Manners
from drs_simulator.region import Region
from drs_simulator.ssm.agents import Agents
from drs_simulator.ssm.automation_operations import state_of
from drs_simulator.ssm.documents import Documents
from drs_simulator.ssm.machines import Machines
from drs_simulator.ssm.runbooks import Runbooks
from drs_simulator.ssm.settings import RunCommand
from drs_simulator.ssm.views import invocation_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.drs.model import LaunchResult

logger = logging.getLogger(__name__)

# How often a new invocation cannot be found, unless the control API says otherwise.
MISSING_LOOKUPS = 1


class Simulation:
    """Holds what the simulator knows. A caller that reads or changes it holds ``lock`` and has called ``settle``.

    ``listener`` gets every launch result, in the order they happen and while the lock is held: it must be quick.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        timing: Timing | None = None,
        randomness: Random | None = None,
        listener: Callable[[LaunchResult], None] | None = None,
        run_command: RunCommand | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.timing = timing or Timing()
        self._first_manners = manners or Manners()
        self.lens = Lens(self._first_manners, self.clock, self.timing)
        self.ids = IdSource(randomness or Random())  # noqa: S311 - identifiers, no secrets
        self.agenda = Agenda()
        self.quotas = Quotas()
        self.faults = Faults()
        self.journal = Journal()
        self.events_enabled = True
        self.lock = RLock()
        self.documents = Documents()
        self.runbooks = Runbooks()
        how = run_command or RunCommand()
        self.agents = Agents(self.lock, self.clock, Machines(how.instances_directory), how.listener)
        self.missing_lookups = MISSING_LOOKUPS
        self._listener = listener
        self._regions: dict[tuple[str, str], Region] = {}
        self._changed = Condition(self.lock)
        self._running = False
        self._thread = Thread(target=self._keep_time, name="drs-simulator-agenda", daemon=True)
        self.clock.subscribe(self.settle)

    @property
    def vcpu_quota(self) -> int:
        """Return how many vCPUs the running instances of a Region may have."""
        return self.quotas.vcpus

    def start(self) -> None:
        """Start the thread that does steps when they are due."""
        self._running = True
        self._thread.start()

    def stop(self) -> None:
        """Stop the clockwork and wait for its thread."""
        with self.lock:
            self._running = False
            self._changed.notify_all()
        self._thread.join()
        self.agents.clear()

    def region(self, account: str, name: str) -> Region:
        """Return what an account has in a Region, made at its first use."""
        if (account, name) not in self._regions:
            self._regions[account, name] = Region(account, name, self)
        return self._regions[account, name]

    def settle(self) -> None:
        """Do every step that is due by now, and wake the clockwork if a new one is planned."""
        with self.lock:
            self.agenda.settle(self.clock.now())
            self._changed.notify_all()

    def announce(self, result: LaunchResult) -> None:
        """Notify the listener of a launch result as the manners say: late, twice, not at all, or properly."""
        for delay in self.lens.deliveries(result.subject):
            if delay:
                self.agenda.add(result.at + delay, partial(self._deliver, result))
            else:
                self._deliver(result)

    def _deliver(self, result: LaunchResult, _at: datetime | None = None) -> None:
        if self._listener and self.events_enabled:
            self._listener(result)

    def reset(self) -> None:
        """Forget everything: servers, jobs, instances, commands, faults, calls and settings.

        Manners are those that it began with. The documents stay, for they were deployed and not simulated. Nothing of
        any command runs when this returns.
        """
        with self.lock:
            self._regions.clear()
            self.agenda.clear()
            self.faults.clear()
            self.journal.clear()
            self.quotas = Quotas()
            self.runbooks.clear()
            self.events_enabled = True
            self.missing_lookups = MISSING_LOOKUPS
            self.lens.use(self._first_manners)
        self.agents.clear()

    def state(self) -> dict[str, Any]:
        """Return all that exists in every account and Region, in the field names of the services' models."""
        with self.lock:
            self.settle()
            now = self.clock.now()
            exact = Exact(now)
            regions = list(self._regions.values())
            fleets = [each.fleet for each in regions]
            return {
                "sourceServers": [server_view(each, it, exact) for each in fleets for it in each.servers.values()],
                "jobs": [job_view(each, it, exact) for each in fleets for it in each.jobs.values()],
                "recoveryInstances": [
                    instance_view(each, it, exact) for each in fleets for it in each.instances.values()
                ],
                "commandInvocations": [
                    invocation_view(it, details=True) for each in regions for it in each.invocations()
                ],
                "maxCommandsInFlight": self.agents.most_in_flight,
                "ec2Instances": [
                    ec2.instance_view(each.ec2, it, now) for each in regions for it in each.ec2.instances.values()
                ],
                "launchTemplates": [
                    ec2.template_view(it, now) for each in regions for it in each.ec2.templates.values()
                ],
                "automationExecutions": [
                    state_of(it, now) for each in regions for it in each.systems_manager.automations.values()
                ],
            }

    def regions(self) -> Iterator[Region]:
        """Yield every account and Region that is used."""
        return iter(self._regions.values())

    def _keep_time(self) -> None:
        with self.lock:
            while self._running:
                self.agenda.settle(self.clock.now())
                due = self.agenda.next_due()
                # A clock that is moved by hand notifies; one that flows needs no more than this wait.
                self._changed.wait(None if due is None else max(0.0, (due - self.clock.now()).total_seconds()))
