"""A plan stored or deleted, and its schedule with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.plans.document import PlanDocument, canonical_json
from wavebreak.use_cases.schedules.keep_schedule import follow_plan

if TYPE_CHECKING:
    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasLocks
    from wavebreak.use_cases.schedules.keep_schedule import Ports as KeepSchedulePorts

    class Ports(KeepSchedulePorts, HasLocks, Protocol):
        """What storing or deleting a plan needs."""


def store_plan(app: Ports, plan_id: str, plan: PlanDocument, version: int | None) -> StoredPlan:
    """Store a checked plan as its next version, if it stands at the given one; raise PreconditionFailed if not."""
    stored = app.plans.put(plan_id, canonical_json(plan), app.now(), version)
    follow_plan(app, plan_id)
    return stored


def forget_plan(app: Ports, plan_id: str) -> None:
    """Delete a plan that no execution holds, and its schedule; raise NotFound or PlanBusy."""
    app.locks.free_stale_plan_lock(plan_id, app.now())
    app.plans.delete(plan_id, app.now())
    follow_plan(app, plan_id)
