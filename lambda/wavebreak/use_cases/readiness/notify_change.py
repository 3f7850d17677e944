"""Notification of a change of a plan's readiness: once to each channel, unless the function dies in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.notifications.delivery import DeliveryFailure, Notification
from wavebreak.domain.notifications.plan_messages import plan_readiness, readiness_event
from wavebreak.domain.plans.readiness import standing_view
from wavebreak.store.upkeep.readiness import all_notified, some_notified

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.ports.capabilities import HasChannels, HasReadiness
    from wavebreak.store.upkeep.readiness import Kept

    class Ports(HasChannels, HasReadiness, Protocol):
        """What notifying of a change of readiness needs."""


logger = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""Times that a channel is tried before the change is set aside for people to look at."""


def notify_change(app: Ports, plan: StoredPlan, kept: Kept, *, again: datetime, soon: datetime) -> bool:
    """Send a stored change, and store which channels have it; return whether all do.

    The plan is due `again` when all have it, and `soon` while a channel does not take it.
    """
    shown: dict[str, Any] = standing_view(kept.standing) or {}
    message = plan_readiness(plan.document, shown)
    event = readiness_event(plan.document, shown, kept.notified)
    channels = app.channels()
    wanted = message if channels.wants(message.kind) else None
    outcome = channels.send(Notification([event], wanted, plan.document.get("notifyTopicArn")), kept.served)
    if outcome.faults:
        failures = kept.failures + any(fault.called for fault in outcome.faults.values())
        _note(plan, outcome.faults)
        if failures < MOST_FAILURES:
            app.readiness.mark_notified(plan, some_notified(kept, outcome.served, failures), soon)
            return False
        channels.set_aside({"detailType": event.detail_type, "detail": event.detail}, outcome.faults)
    app.readiness.mark_notified(plan, all_notified(kept), again)
    return True


def _note(plan: StoredPlan, faults: Any) -> None:
    fault: DeliveryFailure
    for part, fault in faults.items():
        logger.warning("%s does not take the readiness of %s: %s", part, plan.document["planId"], fault.cause)
