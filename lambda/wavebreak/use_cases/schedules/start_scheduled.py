"""A scheduled time that has come: at most one drill of the plan, however often it is delivered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.model.starts import StartRequest
from wavebreak.domain.notifications.plan_messages import drill_not_started
from wavebreak.domain.plans.schedules import Schedule, schedule_of
from wavebreak.domain.readiness.checks import judge, refuses_a_drill
from wavebreak.identifiers import RequestKey
from wavebreak.problems import NotFound, Problem, Unavailable
from wavebreak.site import Site
from wavebreak.timing import iso
from wavebreak.use_cases.deliver_events import announce
from wavebreak.use_cases.readiness.survey import survey
from wavebreak.use_cases.start_execution import start_execution
from wavebreak.use_cases.steps.check_steps import check_steps
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wavebreak.domain.plans.model import StoredPlan
    from wavebreak.domain.readiness.verdicts import Check
    from wavebreak.ports.capabilities import (
        HasAllowances,
        HasChannels,
        HasChecks,
        HasCommands,
        HasFunctions,
        HasMeter,
        HasOutbox,
        HasRunbooks,
        HasSchedules,
        HasTiming,
        HasWorkflow,
    )
    from wavebreak.use_cases.readiness.survey import Ports as SurveyPorts

    class Ports(
        SurveyPorts,
        HasAllowances,
        HasChannels,
        HasChecks,
        HasCommands,
        HasFunctions,
        HasMeter,
        HasOutbox,
        HasRunbooks,
        HasSchedules,
        HasTiming,
        HasWorkflow,
        Protocol,
    ):
        """What starting a scheduled drill needs."""


logger = logging.getLogger(__name__)

_MOST_FAILS: Final = 3


class Delivery(Value):
    """One delivery of a scheduled time."""

    plan_id: str
    schedule: Schedule
    scheduled: str
    own: Site

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Delivery:
        """Read the event that a schedule sends to its function (`aws.scheduler`)."""
        schedule = Schedule(event["expression"], event["timezone"])
        return cls(event["planId"], schedule, event["scheduledTime"], Site(event["accountId"], event["region"]))


def start_scheduled(app: Ports, delivery: Delivery) -> str | None:
    """Start the drill of a scheduled time, or tell why not; return what became of it, None for nothing at all.

    Nothing becomes of a time without its plan, or of a schedule that the plan no longer has. A drill that is refused,
    or whose plan is not ready, is reported and not retried. Faults of services leave as they are, and the delivery is
    repeated.
    """
    plan = _plan(app, delivery)
    if plan is None:
        logger.info("%s has no such schedule any more: nothing is started", delivery.plan_id)
        return None
    known = app.schedules.begin(delivery.plan_id, delivery.scheduled, app.now())
    if known.busy:
        raise Unavailable(f"The drill of {delivery.plan_id} is being started", retry_after_seconds=60)
    if known.outcome is not None:
        if known.notice_pending:
            _notify(app, plan, delivery, known.outcome)
        return known.outcome
    outcome = (None if known.again else _not_ready(app, delivery)) or _started(app, delivery)
    if isinstance(outcome, NotStarted):
        app.schedules.end(delivery.plan_id, delivery.scheduled, outcome.words, app.now(), notice_pending=True)
        _notify(app, plan, delivery, outcome.words)
        return outcome.words
    app.schedules.end(delivery.plan_id, delivery.scheduled, outcome, app.now())
    return outcome


def _notify(app: Ports, plan: StoredPlan, delivery: Delivery, why: str) -> None:
    """Report why a drill was not started, and record that it was reported."""
    now = app.now()
    announce(app, drill_not_started(plan.document, why, delivery.scheduled, iso(now)), topic=topic_of(plan))
    app.schedules.end(delivery.plan_id, delivery.scheduled, why, now)


class NotStarted(Value):
    """Why a drill is not started."""

    words: str


def topic_of(plan: StoredPlan) -> str | None:
    """Return the topic that a plan names for its notifications."""
    return plan.document.get("notifyTopicArn")


def _plan(app: Ports, delivery: Delivery) -> StoredPlan | None:
    try:
        plan = app.plans.get(delivery.plan_id)
    except NotFound:
        return None
    return plan if schedule_of(plan.document) == delivery.schedule else None


def _not_ready(app: Ports, delivery: Delivery) -> NotStarted | None:
    """Return what of the plan is not ready for a drill; None when all is.

    Where nothing but a service that does not answer is in the way, the delivery is to be repeated: Unavailable.
    """
    plan = app.plans.get(delivery.plan_id)
    facts = survey(app, plan, delivery.own)
    checks = [*judge(facts), *check_steps(app, plan.document, delivery.own, of_drills=True)]
    failed = [check for check in checks if refuses_a_drill(check)]
    if not failed:
        return None
    certain = [check for check in failed if not check.unanswered]
    words = _words(certain or failed)
    if not certain:
        app.schedules.give_up(delivery.plan_id, delivery.scheduled)
        raise Unavailable(f"Whether {delivery.plan_id} is ready could not be seen: {words}", retry_after_seconds=60)
    return NotStarted(f"Not ready: {words}")


def _words(failed: Sequence[Check]) -> str:
    listed = "; ".join(f"{check.subject}: {check.message}" for check in failed[:_MOST_FAILS])
    return f"{listed} and {len(failed) - _MOST_FAILS} more" if len(failed) > _MOST_FAILS else listed


def _started(app: Ports, delivery: Delivery) -> str | NotStarted:
    """Start the drill; a repeat of the same time finds the one that was started."""
    request = RequestKey.of(delivery.scheduled, ENGINE_ACTOR, "SCHEDULE", delivery.plan_id, {})
    asked = StartRequest(ENGINE_ACTOR, f"Scheduled for {delivery.scheduled}")
    try:
        return start_execution(app, delivery.plan_id, Mode.DRILL, delivery.own, asked, request).execution_id
    except Unavailable:
        raise
    except Problem as refused:
        return NotStarted(f"{refused.code}: {refused}")
