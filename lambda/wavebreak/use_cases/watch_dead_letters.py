"""Events that no function could take in: they wait in a queue for people, and are recorded as errors when more come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from wavebreak.domain.errors.record import Severity
from wavebreak.error_category import Category
from wavebreak.resilience.aws_errors import FAULTS

if TYPE_CHECKING:
    from wavebreak.ports.capabilities import HasErrors, HasFailedEvents, HasOutbox

    class Ports(HasErrors, HasFailedEvents, HasOutbox, Protocol):
        """What watching dead letters needs."""


logger = logging.getLogger(__name__)


def count_new(app: Ports) -> int:
    """Record that events came to the queue since the last look; return how many more there are now.

    What was there before is not recorded again, every minute. A queue that cannot be checked is left to the next
    look, and to the alarm on its depth.
    """
    try:
        waiting = app.failed_events.count()
    except FAULTS as error:
        logger.warning("the queue of failed events could not be looked at: %s", error)
        return 0
    more = waiting - app.outbox.failed_events()
    if more == 0:
        return 0
    if more > 0:
        name_and_message = (
            "FailedEvents",
            f"{more} more event(s) that no function could take in; {waiting} wait in the queue",
        )
        app.errors.record_failure(
            Severity.ERROR,
            Category.DEAD_LETTER,
            name_and_message,
            service="FailedEventsQueue",
            more=more,
            waiting=waiting,
        )
    app.outbox.saw_failed_events(waiting)
    return max(0, more)
