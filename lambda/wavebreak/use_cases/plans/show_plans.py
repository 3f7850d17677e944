"""Plans as the API shows them, with how their schedules stand and whether they are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.domain.executions.views.executions import plan_view
from wavebreak.domain.plans.readiness import MOST_FAILING, MOST_IN_A_LIST, standing_view
from wavebreak.domain.plans.schedules import schedule_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasReadiness, HasSchedules

    class Ports(HasReadiness, HasSchedules, Protocol):
        """What showing plans needs."""


def show_plans(app: Ports, plans: Sequence[StoredPlan], *, listed: bool = False) -> list[dict[str, Any]]:
    """Show plans as the API does, with how their schedules stand and what the newest check of each found.

    Where many are `listed` the first failed checks of each are shown.
    """
    most = MOST_IN_A_LIST if listed else MOST_FAILING
    scheduled = [plan.document["planId"] for plan in plans if schedule_of(plan.document)]
    known = app.schedules.standings(scheduled)
    found = app.readiness.known([plan.document["planId"] for plan in plans])
    standings = [kept.of(plan) if (kept := found.get(plan.document["planId"])) else None for plan in plans]
    return [
        plan_view(plan, known.get(plan.document["planId"]), standing_view(standing, most))
        for plan, standing in zip(plans, standings, strict=True)
    ]
