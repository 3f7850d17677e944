"""The termination of an execution's recovery instances: when it may be asked for, and what it does next.

Only instances whose job belongs to this execution count. It is COMPLETED when each of them counts as terminated, and
INCOMPLETE, naming what remains or is unknown, when nothing more can be done or its hour is over; an INCOMPLETE one may
be asked for again. It never ends while a launch may still come up (contract 2).
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from wavebreak.domain.executions.ending.standings import Standing, Standings
from wavebreak.domain.executions.ending.termination_rule import refusal
from wavebreak.domain.executions.engine import with_termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.terminations import Hold, kept_in_bytes
from wavebreak.domain.executions.observing.instances import (
    absorb_instances,
    absorb_terminations,
    is_in_doubt,
    is_launched,
    terminate_jobs,
)
from wavebreak.domain.executions.observing.launches import absorb
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.execution_utils import TerminationStatus
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.jobs import Job
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.executions.observing.instances import TerminationObservation
    from wavebreak.site import Site
    from wavebreak.timing import Timing

_OUT_OF_TIME: Final = "Not terminated before the termination's time was over"


class TerminationDirective(StrEnum):
    """What the termination machine does next."""

    SLEEP = "SLEEP"
    TERMINATE = "TERMINATE"
    FINISH = "FINISH"


def request(execution: Execution, act: Attribution) -> Execution:
    """Request the termination; a request while it runs changes nothing.

    Raise NotAllowedError with the rule's exact reason.
    """
    if execution.termination.status is TerminationStatus.IN_PROGRESS:
        return execution
    reason = refusal(execution)
    if reason is not None:
        raise NotAllowedError(reason)
    return with_termination(execution, act.actor, act.at)


def decide(
    execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing
) -> tuple[Execution, TerminationDirective]:
    """Move a termination on by what was seen, and say what to do next.

    A site that does not answer holds up no other, but the end.
    """
    if execution.termination.status is not TerminationStatus.IN_PROGRESS:
        return execution, TerminationDirective.FINISH
    after = _without_answer(_seen(execution, observation, now, timing), observation, now, timing)
    standings = Standings(after, now, timing, observation)
    status = _outcome(after, standings, observation, now, timing)
    if status is not None:
        return _ended(standings.recorded(_OUT_OF_TIME), status, now), TerminationDirective.FINISH
    after = standings.recorded()
    if standings.due() or stale_intents(after, now):
        return after, TerminationDirective.TERMINATE
    return after, TerminationDirective.SLEEP


def _seen(execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing) -> Execution:
    after = absorb(execution, observation.jobs, now, timing)
    return absorb_instances(absorb_terminations(after, observation.jobs, now, timing), observation, now, timing)


def in_doubt(
    execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing
) -> tuple[tuple[Wave, Server], ...]:
    """Return the servers whose instance DRS no longer shows, so that only EC2 can tell what became of it."""
    if execution.termination.status is not TerminationStatus.IN_PROGRESS:
        return ()
    return tuple(
        (wave, server)
        for wave in _seen(execution, observation, now, timing).waves
        for server in wave.servers
        if wave.site not in observation.silent
        and server.source_server_id not in observation.unreported
        and is_in_doubt(server, now, timing)
    )


def due_after(
    execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing
) -> list[tuple[Wave, Server]]:
    """Return the servers whose instances are due by what a read shows, whatever holds them."""
    after = _without_answer(_seen(execution, observation, now, timing), observation, now, timing)
    return Standings(after, now, timing, observation).due()


def _outcome(
    execution: Execution, standings: Standings, observation: TerminationObservation, now: datetime, timing: Timing
) -> TerminationStatus | None:
    """Return how a termination ends; None while it goes on."""
    if may_launch_instances(execution, observation.silent, now) or _is_too_early(execution, now, timing):
        return None
    counted = Counter(standing for _, _, standing in standings.all())
    if counted.keys() <= {Standing.OVER}:
        return TerminationStatus.COMPLETED
    if counted.keys() <= {Standing.OVER, Standing.UNKNOWN, Standing.STUCK} or _is_overdue(execution, now, timing):
        return TerminationStatus.INCOMPLETE
    return None


def may_launch_instances(execution: Execution, silent: Iterable[Site], now: datetime) -> bool:
    """Return whether a launch of this execution may still bring up an instance, or that could not be looked up.

    A call that was held never to have happened, or that DRS refused, is searched for in every round (`open_intents`).
    """
    silent = frozenset(silent)
    return any(job.state is JobState.STARTED for job in execution.launch_jobs()) or any(
        job.site in silent or (job.state is JobState.INTENDED and now < job.check_after)
        for job in open_intents(execution)
    )


def _is_too_early(execution: Execution, now: datetime, timing: Timing) -> bool:
    """Return whether DRS may not show yet what a job launched that reported no instance."""
    launched = {server.source_server_id for wave in execution.waves for server in wave.servers if is_launched(server)}
    return any(
        job.ended_at is not None and now < job.ended_at + timing.second_read and not launched.issuperset(job.subjects)
        for job in execution.launch_jobs()
        if job.job_id is not None
    )


def open_intents(execution: Execution) -> tuple[Job, ...]:
    """Return the launch calls of which no job is known: each may have been made nevertheless."""
    return tuple(job for job in execution.launch_jobs() if job.job_id is None)


def due_at(
    execution: Execution, site: Site, observation: TerminationObservation, now: datetime, timing: Timing
) -> tuple[Server, ...]:
    """Return the servers of a site whose instances are to be terminated now, according to the last read."""
    seen = absorb_instances(execution, observation, now, timing)
    standings = Standings(seen, now, timing, observation)
    return tuple(server for wave, server in standings.due() if wave.site == site)


def sites_to_call(execution: Execution, now: datetime, timing: Timing) -> tuple[Site, ...]:
    """Return the sites in which there is something to do, as far as is stored."""
    if execution.termination.status is not TerminationStatus.IN_PROGRESS:
        return ()
    due = {wave.site for wave, _ in Standings(execution, now, timing).due()}
    return tuple(sorted(due | {job.site for job in stale_intents(execution, now)}, key=str))


def stale_intents(execution: Execution, now: datetime) -> tuple[Job, ...]:
    """Return the terminate calls whose outcome is to be looked up now."""
    held = {hold.site for hold in execution.termination.holds if now < hold.until}
    return tuple(
        job
        for job in terminate_jobs(execution)
        if job.state is JobState.INTENDED and now >= job.check_after and job.site not in held
    )


def held(execution: Execution, hold: Hold) -> Execution:
    """Return the execution with a site on hold."""
    others = tuple(other for other in execution.termination.holds if other.site != hold.site)
    return replace(execution, termination=replace(execution.termination, holds=(*others, hold)))


def released(execution: Execution, site: Site) -> Execution:
    """Return the execution without the hold of a site: DRS accepted a call there."""
    others = tuple(other for other in execution.termination.holds if other.site != site)
    if len(others) == len(execution.termination.holds):
        return execution
    return replace(execution, termination=replace(execution.termination, holds=others))


def _without_answer(
    execution: Execution, observation: TerminationObservation, now: datetime, timing: Timing
) -> Execution:
    """Return the execution with the sites that did not answer on hold, until they answer again."""
    after, silent = execution, observation.silent
    for hold in execution.termination.holds:
        if hold.silent and hold.site not in silent:
            after = released(after, hold.site)
    for site in sorted(silent, key=str):
        words = f"DRS does not answer{_site_text(site)}"
        if observation.refusals.get(site):
            words = f"DRS does not report what runs{_site_text(site)}: {observation.refusals[site]}"
        after = held(after, Hold(now + timing.no_room, kept_in_bytes(words), site, silent=True))
    return after


def _site_text(site: Site) -> str:
    region = f" in {site.region}" if site.region else ""
    account = f" of account {site.account_id}" if site.account_id else ""
    return f"{account}{region}"


def _is_overdue(execution: Execution, now: datetime, timing: Timing) -> bool:
    asked = execution.termination.requested_at
    return asked is not None and now >= asked + timing.termination_deadline


def _ended(execution: Execution, status: TerminationStatus, now: datetime) -> Execution:
    return replace(execution, termination=replace(execution.termination, status=status, ended_at=now))
