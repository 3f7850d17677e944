"""Schedules in EventBridge Scheduler: one for each plan that has any, in the stack's own group.

The function that a schedule invokes is given the plan, the schedule itself, the scheduled time, and the stack's site.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.resilience.aws_errors import error_code
from wavebreak.settings import MissingSettingError
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavebreak.domain.plans.schedules import Schedule

_SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""What the service replaces by the time that an invocation was meant for, the same at each delivery."""
_OLDEST_SECONDS: Final = 3600
"""A drill that could not be started within the hour is not started any more."""


class ScheduleTarget(Value):
    """What schedules of this stack invoke, the role that they assume, and their group."""

    group: str
    function_arn: str
    role_arn: str


class Schedules:
    """The schedules of this stack."""

    def __init__(self, client: Callable[[], Any], target: ScheduleTarget | None) -> None:
        """Keep the factory of the client, and what schedules invoke; None in a function without schedules."""
        self._client = client
        self._target = target

    def keep(self, plan_id: str, schedule: Schedule) -> None:
        """Make this the only schedule of a plan in the service; idempotent."""
        asked = self._asked(plan_id, schedule)
        try:
            self._client().update_schedule(**asked)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self._client().create_schedule(**asked)

    def remove(self, plan_id: str) -> None:
        """Remove the schedule of a plan from the service; idempotent."""
        try:
            self._client().delete_schedule(Name=plan_id, GroupName=self._known_target.group)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise

    def _asked(self, plan_id: str, schedule: Schedule) -> dict[str, Any]:
        target = self._known_target
        _, _, _, region, account, *_ = target.function_arn.split(":")
        given = {
            "planId": plan_id,
            "expression": schedule.expression,
            "timezone": schedule.timezone,
            "scheduledTime": _SCHEDULED_TIME,
            "accountId": account,
            "region": region,
        }
        return {
            "Name": plan_id,
            "GroupName": target.group,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": target.function_arn,
                "RoleArn": target.role_arn,
                "Input": json.dumps(given),
                "RetryPolicy": {"MaximumEventAgeInSeconds": _OLDEST_SECONDS, "MaximumRetryAttempts": 20},
            },
        }

    @property
    def _known_target(self) -> ScheduleTarget:
        if self._target is None:
            raise MissingSettingError("SCHEDULE_GROUP, SCHEDULE_FUNCTION_ARN or SCHEDULE_ROLE_ARN is not set")
        return self._target
