"""Executions driven from outside: events wake them, and an execution whose machine died gets a new run.

Events are best effort and only wake; DescribeJobs is the truth.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.executions.machine_runs import Machine, execution_id_of, machine_of
from wavebreak.execution_utils import TerminationStatus
from wavebreak.observability.metrics import Metric
from wavebreak.problems import NotFound
from wavebreak.resilience.despite_faults import each_despite_faults
from wavebreak.store.keys import execution_id_of_key
from wavebreak.use_cases import record_machine_failures
from wavebreak.use_cases.record_machine_failures import keeps_failing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasMeter, HasTiming, HasWorkflow
    from wavebreak.store.latest_states import Snapshot
    from wavebreak.store.wake_tokens import Token
    from wavebreak.use_cases.record_machine_failures import Ports as RecordMachineFailuresPorts

    class Ports(RecordMachineFailuresPorts, HasMeter, HasTiming, HasWorkflow, Protocol):
        """What reconciling executions needs."""


logger = logging.getLogger(__name__)

_EVENT_CHARACTERS: Final = 1000
_SILENCE_POLLS: Final = 3
_SILENCE_SECONDS: Final = 120
"""A machine that was silent for three polls and two minutes more may be dead: a task may take that long."""


def servers_launched(app: Ports, events: Iterable[Mapping[str, Any]]) -> int:
    """Remove the servers of launch events from those their jobs await, and wake the executions that await no more.

    Return how many were woken. Jobs that are not ours are ignored; a repeated event takes nothing off.
    """
    servers: dict[str, set[str]] = defaultdict(set)
    for event in events:
        job_id, names = _read(event)
        servers[job_id] |= names
    woken = 0
    for job_id, launched in servers.items():
        found = app.executions.job_item(job_id) if job_id and launched else None
        if found is not None and not app.executions.count_down(found, launched):
            woken += app.workflow.wake(Machine.RECOVERY, execution_id_of_key(found[0]))
    return woken


def _read(event: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """Read of which job and which servers a launch event tells, and log it: that is how one sees whether they come."""
    detail, resources = event.get("detail"), event.get("resources")
    job_id = str(detail.get("job-id", "")) if isinstance(detail, dict) else ""
    named = resources if isinstance(resources, list) else []
    launched = frozenset(str(arn).rpartition("/")[2] for arn in named) - {""}
    if job_id and launched:
        logger.info("a launch ended", extra={"launchEvent": {"jobId": job_id, "servers": sorted(launched)}})
    else:
        content = {"unreadable": True, "event": str(event)[:_EVENT_CHARACTERS]}
        logger.warning("a launch event names no job or no server", extra={"launchEvent": content})
    return job_id, launched


def machine_ended(app: Ports, name: str) -> bool:
    """Start the next run of a machine that ended without having finished its work."""
    execution_id = execution_id_of(name)
    machine = machine_of(name)
    try:
        snapshot = app.executions.load(execution_id)
    except NotFound:
        logger.warning("machine run %s belongs to no execution", name)
        return False
    token = _token(snapshot, machine)
    if not _is_needed(snapshot.execution, machine) or token.run != machine.run_of(name):
        return False
    if keeps_failing(snapshot.execution, app.now()):
        record_machine_failures.record_giving_up(app, execution_id, name)
        return False
    return _restart(app, execution_id, machine, token)


def sweep(app: Ports) -> int:
    """Check every execution that holds locks; return how many machines were started again.

    One that cannot be looked after does not keep the others from it; the last such fault is raised in the end.
    """
    active = app.executions.active_ids()
    running: list[datetime] = []

    def reconcile(execution_id: str) -> int:
        try:
            snapshot = app.executions.load(execution_id)
            if not snapshot.execution.is_terminal:
                running.append(snapshot.execution.started_at)
            return _reconcile(app, snapshot)
        except NotFound:
            return 0

    try:
        return each_despite_faults(
            active,
            reconcile,
            lambda error, execution_id: app.errors.record_error(error, execution_id=execution_id),
        )
    finally:
        oldest = max(((app.now() - begun).total_seconds() for begun in running), default=0)
        app.meter.add(Metric.EXECUTIONS_RUNNING, len(running))
        app.meter.add(Metric.OLDEST_EXECUTION, oldest)


def _reconcile(app: Ports, snapshot: Snapshot) -> int:
    execution_id = snapshot.execution.execution_id
    restarted = 0
    for machine in Machine:
        token = _token(snapshot, machine)
        if not _is_needed(snapshot.execution, machine) or not _is_silent(app, snapshot.execution, machine, token):
            continue
        if not app.workflow.is_running(machine, execution_id, token.run):
            restarted += _restart(app, execution_id, machine, token)
    return restarted


def _token(snapshot: Snapshot, machine: Machine) -> Token:
    return snapshot.token if machine is Machine.RECOVERY else snapshot.termination_token


def _is_needed(execution: Execution, machine: Machine) -> bool:
    if machine is Machine.RECOVERY:
        return not execution.is_terminal
    return execution.termination.status is TerminationStatus.IN_PROGRESS


def _is_silent(app: Ports, execution: Execution, machine: Machine, token: Token) -> bool:
    """Return whether a machine gave no sign of life for too long; one never heard of, since it should have started."""
    begun = execution.started_at if machine is Machine.RECOVERY else execution.termination.requested_at
    last: datetime | None = token.heartbeat_at or begun
    if token.heartbeat_at is None:
        return last is None or app.now() - last > app.timing.poll_interval
    silence = _SILENCE_POLLS * app.timing.poll_interval + timedelta(seconds=_SILENCE_SECONDS)
    return app.now() - token.heartbeat_at > silence


def _restart(app: Ports, execution_id: str, machine: Machine, token: Token) -> bool:
    started = app.workflow.start_next(machine, execution_id, token.run, app.now())
    if started:
        logger.warning("%s machine of %s is started again as run %s", machine.name, execution_id, token.run + 1)
    return started
