"""Starting an execution: locks, the one transaction that makes it, and its state machine."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wavebreak.aws.parallel_reads import Asking
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import Act
from wavebreak.domain.executions.creation import foreign, freeze, frozen_document
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.identifiers import new_call_id, new_execution_id
from wavebreak.problems import InvalidRequest, NotFound, Problem, Unavailable
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.store.locks import busy_plan
from wavebreak.store.table import ConditionFailed, WriteRejected
from wavebreak.use_cases.drill_guard import replaced_by, spare_recoveries
from wavebreak.use_cases.resolve_selectors import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.app import App
    from wavebreak.domain.executions.model import Execution, Mode
    from wavebreak.site import Place

logger = logging.getLogger(__name__)


def start_execution(app: App, plan_id: str, mode: Mode, own: Place, asked: Mapping[str, Any]) -> Execution:
    """Start a plan; raises NotFound, PlanBusy, ServerBusy or InvalidRequest, and then leaves nothing behind.

    So does a drill that would end a recovered instance (ServerBusy), or may for all that DRS tells (Unavailable).

    Once the execution is written it will run: if its machine cannot be started now, the sweep starts it.
    """
    now = app.now()
    stored = app.plans.get(plan_id)
    elsewhere = [] if app.other_accounts else foreign(stored.document["waves"], own)
    if elsewhere:
        raise InvalidRequest.listing(elsewhere)
    plan = replace(stored, document=resolve(app, stored.document, own))
    asked = {**asked, "otherAccounts": app.other_accounts}
    execution = freeze(plan, new_execution_id(mode, now), mode, own, asked, now)
    execution = replace(execution, warnings=replaced_by(app, execution, Asking()))
    holder = app.locks.free_stale_plan_lock(plan_id, now)
    if holder is not None:
        raise busy_plan({"executionId": holder})
    held = app.locks.take(execution, new_call_id(), now)
    document, digest = frozen_document(plan)
    details = {"planId": plan_id, "planVersion": plan.version, "planHash": digest, "mode": mode.value}
    try:
        spare_recoveries(app, execution)
    except (Problem, *FAULTS):
        app.locks.give_back(held)
        raise
    act = Act(execution.requested_by, now, execution.reason)
    try:
        born = app.executions.create(execution, document, act, details, held)
    except ConditionFailed as refused:
        app.locks.give_back(held)
        raise _told(refused) from refused
    except (Problem, WriteRejected):
        app.locks.give_back(held)
        raise
    except FAULTS:
        found = _written_all_the_same(app, execution.execution_id)
        if found is None:
            raise
        born = found
    _start_machine(app, born)
    return born


def _told(refused: ConditionFailed) -> Problem:
    """Tell the caller why nothing was started."""
    if "plan-lock" in refused.failed:
        return busy_plan(refused.failed["plan-lock"])
    return Unavailable("The plan is being started by many at once", retry_after_seconds=1)


def _written_all_the_same(app: App, execution_id: str) -> Execution | None:
    """Look whether an execution was written by a call whose answer was lost. If not, it may be still."""
    try:
        return app.executions.load(execution_id).execution
    except (NotFound, *FAULTS):
        logger.exception("execution %s may be unwritten; then its locks are free in a minute", execution_id)
        return None


def _start_machine(app: App, execution: Execution) -> None:
    try:
        app.workflow.start(Machine.RECOVERY, execution.execution_id, 1)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=execution.execution_id)
