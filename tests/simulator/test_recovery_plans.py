"""Native Recovery Plans: made by the control API, read by the operations of DRS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import START, Drs, MakeClient, server_id

from drs_simulator.client import ControlError, SimulatorControl

if TYPE_CHECKING:
    from drs_simulator.clockwork.clock import ManualClock
    from drs_simulator.http.server import SimulatorServer

STEPS: list[dict[str, Any]] = [
    {"name": "db", "servers": [{"sourceServerId": server_id(1)}]},
    {"name": "settle", "waitMinutes": 5},
    {"name": "web", "servers": [{"sourceServerId": server_id(2), "impactLevel": "OPTIONAL"}]},
]


def put(control: SimulatorControl, name: str = "Shop", **settings: Any) -> str:
    made = control.put_recovery_plan(name, **{"steps": STEPS, **settings})
    return str(made["recoveryPlan"]["recoveryPlanArn"])


def test_a_plan_is_told_by_its_arn(control: SimulatorControl, drs: Drs) -> None:
    arn = put(control, description="Our shop")
    plan = drs.client.get_recovery_plan(recoveryPlanArn=arn)["recoveryPlan"]
    assert arn.startswith("arn:aws:drs:us-east-1:000000000000:recovery-plan/")
    assert (plan["name"], plan["description"], plan["status"]) == ("Shop", "Our shop", "ACTIVE")
    assert plan["createdAt"] == plan["updatedAt"] == START.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_steps_come_in_their_order_with_what_they_do(control: SimulatorControl, drs: Drs) -> None:
    arn = put(control)
    pages = drs.client.get_paginator("list_recovery_plan_steps").paginate(
        recoveryPlanArn=arn, PaginationConfig={"PageSize": 2}
    )
    by_page = [page["recoveryPlanSteps"] for page in pages]
    assert [len(page) for page in by_page] == [2, 1]
    steps = [step for page in by_page for step in page]
    assert [(step["stepOrder"], step["stepName"]) for step in steps] == [(1, "db"), (2, "settle"), (3, "web")]
    server_arn = "arn:aws:drs:us-east-1:000000000000:source-server/"
    assert [step["configuration"] for step in steps] == [
        {"serverStepConfiguration": {"servers": [{"serverArn": server_arn + server_id(1)}]}},
        {"waitStepConfiguration": {"waitDurationMinutes": 5}},
        {"serverStepConfiguration": {"servers": [{"serverArn": server_arn + server_id(2), "impactLevel": "OPTIONAL"}]}},
    ]
    for step in steps:
        reported = drs.client.get_recovery_plan_step(recoveryPlanStepArn=step["recoveryPlanStepArn"])
        assert reported["recoveryPlanStep"] == step


def test_plans_are_listed_by_name(control: SimulatorControl, drs: Drs) -> None:
    for name in ("b", "c", "a"):
        put(control, name)
    put(control, "elsewhere", region="us-west-2")
    put(control, "theirs", account="111122223333")
    pages = drs.client.get_paginator("list_recovery_plans").paginate(PaginationConfig={"PageSize": 2})
    assert [[plan["name"] for plan in page["recoveryPlans"]] for page in pages] == [["a", "b"], ["c"]]


def test_a_plan_is_replaced_under_its_arn(control: SimulatorControl, drs: Drs, clock: ManualClock) -> None:
    arn = put(control)
    clock.advance(60)
    assert put(control, steps=STEPS[1:2]) == arn
    plan = drs.client.get_recovery_plan(recoveryPlanArn=arn)["recoveryPlan"]
    assert plan["createdAt"] < plan["updatedAt"]
    assert plan["status"] == "INVALID"
    assert len(drs.client.list_recovery_plan_steps(recoveryPlanArn=arn)["recoveryPlanSteps"]) == 1
    control.reset()
    assert drs.client.list_recovery_plans()["recoveryPlans"] == []


def test_the_control_api_says_whether_a_plan_is_new(simulator: SimulatorServer) -> None:
    url = f"{simulator.url}/_simulator/recovery-plans/Shop"
    answers = [httpx.put(url, json={"steps": STEPS}, trust_env=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


def test_what_is_not_there_is_not_found(control: SimulatorControl, make_client: MakeClient) -> None:
    arn = put(control)
    client = make_client()
    elsewhere = make_client(region="us-west-2")
    for call, parameters in (
        (client.get_recovery_plan, {"recoveryPlanArn": arn + "0"}),
        (client.list_recovery_plan_steps, {"recoveryPlanArn": arn + "0"}),
        (client.get_recovery_plan_step, {"recoveryPlanStepArn": f"{arn}/step/4"}),
        (client.get_recovery_plan_step, {"recoveryPlanStepArn": arn}),
        (elsewhere.get_recovery_plan, {"recoveryPlanArn": arn}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**parameters)
        assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_token_that_no_call_gave_is_refused(control: SimulatorControl, drs: Drs) -> None:
    put(control)
    with pytest.raises(ClientError, match="ValidationException"):
        drs.client.list_recovery_plans(nextToken="nonsense")


@pytest.mark.parametrize(
    "steps",
    [
        [{"name": "both", "servers": STEPS[0]["servers"], "waitMinutes": 1}],
        [{"name": "neither"}],
        [{"name": "empty", "servers": []}],
        [{"name": "long", "waitMinutes": 121}],
        [{"name": "short", "waitMinutes": 0}],
        [{"name": "a/b", "waitMinutes": 1}],
        [{"name": "bad", "servers": [{"sourceServerId": "s-1"}]}],
        [{"name": "bad", "servers": [{"sourceServerId": server_id(1), "impactLevel": "HIGH"}]}],
        [{"name": str(number), "waitMinutes": 1} for number in range(21)],
    ],
)
def test_steps_that_make_no_sense_are_refused(control: SimulatorControl, steps: list[Any]) -> None:
    with pytest.raises(ControlError) as refused:
        put(control, steps=steps)
    assert refused.value.status == 400


def test_names_are_those_of_the_service_model(control: SimulatorControl) -> None:
    with pytest.raises(ControlError, match="no name of a Recovery Plan"):
        put(control, "a/b")
