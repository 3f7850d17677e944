"""The phases of an execution's servers, from the logs of the jobs in flight: fifty watchers cost what one costs.

The first reader asks DRS and keeps the logs with the execution; for the next fifteen seconds all others read those.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.evidence.facts import facts_of
from wavebreak.domain.evidence.kept_log import all_unpacked, packed, packed_text, unpacked_text
from wavebreak.domain.evidence.progress import phase_seconds, phases
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.execution_utils import is_terminal, normalize_execution_status
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasBriefDrs, HasClock, HasEvidence, HasExecutions, HasTiming
    from wavebreak.site import Site

    class Ports(HasBriefDrs, HasClock, HasEvidence, HasExecutions, HasTiming, Protocol):
        """What showing progress needs."""


logger = logging.getLogger(__name__)

ASK_SECONDS: Final = 15
"""How long what DRS said is good for (contract 4); scaled."""
_DRILLS: Final = 3
"""Earlier drills of the same plan that are looked through for how long a phase usually takes: each costs two reads."""
_LISTED: Final = 20


def show_progress(app: Ports, execution_id: str) -> dict[str, Any]:
    """Return where each server is: `{asOf, servers: [{waveNumber, sourceServerId, phase, since, usualSeconds}]}`.

    `asOf` is when DRS reported it; null while it never did. Raise NotFound.
    """
    execution = app.executions.load(execution_id).execution
    now = app.now()
    running = _in_flight(execution)
    as_of, usual = _logs_read(app, execution, running, now) if running else (now, {})
    logs = all_unpacked(app.evidence.logs(execution_id))
    servers = phases(facts_of(execution, None, {}, now), logs, usual)
    return {"asOf": iso(as_of) if as_of else None, "servers": servers}


def _in_flight(execution: Execution) -> dict[Site, list[str]]:
    found: dict[Site, list[str]] = defaultdict(list)
    for job in execution.launch_jobs():
        if job.state is JobState.STARTED and job.job_id is not None:
            found[job.site].append(job.job_id)
    return dict(found)


def _logs_read(
    app: Ports, execution: Execution, running: Mapping[Site, list[str]], now: datetime
) -> tuple[datetime | None, dict[str, dict[str, int]]]:
    """Ask DRS if it is this caller's turn; return when it last reported everything, and usual durations of phases."""
    turn = app.evidence.turn(execution.execution_id, now, now - app.timing.scaled(ASK_SECONDS))
    as_of = turn.as_of
    if turn.mine and _asked(app, execution.execution_id, running):
        as_of = now
        app.evidence.answered(execution.execution_id, now)
    return as_of, _usual(app, execution, turn.usual)


def _asked(app: Ports, execution_id: str, running: Mapping[Site, list[str]]) -> bool:
    """Ask DRS for the logs of jobs and keep them; return whether every one was answered."""
    questions, jobs, complete = [], [], True
    for site, job_ids in running.items():
        try:
            drs = app.brief_drs_at(site)
        except (*FAULTS, UnsupportedSiteError) as error:
            logger.warning("DRS in %s cannot be asked for job logs: %s", site, error)
            complete = False
            continue
        jobs += job_ids
        questions += [Question("DescribeJobLogItems", partial(drs.job_log_items, job_id), site) for job_id in job_ids]
    for job_id, answer in zip(jobs, Asking().all(questions), strict=True):
        if isinstance(answer, Trouble):
            logger.warning("log of DRS job %s could not be read: %s", job_id, answer)
            complete = False
        else:
            app.evidence.keep_partial_log(execution_id, job_id, packed(answer))
    return complete


def _usual(app: Ports, execution: Execution, known: str | None) -> dict[str, dict[str, int]]:
    """Return how long the phases of each server took in its last drill; it is looked up once for an execution.

    A server that none of the plan's last drills launched has none, whatever drills of other plans did.
    """
    if known is not None:
        found: dict[str, dict[str, int]] = unpacked_text(known)
        return found
    wanted = {server.source_server_id for wave in execution.waves for server in wave.servers}
    found = {}
    for earlier in _earlier_drills(app, execution):
        logs = all_unpacked(app.evidence.logs(earlier))
        before = app.executions.load(earlier).execution if logs else None
        if before is not None:
            measured = phase_seconds(facts_of(before, None, {}, app.now()), logs)
            found = {name: measured[name] for name in wanted & measured.keys()} | found
        if found.keys() >= wanted:
            break
    app.evidence.found_usual(execution.execution_id, packed_text(found))
    return found


def _earlier_drills(app: Ports, execution: Execution) -> list[str]:
    """List the last drills of the same plan that have ended, newest first."""
    listed, _ = app.executions.summaries(
        plan_id=execution.plan_id, filters={"mode": Mode.DRILL.value}, limit=_LISTED, token=None
    )
    ended = [item for item in listed if is_terminal(normalize_execution_status(item["status"]))]
    return [str(item["executionId"]) for item in ended if item["executionId"] != execution.execution_id][:_DRILLS]
