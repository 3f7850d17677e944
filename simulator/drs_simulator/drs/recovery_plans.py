"""DRS's own Recovery Plans, as far as they are read: made by the control API, answered by Get and List operations.

AWS does not say what the ids of plans and steps look like. Here a plan's id is made of its name, so that the same name
always has the same ARN, and a step's ARN is its plan's with the step's number.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.drs.model import RecoveryPlan, ServerSettings, StepSettings
from drs_simulator.errors import not_found, validation_error
from drs_simulator.settings import Settings
from drs_simulator.wire.pages import BadTokenError, cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drs_simulator.drs.fleet import Fleet

    Parameters = dict[str, Any]

_MOST_STEPS: Final = 20
_PAGE: Final = 50
_ID_DIGITS: Final = 17


class PlanSettings(Settings):
    """What a Recovery Plan is made of."""

    description: str | None = Field(default=None, max_length=1024)
    steps: list[StepSettings] = Field(default_factory=list, max_length=_MOST_STEPS)

    def apply(self, fleet: Fleet, name: str) -> RecoveryPlan:
        """Add the plan, or put it in the place of the one of this name."""
        now = fleet.world.clock.now()
        old = fleet.recovery_plans.get(name)
        plan = RecoveryPlan(
            plan_id=sha256(name.encode()).hexdigest()[:_ID_DIGITS],
            name=name,
            description=self.description or "",
            steps=tuple(self.steps),
            created_at=old.created_at if old else now,
            updated_at=now,
        )
        fleet.recovery_plans[name] = plan
        return plan


def get_recovery_plan(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return a plan by its ARN."""
    return {"recoveryPlan": plan_view(fleet, _plan(fleet, parameters["recoveryPlanArn"]))}


def list_recovery_plans(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the plans by name, without their descriptions."""
    return _page(
        "recoveryPlans", fleet.recovery_plans.values(), parameters, lambda plan: plan.name, lambda p: _brief(fleet, p)
    )


def list_recovery_plan_steps(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """List the steps of a plan in their order."""
    plan = _plan(fleet, parameters["recoveryPlanArn"])
    numbers = range(1, len(plan.steps) + 1)
    return _page("recoveryPlanSteps", numbers, parameters, int, lambda number: step_view(fleet, plan, number))


def get_recovery_plan_step(fleet: Fleet, parameters: Parameters) -> dict[str, Any]:
    """Return one step by its ARN."""
    arn = parameters["recoveryPlanStepArn"]
    plan_arn, _, number = arn.rpartition("/step/")
    plan = _find(fleet, plan_arn)
    if plan is None or number not in {str(each) for each in range(1, len(plan.steps) + 1)}:
        raise not_found(arn, "AWS::DRS::RecoveryPlanStep")
    return {"recoveryPlanStep": step_view(fleet, plan, int(number))}


def plan_with_steps(fleet: Fleet, plan: RecoveryPlan) -> dict[str, Any]:
    """Return a plan and its steps as the operations report them."""
    steps = [step_view(fleet, plan, number) for number in range(1, len(plan.steps) + 1)]
    return {"recoveryPlan": plan_view(fleet, plan), "recoveryPlanSteps": steps}


def plan_view(fleet: Fleet, plan: RecoveryPlan) -> dict[str, Any]:
    """Return a RecoveryPlan of the DRS model."""
    return {**_brief(fleet, plan), "description": plan.description, "tags": {}}


def step_view(fleet: Fleet, plan: RecoveryPlan, number: int) -> dict[str, Any]:
    """Return a RecoveryPlanStep of the DRS model."""
    step = plan.steps[number - 1]
    if step.servers is None:
        configuration: dict[str, Any] = {"waitStepConfiguration": {"waitDurationMinutes": step.wait_minutes}}
    else:
        servers = [_server_view(fleet, server) for server in step.servers]
        configuration = {"serverStepConfiguration": {"servers": servers}}
    return {
        "recoveryPlanStepArn": f"{_arn(fleet, plan)}/step/{number}",
        "stepOrder": number,
        "stepName": step.name,
        "configuration": configuration,
        "createdAt": timestamp(plan.updated_at),
        "updatedAt": timestamp(plan.updated_at),
    }


def _brief(fleet: Fleet, plan: RecoveryPlan) -> dict[str, Any]:
    recovers = any(step.servers is not None for step in plan.steps)
    return {
        "recoveryPlanArn": _arn(fleet, plan),
        "name": plan.name,
        "status": "ACTIVE" if recovers else "INVALID",
        "createdAt": timestamp(plan.created_at),
        "updatedAt": timestamp(plan.updated_at),
    }


def _server_view(fleet: Fleet, server: ServerSettings) -> dict[str, str]:
    view = {"serverArn": fleet.arn("source-server", server.source_server_id)}
    return view | ({"impactLevel": server.impact_level} if server.impact_level else {})


def _arn(fleet: Fleet, plan: RecoveryPlan) -> str:
    return fleet.arn("recovery-plan", plan.plan_id)


def _find(fleet: Fleet, arn: str) -> RecoveryPlan | None:
    return next((plan for plan in fleet.recovery_plans.values() if _arn(fleet, plan) == arn), None)


def _plan(fleet: Fleet, arn: str) -> RecoveryPlan:
    plan = _find(fleet, arn)
    if plan is None:
        raise not_found(arn, "AWS::DRS::RecoveryPlan")
    return plan


def _page(
    member: str,
    items: Iterable[Any],
    parameters: Parameters,
    key: Callable[[Any], int | str],
    view: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """Answer one page under the name that these operations give their lists."""
    try:
        part, token = cut(items, key, parameters.get("nextToken"), parameters.get("maxResults") or _PAGE)
    except BadTokenError as error:
        raise validation_error([("nextToken", "Value at 'nextToken' is no token of this operation")]) from error
    return {member: [view(item) for item in part], **({"nextToken": token} if token else {})}


OPERATIONS: Final = {
    "GetRecoveryPlan": get_recovery_plan,
    "ListRecoveryPlans": list_recovery_plans,
    "ListRecoveryPlanSteps": list_recovery_plan_steps,
    "GetRecoveryPlanStep": get_recovery_plan_step,
}
