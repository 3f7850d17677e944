"""The standing of each instance of a termination: over, unknown, stuck, waiting, or due.

Each instance that is not terminated has a reason: in its server's `ending`, or in a refusal of it or of its site.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.domain.executions.observing.instances import (
    SHUTTING_DOWN,
    ObservedInstances,
    ending_of,
    is_launched,
    terminate_jobs,
)
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.terminations import Hold, InstanceEnding
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.executions.observing.instances import TerminationObservation
    from wavebreak.timing import Timing

MAX_ATTEMPTS: Final = 3
"""Terminate jobs that one instance gets in one run, and refusals that waiting does not cure before it is given up."""
_NO_FAILBACK: Final = frozenset({None, "FAILBACK_NOT_STARTED"})
_BY_HAND: Final = "end or disconnect it in DRS"
_NOT_REPORTED: Final = "DRS does not report whether it existed before (GetLaunchConfiguration)"


class Standing(Enum):
    """How an instance stands."""

    OVER = auto()
    UNKNOWN = auto()
    STUCK = auto()
    """Nothing more can be done for it in this run."""
    WAITS = auto()
    DUE = auto()


class Standings:
    """The standings of all instances of a termination at a moment; without a read each counts as shown and running."""

    def __init__(
        self, execution: Execution, now: datetime, timing: Timing, observation: TerminationObservation | None = None
    ) -> None:
        """Keep what is stored, and what was just seen."""
        self.execution = execution
        self.now = now
        self.timing = timing
        self._observation = observation
        self._observed = ObservedInstances(execution, observation) if observation is not None else None
        self._holds = {hold.site: hold for hold in execution.termination.holds}
        self._covered: dict[str, Job] = {}
        self._ended: dict[str, Job] = {}
        self._attempts: Counter[str] = Counter()
        for job in terminate_jobs(execution):
            if job.in_flight:
                self._covered.update(dict.fromkeys(job.subjects, job))
            elif job.state is JobState.ENDED:
                self._ended.update(dict.fromkeys(job.subjects, job))
                self._attempts.update(job.subjects)

    def all(self) -> Iterator[tuple[Wave, Server, Standing]]:
        """Return the standing of each server that was launched."""
        for wave in self.execution.waves:
            for server in wave.servers:
                if is_launched(server):
                    yield wave, server, self._of(wave, server)[0]

    def due(self) -> list[tuple[Wave, Server]]:
        """Return the servers whose instances are to be terminated now."""
        return [(wave, server) for wave, server, standing in self.all() if standing is Standing.DUE]

    def recorded(self, otherwise: str | None = None) -> Execution:
        """Return the execution with the reason of each instance that is left, or `otherwise` where there is none."""
        return self.execution.with_waves(
            wave.with_servers(lambda server, wave=wave: self._explained(wave, server, otherwise))  # type: ignore[misc]  # mypy infers no default
            for wave in self.execution.waves
        )

    def _explained(self, wave: Wave, server: Server, otherwise: str | None) -> Server:
        ending = ending_of(server)
        if not is_launched(server) or ending.is_over:
            return server
        _, reason = self._of(wave, server)
        if reason is None and ending.suspicion is None and wave.site not in self._holds:
            reason = otherwise
        by_hand = reason is not None and reason.endswith(_BY_HAND)
        explained = replace(ending, reason=reason, by_hand=by_hand)
        return server if explained == ending else replace(server, ending=explained)

    def _of(self, wave: Wave, server: Server) -> tuple[Standing, str | None]:
        """Return how a server's instance stands, and why; None where a suspicion or a hold has the words."""
        ending = ending_of(server)
        if ending.is_over:
            return Standing.OVER, None
        if ending.outcome is EndingOutcome.UNKNOWN:
            return Standing.UNKNOWN, ending.reason
        hold = self._holds.get(wave.site)
        if hold is not None and hold.silent:
            return Standing.WAITS, None
        unreported = (
            self._observation.unreported.get(server.source_server_id) if self._observation is not None else None
        )
        if unreported is not None:
            return Standing.WAITS, unreported
        shown = self._observed.instance_of(server) if self._observed is not None else None
        not_shown = self._observed is not None and shown is None
        if not_shown or ending.missing_since is not None or server.recovery_instance_id is None:
            return Standing.WAITS, ending.reason
        return self._standing_of_shown(server, ending, shown, hold)

    def _standing_of_shown(
        self, server: Server, ending: InstanceEnding, shown: Instance | None, hold: Hold | None
    ) -> tuple[Standing, str | None]:
        """Return how an instance stands that DRS shows."""
        under_way = self._under_way(server, ending, shown)
        if under_way is not None:
            return under_way
        barred = self._barred(server, ending, shown)
        if barred is not None:
            return Standing.STUCK, barred
        if hold is not None and hold.refusals >= MAX_ATTEMPTS:
            return Standing.STUCK, None
        if hold is not None and self.now < hold.until:
            return Standing.WAITS, None
        return self._by_itself(server, ending)

    def _barred(self, server: Server, ending: InstanceEnding, shown: Instance | None) -> str | None:
        """Return why this execution must not terminate an instance."""
        if shown is not None and shown.failback not in _NO_FAILBACK:
            return f"Its failback is {shown.failback}: {_BY_HAND}"
        if ending.launched_into:
            return f"It existed before and was launched into (launchInto): {_BY_HAND}"
        holder = self._observation.held.get(server.source_server_id) if self._observation is not None else None
        return f"held by {holder}" if holder is not None else None

    def _under_way(
        self, server: Server, ending: InstanceEnding, shown: Instance | None
    ) -> tuple[Standing, str | None] | None:
        """Return what an instance waits for that is under way already; None when nothing is."""
        instance = server.recovery_instance_id or ""
        if shown is not None and shown.state == SHUTTING_DOWN:
            return Standing.WAITS, "It shuts down"
        job, ended = self._covered.get(instance), self._ended.get(instance)
        if job is not None and job.job_id is None:
            return Standing.WAITS, None if ending.suspicion is not None else "DRS was asked to terminate it"
        if job is not None:
            return Standing.WAITS, f"DRS job {job.job_id} is to terminate it"
        if ended is None or ended.ended_at is None or self._attempts[instance] >= MAX_ATTEMPTS:
            return None
        if self.now >= ended.ended_at + self.timing.second_read:
            return None
        return Standing.WAITS, f"DRS job {ended.job_id}, which was to terminate it, has ended, and DRS still shows it"

    def _by_itself(self, server: Server, ending: InstanceEnding) -> tuple[Standing, str | None]:
        """Return whether an instance that nothing stands in the way of is to be terminated now."""
        if self._attempts[server.recovery_instance_id or ""] >= MAX_ATTEMPTS:
            return Standing.STUCK, f"{MAX_ATTEMPTS} DRS jobs ended without terminating it"
        if ending.refusals >= MAX_ATTEMPTS:
            return Standing.STUCK, None
        suspicion = ending.suspicion
        if suspicion is not None and self.now < suspicion.not_before:
            return Standing.WAITS, None
        if ending.not_before is not None:
            return Standing.WAITS if self.now < ending.not_before else Standing.DUE, _NOT_REPORTED
        return Standing.DUE, None
