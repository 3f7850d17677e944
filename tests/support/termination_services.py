"""DRS and EC2 as far as a termination asks them; what each instance is refused for is the test's choice.

What DRS must never be asked fails at once. Reads show things in the manners of the simulator, late.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from botocore.exceptions import EndpointConnectionError
from tests.support.execution_builders import job_id
from tests.support.unasked import UnaskedDrs

from wavebreak.aws.unrepeated import CallRejectedError, OutcomeUnknownError
from wavebreak.domain.drs import Instance, RecentJob
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.launches import JobView, ServerView
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from drs_simulator.manners import Lens
    from wavebreak.domain.executions.model.jobs import Job

GOING = timedelta(seconds=20)
"""How long DRS takes to end an instance."""


class Way(Enum):
    """How DRS refuses a call that names one at fault, or keeps it from being made."""

    CONFLICT = auto()
    QUOTA = auto()
    VALIDATION = auto()
    NAMING = auto()
    FAULT = auto()
    THROTTLE = auto()
    FAILBACK = auto()
    """Its failback was begun: it is not for us to terminate."""
    INTO = auto()
    """It was launched into."""
    SILENT = auto()
    """DRS does not report whether it was launched into."""
    HELD = auto()
    """A recovery holds its server."""
    LOST = auto()
    """DRS forgot it, EC2 runs it on."""


UNCALLED = frozenset({Way.FAILBACK, Way.INTO, Way.SILENT, Way.HELD, Way.LOST})
FOR_GOOD = frozenset({Way.VALIDATION, Way.NAMING, Way.FAILBACK, Way.INTO, Way.HELD, Way.LOST})
"""Ways that waiting does not cure: the termination need not take its whole hour."""


@dataclass
class FakeDrs(UnaskedDrs):
    """DRS of one account and Region, as looks through a lens show it."""

    known: dict[str, Instance]
    """Its recovery instances by their ids."""
    ways: dict[str, Way]
    now: Callable[[], datetime]
    lens: Lens
    known_from: datetime
    """When DRS comes to know its instances."""
    not_found: bool = False
    """Whether it calls those NOT_FOUND until then; else it does not show them."""
    names_instances: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)
    ending: dict[str, tuple[datetime, tuple[str, ...]]] = field(default_factory=dict)
    """Terminate jobs: when each ends, and what it ends."""
    down: bool = False
    refused: str | None = None
    """The words in which it refuses every call."""

    def every_instance(self, servers: Sequence[str], /) -> list[Instance]:
        """Show the recovery instances of source servers."""
        self._answer()
        assert len(set(servers)) == len(servers)
        ends = {name: ends for ends, names in self.ending.values() for name in names}
        wanted = set(servers)
        here = (
            self._shown(instance, ends.get(name))
            for name, instance in self.known.items()
            if instance.source_server_id in wanted and self.ways.get(name) is not Way.LOST
        )
        return [instance for instance in here if instance is not None]

    def _shown(self, instance: Instance, ends: datetime | None) -> Instance | None:
        """Give an instance as this look shows it; None where it is not shown, not yet or no longer."""
        moment = self.lens.moment(instance.recovery_instance_id)
        if moment < self.known_from:
            return replace(instance, state="NOT_FOUND") if self.not_found else None
        if ends is None or moment < ends - GOING:
            return instance
        return replace(instance, state="SHUTTING-DOWN") if moment < ends else None

    def jobs(self, ids: Sequence[str], /) -> tuple[dict[str, JobView], frozenset[str]]:
        """Describe terminate jobs; as the real service mostly does, without the instances' ids."""
        self._answer()
        views = {}
        for name in ids:
            ends, members = self.ending[name]
            moment = self.lens.moment(name)
            if moment < ends - GOING:
                continue
            done = ends <= moment
            status = LaunchStatus.TERMINATED if done else LaunchStatus.IN_PROGRESS
            named = self.names_instances
            views[name] = JobView(
                done,
                {self.known[each].source_server_id: ServerView(status, each if named else None) for each in members},
            )
        return views, frozenset(ids) - views.keys()

    def recent_jobs(self, _now: datetime, /) -> list[RecentJob]:
        """List the terminate jobs."""
        self._answer()
        return [
            RecentJob(
                name,
                "TERMINATE",
                frozenset(self.known[each].source_server_id for each in members),
                {},
                ends <= moment,
                frozenset(members) if self.names_instances else frozenset(),
            )
            for name, (ends, members) in self.ending.items()
            if ends - GOING <= (moment := self.lens.moment(name))
        ]

    def find_launches(self, _execution_id: str, _intents: Sequence[Job], /) -> dict[tuple[int, int, int], str]:
        """Find no launch: none was lost."""
        self._answer()
        return {}

    def launches_into(self, source_server_id: str, /) -> bool:
        """Tell whether a server is launched into an instance."""
        self._answer()
        way = self._way_of(source_server_id)
        if way is Way.SILENT:
            raise EndpointConnectionError(endpoint_url="https://drs")
        return way is Way.INTO

    def _way_of(self, source_server_id: str) -> Way | None:
        return next(
            (self.ways.get(name) for name, each in self.known.items() if each.source_server_id == source_server_id),
            None,
        )

    def terminate(self, ids: Sequence[str], /) -> str:
        """Start a terminate job, refuse it, or answer with a fault."""
        batch = tuple(ids)
        assert 0 < len(batch) <= 200
        assert len(set(batch)) == len(batch)
        self.calls.append(batch)
        assert len(self.calls) < 20_000, "it never ends"
        self._answer()
        if self.refused is not None:
            raise CallRejectedError("AccessDeniedException", self.refused, status=403)
        at_fault = next((name for name in batch if name in self.ways), None)
        if at_fault is not None:
            self._refuse(at_fault, self.ways[at_fault])
        ends = {name: ends for ends, names in self.ending.values() for name in names}
        assert not any(ends.get(name, self.now()) > self.now() for name in batch), (
            "it was asked to end what it is ending"
        )
        if ends.keys() & set(batch):
            raise CallRejectedError("ConflictException", "it is gone", status=409)
        name = job_id(5000 + len(self.ending))
        self.ending[name] = (self.now() + GOING, batch)
        return name

    @staticmethod
    def _refuse(instance: str, way: Way) -> None:
        assert way not in UNCALLED, f"{instance} was to be left alone: {way}"
        if way is Way.FAULT:
            raise OutcomeUnknownError("InternalServerException (500)")
        if way is Way.CONFLICT:
            raise CallRejectedError("ConflictException", "a job of its server is running", status=409)
        if way is Way.QUOTA:
            raise CallRejectedError("ServiceQuotaExceededException", "too many of something", "L-00000000", 402)
        if way is Way.THROTTLE:
            raise CallRejectedError("ThrottlingException", "slow down", status=429)
        if way is Way.VALIDATION:
            raise CallRejectedError("ValidationException", "Invalid recovery instance")
        raise CallRejectedError("AccessDeniedException", f"not authorized on recovery-instance/{instance}", status=403)

    def _answer(self) -> None:
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://drs")


@dataclass
class FakeEc2:
    """EC2 of one account and Region: it runs what DRS forgot, and keeps what was terminated for a while."""

    drs: FakeDrs

    def states(self, ids: Sequence[str], /) -> dict[str, str]:
        """Give the states of the instances that it knows."""
        over = {name for ends, names in self.drs.ending.values() for name in names if ends <= self.drs.now()}
        known = (name for name in ids if name in self.drs.known)
        return {name: "terminated" if name in over else "running" for name in known}
