"""What rounds of the machines share: their output, the DRS jobs in flight, and the jobs of lost answers."""

from __future__ import annotations

import logging
from collections import defaultdict
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.parallel_reads import Sites
from wavebreak.aws.reads_by_id import partly
from wavebreak.domain.drs import STOPPED
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.model.jobs import Job, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing import learning
from wavebreak.domain.executions.observing.launches import InstanceView, JobView, Observation
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wavebreak.aws.parallel_reads import Answers
    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.ending.termination import TerminationDirective
    from wavebreak.domain.executions.engine import Directive
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.observing.launches import JobLog
    from wavebreak.domain.executions.observing.learning import Due
    from wavebreak.ports.capabilities import (
        HasClock,
        HasDrsReads,
        HasErrors,
        HasPostLaunchActions,
        HasSilences,
        HasTiming,
    )
    from wavebreak.ports.drs import DrsJobs, DrsReads
    from wavebreak.site import Site

    class Ports(HasClock, HasDrsReads, HasErrors, HasPostLaunchActions, HasSilences, HasTiming, Protocol):
        """What a round of a machine needs."""


logger = logging.getLogger(__name__)


class RoundDirective(StrEnum):
    """What a machine does that no rule of the execution tells, but its own course."""

    RENEW = "RENEW"
    """The next run of the machine goes on: this one has had its rounds."""
    STAND_DOWN = "STAND_DOWN"
    """A later run of the machine drives this execution."""


NEVER: Final = -1
"""A mark that no item has, nor the one after it once there was a directive: with it a machine does not sleep.

So a run that stands down does not take the token of the run that followed, and more waves than one round names follow
at once.
"""


class Learnt(Value):
    """Answers that were read once in a round: a round that lost a race reuses them."""

    logs: dict[str, JobLog] = field(default_factory=dict)
    """Those that were read of jobs that had ended, by job id."""
    instances: dict[tuple[str, ...], list[Instance]] = field(default_factory=dict)
    """What DRS showed, by the source servers that it was asked for."""


class Round(Value):
    """What one round came to; constant in size, whatever the plan's."""

    directive: Directive | TerminationDirective | RoundDirective
    mark: int
    run: int
    waves: tuple[int, ...] = ()
    brief: bool = False
    """Whether to poll again in seconds."""
    last_seen: str = ""
    """When DRS last reported all that is in flight, RFC 3339; empty where nothing is. The sleep writes it down."""

    def output(self) -> dict[str, Any]:
        """Return the state machine's view."""
        return {
            "directive": self.directive,
            "mark": self.mark,
            "run": self.run,
            "waves": list(self.waves),
            "brief": self.brief,
            "lastSeen": self.last_seen,
        }


def sites_of(app: Ports) -> Sites[DrsReads]:
    """Begin a round's questions to DRS; a site that fails is recorded, as a warning: the next round asks it again."""

    def note(error: Exception, question: str, site: Site) -> None:
        app.errors.record_error(error, Severity.WARNING, question=question, site=str(site))

    return Sites(app.drs_at, note, app.silences)


def observe_jobs(app: Ports, jobs: Iterable[Job], sites: Sites[DrsReads] | None = None) -> Observation:
    """Describe every job in flight, in one call for each account and Region.

    A fault of DRS is not a failure of the recovery: what could not be seen stays as it was and is read again.
    """
    in_flight: dict[Site, list[str]] = defaultdict(list)
    for job in jobs:
        if job.state is JobState.STARTED and job.job_id is not None:
            in_flight[job.site].append(job.job_id)
    actions = app.post_launch_actions
    questions = {site: partial(_described, job_ids, actions, None, Learnt()) for site, job_ids in in_flight.items()}
    seen = (sites or sites_of(app)).ask("DRS jobs", questions).values()
    views = {job_id: view for one_site, _ in seen for job_id, view in one_site.jobs.items()}
    logs = {job_id: log for one_site, _ in seen for job_id, log in one_site.logs.items()}
    return Observation(views, frozenset().union(*(unnamed for _, unnamed in seen)), logs=logs)


def begin_job_reads(
    app: Ports, execution: Execution, intents: Iterable[Job], sites: Sites[DrsReads], learnt: Learnt
) -> Answers[Observation]:
    """Begin to read the jobs in flight, and those of calls without an outcome, in two calls of a site at most.

    The log of a job is read with the look that shows a server of it to have failed, unless that is `learnt`.
    """
    in_flight: dict[Site, list[str]] = defaultdict(list)
    unknown: dict[Site, list[Job]] = defaultdict(list)
    for job in execution.launch_jobs():
        if job.state is JobState.STARTED and job.job_id is not None:
            in_flight[job.site].append(job.job_id)
    for job in intents:
        unknown[job.site].append(job)
    failed = frozenset(
        server.source_server_id
        for wave in execution.waves
        for server in wave.servers
        if server.launch_status is LaunchStatus.FAILED
    )
    questions = {
        site: partial(
            _read_site,
            partial(_described, in_flight[site], app.post_launch_actions, failed, learnt),
            partial(_found, execution.execution_id, unknown[site]),
        )
        for site in {**in_flight, **unknown}
    }
    return sites.begin("DRS jobs", questions)


def _read_site(
    described: Callable[[DrsReads], tuple[Observation, frozenset[str]]],
    found: Callable[[DrsReads], dict[tuple[int, int, int], str]],
    drs: DrsReads,
) -> Observation:
    """Ask one site; what is not answered for lost calls keeps nothing of its jobs."""
    seen, unnamed = described(drs)
    try:
        return replace(seen, missing=unnamed, found=found(drs))
    except FAULTS as error:
        logger.warning("jobs of lost answers could not be looked for: %s", error)
        return replace(seen, missing=unnamed)


def begin_to_learn(app: Ports, execution: Execution, sites: Sites[DrsReads], learnt: Learnt) -> Answers[Observation]:
    """Begin to ask for what launches that are over have left to tell: instances, in one call of a site, and logs."""
    now = app.now()
    asked = {job.site: learning.due(execution, job.site, now, app.timing) for job in execution.launch_jobs()}
    ended = frozenset(job.job_id for job in execution.launch_jobs() if job.state is JobState.ENDED and job.job_id)
    questions = {site: partial(_learnt, due, ended, learnt) for site, due in asked.items() if due.servers or due.logs}
    return sites.begin("what was launched", questions)


def together(seen: Iterable[Observation]) -> Observation:
    """Put together what several sites showed."""
    whole = Observation()
    for each in seen:
        whole = Observation(
            jobs={**whole.jobs, **each.jobs},
            missing=whole.missing | each.missing,
            found={**whole.found, **each.found},
            instances={**whole.instances, **each.instances},
            instances_read=whole.instances_read | each.instances_read,
            logs={**whole.logs, **each.logs},
        )
    return whole


def _learnt(due: Due, ended: frozenset[str], learnt: Learnt, drs: DrsReads) -> Observation:
    """Ask one site. Neither a server that DRS does not report nor a log that cannot be read holds up anything else."""
    # Logs first: a fault of the read of instances must not hide what the logs report about them.
    logs = {
        job_id: log for job_id in due.logs if (log := _log_of(drs, job_id, learnt, ended=job_id in ended)) is not None
    }
    found, instances_read = _instances_of(drs, due, learnt)
    instances = {
        (each.job_id, each.source_server_id): InstanceView(
            each.recovery_instance_id, each.snapshot_at, each.state == STOPPED
        )
        for each in found
        if each.job_id in due.jobs
    }
    return Observation(instances=instances, instances_read=instances_read, logs=logs)


def _instances_of(drs: DrsReads, due: Due, learnt: Learnt) -> tuple[list[Instance], frozenset[str]]:
    """Return instances, and the jobs that this read counts for: none when DRS does not report any subject.

    While jobs still run, such a read counts as well: only their logs are left to read, and soon.
    """
    if due.servers in learnt.instances or not due.servers:
        return learnt.instances.get(due.servers, []), due.jobs
    try:
        found, unreported = partly(lambda: drs.every_instance(due.servers))
    except FAULTS as error:
        logger.warning("instances of %d servers are not known: %s", len(due.servers), error)
        return [], due.running
    if unreported:
        logger.warning("instances of %d servers are not known: %s", len(unreported), unreported)
    else:
        learnt.instances[due.servers] = found
    return found, due.jobs


def _log_of(drs: DrsJobs, job_id: str, learnt: Learnt, *, ended: bool) -> JobLog | None:
    """Read the log of a job; that of one that had ended is whole, and is not read again."""
    if ended and job_id in learnt.logs:
        return learnt.logs[job_id]
    try:
        log = drs.job_log(job_id)
    except FAULTS as error:
        logger.warning("log of DRS job %s could not be read: %s", job_id, error)
        return None
    if ended:
        learnt.logs[job_id] = log
    return log


def _described(
    job_ids: list[str], actions: bool, failed: frozenset[str] | None, learnt: Learnt, drs: DrsJobs
) -> tuple[Observation, frozenset[str]]:
    """Describe jobs. `failed` are servers that are known to have failed; None has logs of ended jobs read alone."""
    if not job_ids:
        return Observation(), frozenset()
    seen, unnamed = drs.jobs(job_ids)
    logs: dict[str, JobLog] = {}
    for job_id, view in seen.items():
        new_failures = {name for name, each in view.servers.items() if each.launch_status is LaunchStatus.FAILED}
        if new_failures and (view.completed or (failed is not None and new_failures - failed)):
            log = _log_of(drs, job_id, learnt, ended=view.completed)
            logs |= {job_id: log} if log is not None else {}
    views = {job_id: _with_actions(view, actions) for job_id, view in seen.items()}
    return Observation(views, logs=logs), unnamed


def _with_actions(view: JobView, actions: bool) -> JobView:
    """Count the launch of a server as over with its post-launch actions, where the stack runs them.

    Between a launch and the first action DRS shows none: only the end of the job shows that they are over.
    """
    if not actions or view.completed:
        return view
    return JobView(
        view.completed,
        {
            name: replace(seen, actions_running=seen.launch_status is LaunchStatus.LAUNCHED)
            for name, seen in view.servers.items()
        },
    )


def _found(execution_id: str, jobs: list[Job], drs: DrsJobs) -> dict[tuple[int, int, int], str]:
    return drs.find_launches(execution_id, jobs) if jobs else {}
