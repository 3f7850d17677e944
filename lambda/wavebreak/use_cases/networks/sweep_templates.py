"""Templates that were left changed, put back by the sweep, whatever became of wave and execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.domain.launch_templates.changes import Stage
from wavebreak.observability.metrics import Metric
from wavebreak.use_cases.networks.put_back import Owners, deadline, put_back, seen_idle
from wavebreak.use_cases.networks.restore_version import SHOWN_AFTER

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.ports.capabilities import HasMeter
    from wavebreak.use_cases.networks.put_back import Ports as PutBackPorts

    class Ports(PutBackPorts, HasMeter, Protocol):
        """What sweeping launch templates needs."""


_LIMIT: Final = "templates_sweep"


def sweep(app: Ports) -> int:
    """Put back the templates that no drill needs; return their number. Count those that are left for too long."""
    now = app.now()
    owners = Owners(app)
    idle = [each for each in app.templates.all(now) if not owners.need(each)]
    due = [each for each in idle if _may_be_taken(each, now)]
    for change in due:
        if change.idle_since is None and change.stage is not Stage.PUTTING_BACK:
            app.templates.note(seen_idle(change, now), change)
    limit = deadline(_LIMIT, templates=len(due))
    left = put_back(app, [seen_idle(each, now) for each in due], over=lambda: limit.over)
    waiting = [each for each in idle if each not in due or each.source_server_id in left]
    app.meter.add(Metric.TEMPLATES_LEFT_CHANGED, sum(each.is_left(now) for each in waiting))
    return len(due) - len(left)


def _may_be_taken(change: TemplateChange, now: datetime) -> bool:
    """Return whether no call has a change at the moment, and all of it shows."""
    if change.version is None and now - change.intended_at < SHOWN_AFTER:
        return False
    return change.stage is not Stage.PUTTING_BACK or change.held_until is None or change.held_until < now
