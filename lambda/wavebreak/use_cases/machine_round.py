"""What rounds of the machines share: their output, a look at the DRS jobs in flight, and at those of lost answers."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from wavebreak.aws.parallel_reads import Places
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.model import Job, JobState, LaunchStatus
from wavebreak.domain.executions.observation import JobView, Observation, ServerView
from wavebreak.resilience.aws_errors import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.app import App
    from wavebreak.aws.drs import Drs
    from wavebreak.site import Place
logger = logging.getLogger(__name__)


RENEW: Final = "RENEW"
STAND_DOWN: Final = "STAND_DOWN"
"""A later run of the machine drives this execution."""
NEVER: Final = -1
"""A mark that no item has: whoever stands down neither sleeps nor takes the token of the run that followed."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one look came to; constant in size, whatever the plan's."""

    directive: str
    mark: int
    run: int
    waves: tuple[int, ...] = ()

    def output(self) -> dict[str, Any]:
        """Give the state machine's view."""
        return {"directive": self.directive, "mark": self.mark, "run": self.run, "waves": list(self.waves)}


def places_of(app: App) -> Places:
    """Begin a round's questions to DRS; a place that fails is recorded, as a warning: the next round asks it again."""

    def note(error: Exception, question: str, place: Place) -> None:
        app.errors.record_error(error, Severity.WARNING, question=question, place=str(place))

    return Places(app.drs_at, note)


def look(app: App, jobs: Iterable[Job], places: Places | None = None) -> Observation:
    """Describe every job in flight, in one call for each account and Region.

    A fault of DRS is not a failure of the recovery: what could not be seen stays as it was and is looked at again.
    """
    in_flight: dict[Place, list[str]] = defaultdict(list)
    for job in jobs:
        if job.state is JobState.STARTED and job.job_id is not None:
            in_flight[job.place].append(job.job_id)
    questions = {place: partial(_described, job_ids) for place, job_ids in in_flight.items()}
    seen = (places or places_of(app)).ask("DRS jobs", questions).values()
    views = {job_id: view for told, _ in seen for job_id, view in told.items()}
    return Observation(views, frozenset().union(*(unnamed for _, unnamed in seen)))


def turned_up(
    app: App, execution_id: str, intents: Iterable[Job], places: Places | None = None
) -> dict[tuple[int, int, int], str]:
    """Look by their tags for the jobs of calls whose outcome is not known. There are none in a round like others.

    No call is made while this looks: StartWave runs before or after a round, never beside it.
    """
    unknown: dict[Place, list[Job]] = defaultdict(list)
    for job in intents:
        unknown[job.place].append(job)
    questions = {place: partial(_found, execution_id, jobs) for place, jobs in unknown.items()}
    seen = (places or places_of(app)).ask("jobs of intents", questions).values()
    return {key: job_id for found in seen for key, job_id in found.items()}


def _described(job_ids: list[str], drs: Drs) -> tuple[dict[str, JobView], frozenset[str]]:
    seen, unnamed = drs.jobs(job_ids)
    return {job_id: _explained(drs, job_id, view) for job_id, view in seen.items()}, unnamed


def _found(execution_id: str, jobs: list[Job], drs: Drs) -> dict[tuple[int, int, int], str]:
    return drs.find_launches(execution_id, jobs)


def _explained(drs: Drs, job_id: str, view: JobView) -> JobView:
    """Add from the job's log why servers failed; without the log the failure stands all the same."""
    failed = [server for server, seen in view.servers.items() if seen.launch_status is LaunchStatus.FAILED]
    if not failed or not view.completed:
        return view
    try:
        reasons = drs.failure_reasons(job_id)
    except FAULTS as error:
        logger.warning("log of DRS job %s could not be read: %s", job_id, error)
        return view
    explained = {
        server: ServerView(seen.launch_status, seen.recovery_instance_id, seen.actions_running, reasons.get(server))
        for server, seen in view.servers.items()
    }
    return JobView(view.completed, explained)
