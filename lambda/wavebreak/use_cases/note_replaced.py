"""Earlier runs learn which of their instances a later launch replaced: they are no leftovers of theirs any more.

The instances that a run counts as left follow from what is stored of it alone. So the execution that launches again
records the replacement: for the drills that a RECOVERY preempted as soon as it knows what it launched, and for the
earlier runs of the plan at its end. What is not recorded, the termination of that run finds.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.evidence.kept_log import all_unpacked
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending.replaced import relaunched, replaced_by
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.observing.instances import is_launched
from wavebreak.execution_utils import TerminationStatus
from wavebreak.problems import Problem
from wavebreak.resilience.aws_errors import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasClock, HasEvidence, HasExecutions

    class Ports(HasClock, HasEvidence, HasExecutions, Protocol):
        """What noting what was replaced needs."""


logger = logging.getLogger(__name__)

_LISTED: Final = 20
"""The newest runs of a plan that are looked through for instances that they still count."""


def note_in_preempted_drills(app: Ports, recovery: Execution) -> None:
    """Record in the drills that a RECOVERY preempted which of their instances it has replaced by now."""
    if recovery.preemption is not None:
        _note(app, recovery, recovery.preemption.drills)


def note_in_earlier_runs(app: Ports, execution: Execution) -> None:
    """Record in every earlier run which of the instances that it counts this execution has replaced."""
    if not any(is_launched(server) for wave in execution.waves for server in wave.servers):
        return
    drills = execution.preemption.drills if execution.preemption else ()
    try:
        earlier = dict.fromkeys((*drills, *_still_counting(app, execution)))
    except FAULTS as error:
        logger.warning("earlier runs of plan %s cannot be listed: %s", execution.plan_id, error)
        return
    if earlier:
        _note(app, execution, earlier)


def _still_counting(app: Ports, execution: Execution) -> list[str]:
    """List the earlier runs of the same plan that have instances left, by what is stored."""
    listed, _ = app.executions.summaries(plan_id=execution.plan_id, filters={}, limit=_LISTED, token=None)
    names = [str(meta["executionId"]) for meta in listed if _has_left(meta.get("termination") or {})]
    return [name for name in names if name != execution.execution_id]


def _has_left(termination: Mapping[str, Any]) -> bool:
    if (termination.get("status") or TerminationStatus.NOT_REQUESTED) != TerminationStatus.NOT_REQUESTED:
        return False
    return int(termination.get("launched") or 0) > int(termination.get("terminated") or 0)


def _note(app: Ports, execution: Execution, names: Iterable[str]) -> None:
    """Record it in each of the earlier runs; a fault does not delay the execution."""
    try:
        logs = all_unpacked(app.evidence.logs(execution.execution_id))
        launched = relaunched(execution, (item for items in logs.values() for item in items))
        for name in names if launched else ():
            app.executions.change(name, partial(replaced_by, launched), Attribution(ENGINE_ACTOR, app.now()))
    except (Problem, *FAULTS) as error:
        logger.warning("what %s replaced is not noted in earlier runs: %s", execution.execution_id, error)
