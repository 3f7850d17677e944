"""Starting an execution: locks, the one transaction that makes it, and its state machine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.approving.start import with_approvals
from wavebreak.domain.executions.creation import foreign, freeze, frozen_document
from wavebreak.domain.executions.leasing.start import lease_of
from wavebreak.domain.executions.locking.preemption import taken_over
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.networking.start import networks_of
from wavebreak.identifiers import is_drill, new_call_id, new_execution_id
from wavebreak.problems import InvalidRequest, NotFound, PlanBusy, Problem, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store import keys
from wavebreak.store.locks import busy_plan
from wavebreak.store.table import ConditionFailedError, WriteRejectedError
from wavebreak.timing import CLOCK_SKEW, iso
from wavebreak.use_cases.drill_guard import spare_recoveries
from wavebreak.use_cases.name_servers import named
from wavebreak.use_cases.preemption.cancel_drills import cancel_drills
from wavebreak.use_cases.preemption.take_locks import take_locks
from wavebreak.use_cases.preemption.warn_of_replaced import replaced_by
from wavebreak.use_cases.resolve_selectors import resolve
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.starts import StartRequest
    from wavebreak.identifiers import RequestKey
    from wavebreak.ports.capabilities import HasBriefDrs, HasErrors, HasOtherAccounts, HasPlans, HasTiming
    from wavebreak.site import Site
    from wavebreak.use_cases.preemption.cancel_drills import Ports as CancelDrillsPorts

    class Ports(CancelDrillsPorts, HasBriefDrs, HasErrors, HasOtherAccounts, HasPlans, HasTiming, Protocol):
        """What starting an execution needs."""


logger = logging.getLogger(__name__)

_TRIES: Final = 4


def start_execution(
    app: Ports, plan_id: str, mode: Mode, own: Site, asked: StartRequest, request: RequestKey | None = None
) -> Execution:
    """Start a plan; raise NotFound, PlanBusy, ServerBusy or InvalidRequest, and then leaves nothing behind.

    So does a drill that would end a recovered instance (ServerBusy), or may for all that DRS reports (Unavailable). A
    RECOVERY takes over what drills hold, and cancels them, unless `asked.preempt` is false.

    Once the execution is written it will run: if its machine cannot be started now, the sweep starts it. The same
    `request` starts one execution, however often it comes.
    """
    now = app.now()
    execution_id, exists = app.executions.requests.id_of(request, new_execution_id(mode, now), keys.execution, now)
    if exists:
        return app.executions.load(execution_id).execution
    try:
        wanted = _wanted(app, execution_id, plan_id, mode, own, asked)
    except Unavailable as unknown:
        unknown.members["started"] = False
        raise
    wanted = replace(wanted, call=request.call) if request else wanted
    for _ in range(_TRIES):
        try:
            born = _make(app, wanted)
        except PlanBusy as busy:
            # A drill of the plan came first, after it was checked: it is preempted at the next try.
            if not wanted.preempts or not is_drill(str(busy.members["executionId"])):
                raise
            continue
        _start_machine(app, born)
        return _drills_cancelled(app, born)
    raise Unavailable("The plan is being started by many at once", retry_after_seconds=1, started=False)


class _Wanted(Value):
    """An execution that is to be made."""

    execution: Execution
    document: str
    details: Mapping[str, Any]
    preempts: bool
    call: str = field(default_factory=new_call_id)


def _refuse_time_to_come(before: datetime | None, now: datetime) -> None:
    """Raise InvalidRequest for a moment that lies ahead: a mistyped year would mean the newest recovery points."""
    if before is not None and before > now + CLOCK_SKEW:
        raise InvalidRequest.of("/before", f"lies ahead of the present time, {iso(now)}")


def _wanted(app: Ports, execution_id: str, plan_id: str, mode: Mode, own: Site, asked: StartRequest) -> _Wanted:
    """Make the execution of a plan, with what it should warn of; nothing is locked or written."""
    now = app.now()
    _refuse_time_to_come(asked.before, now)
    stored = app.plans.get(plan_id)
    elsewhere = [] if app.other_accounts else foreign(stored.document["waves"], own)
    if elsewhere:
        raise InvalidRequest.listing(elsewhere)
    asking = Asking()
    recovers = mode is Mode.RECOVERY
    document, warnings = resolve(app, stored, own, asking, falls_back=recovers)
    plan = replace(stored, document=document)
    frozen_plan = freeze(plan, execution_id, mode, own, asked, now, other_accounts=app.other_accounts)
    execution = with_approvals(frozen_plan, plan.document, app.timing)
    execution = replace(
        execution,
        lease=lease_of(mode, plan.document, asked.terminate_after_minutes, app.timing),
        networks=networks_of(mode, plan.document, own),
        warnings=(*warnings, *replaced_by(app, execution, asking)),
        usual_launch_seconds=_usual_launch(app, plan_id),
    )
    execution = named(app, execution, asking)
    frozen, digest = frozen_document(plan)
    details = {"planId": plan_id, "planVersion": plan.version, "planHash": digest, "mode": mode.value}
    if execution.before is not None:
        details["before"] = iso(execution.before)
    return _Wanted(execution, frozen, details, preempts=recovers and asked.preempt)


def _usual_launch(app: Ports, plan_id: str) -> int | None:
    """Return how long launches usually take; a start does not fail without it."""
    try:
        return app.executions.usual_launch_seconds(plan_id)
    except FAULTS as error:
        logger.warning("how long launches of %s usually take could not be read: %s", plan_id, error)
        return None


def _make(app: Ports, wanted: _Wanted) -> Execution:
    """Take the locks and write the execution; release the locks when it surely was not written."""
    execution, now = wanted.execution, app.now()
    held = take_locks(app, execution, wanted.call, now, preempt=wanted.preempts)
    try:
        spare_recoveries(app, execution)
    except (Problem, *FAULTS):
        app.locks.give_back(held)
        raise
    act = Attribution(execution.requested_by, now, execution.reason)
    execution = taken_over(execution, held.drills, held.plan_of.execution_id if held.plan_of else None, act)
    taken = execution.preemption
    details = {**wanted.details, **({"preempted": list(taken.drills)} if taken else {})}
    try:
        return app.executions.create(execution, wanted.document, act, details, held)
    except ConditionFailedError as refused:
        if "meta" in refused.failed:
            # Another try of the same request made it, with the same locks.
            return app.executions.load(execution.execution_id).execution
        app.locks.give_back(held)
        raise _refusal(refused) from refused
    except (Problem, WriteRejectedError):
        app.locks.give_back(held)
        raise
    except FAULTS:
        found = _written_all_the_same(app, execution.execution_id)
        if found is None:
            raise
        return found


def _drills_cancelled(app: Ports, born: Execution) -> Execution:
    """Cancel the drills that gave way; what cannot be done now the machine sees to."""
    try:
        return cancel_drills(app, born)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=born.execution_id)
        return born


def _refusal(refused: ConditionFailedError) -> Problem:
    """Return the problem that says why nothing was started."""
    if "plan-lock" in refused.failed:
        return busy_plan(refused.failed["plan-lock"])
    return Unavailable("The plan is being started by many at once", retry_after_seconds=1)


def _written_all_the_same(app: Ports, execution_id: str) -> Execution | None:
    """Return the execution if a call whose answer was lost has written it. If not, it may be still."""
    try:
        return app.executions.load(execution_id).execution
    except (NotFound, *FAULTS):
        logger.exception("execution %s may be unwritten; then its locks are free in a minute", execution_id)
        return None


def _start_machine(app: Ports, execution: Execution) -> None:
    try:
        app.workflow.start(Machine.RECOVERY, execution.execution_id, 1)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=execution.execution_id)
