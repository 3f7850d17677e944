"""The schedules of plans brought into line with the plans: in the call that changes one, else by the sweep."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.domain.plans.schedules import schedule_of
from wavebreak.problems import NotFound
from wavebreak.resilience.aws_errors import FAULTS, words_of
from wavebreak.resilience.despite_faults import each_despite_faults

if TYPE_CHECKING:
    from wavebreak.domain.plans.schedules import Schedule
    from wavebreak.ports.capabilities import HasClock, HasErrors, HasPlans, HasScheduler, HasSchedules

    class Ports(HasClock, HasErrors, HasPlans, HasScheduler, HasSchedules, Protocol):
        """What keeping schedules needs."""


logger = logging.getLogger(__name__)

_WORK: Final = timedelta(seconds=15)
_WORDS: Final = 500


def keep_schedule(app: Ports, plan_id: str) -> bool:
    """Bring EventBridge Scheduler in line with the stored plan; return whether it is now.

    The plan is read after the claim, so that what is done last is what the plan said last. What is in the way is noted,
    and shown on the plan; the sweep tries again.
    """
    claim = app.schedules.claim(plan_id, secrets.token_hex(8), app.now())
    if claim is None:
        return False
    schedule = _wanted(app, plan_id)
    try:
        if schedule is None:
            app.scheduler.remove(plan_id)
        else:
            app.scheduler.keep(plan_id, schedule)
    except FAULTS as error:
        logger.warning("the schedule of %s is not as the plan says: %s", plan_id, error)
        app.schedules.failed(claim, _words(error), app.now())
        return False
    return app.schedules.done(claim, kept=schedule is not None)


def follow_plan(app: Ports, plan_id: str) -> None:
    """Bring a plan's schedule into line with a change that is written; what cannot be done now the sweep does."""
    try:
        keep_schedule(app, plan_id)
    except FAULTS as error:
        logger.warning("the schedule of %s is left to the sweep: %s", plan_id, error)


def sweep(app: Ports) -> int:
    """Update every outdated schedule; return how many are up to date now. A fault of one does not stop the others."""
    until = app.now() + _WORK
    return each_despite_faults(
        list(app.schedules.due(app.now())),
        lambda plan_id: keep_schedule(app, plan_id),
        lambda error, _plan_id: app.errors.record_error(error),
        lambda: app.now() > until,
    )


def _wanted(app: Ports, plan_id: str) -> Schedule | None:
    try:
        return schedule_of(app.plans.get(plan_id).document)
    except NotFound:
        return None


def _words(error: BaseException) -> str:
    """Return the message of the service, or that it did not answer."""
    if isinstance(error, ClientError):
        return words_of(error)[:_WORDS]
    return f"EventBridge Scheduler does not answer ({type(error).__name__})"
