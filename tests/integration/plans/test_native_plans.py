"""Importing DRS's own recovery plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.blueprint import ACCOUNT
from tests.support.plans import server

from wavebreak.aws import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stack import Stack


@pytest.fixture
def own_account(monkeypatch: pytest.MonkeyPatch, stack: Stack) -> Iterator[None]:
    """Call DRS from the account that the API lives in: the simulator takes a key of twelve digits for the account."""
    del stack
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    clients._session.cache_clear()
    yield
    clients._session.cache_clear()


def native(stack: Stack, **site: Any) -> str:
    """Have DRS know a native plan of two waves and give its ARN."""
    steps = [
        {"name": "db", "servers": [{"sourceServerId": server(1)}]},
        {"name": "settle", "waitMinutes": 2},
        {"name": "db", "servers": [{"sourceServerId": server(2), "impactLevel": "OPTIONAL"}]},
    ]
    made = stack.control.put_recovery_plan("Our Shop", account=ACCOUNT, steps=steps, **site)
    return str(made["recoveryPlan"]["recoveryPlanArn"])


@pytest.mark.usefixtures("own_account")
def test_a_native_plan_becomes_a_plan_that_runs(stack: Stack) -> None:
    arn = native(stack)
    answer = stack.api("POST", "/plans/import", {"recoveryPlanArn": arn})
    assert answer.status == 201, answer
    assert answer.headers["ETag"] == '"1"'
    stored = answer.json
    assert (stored["version"], stored["plan"]["planId"], stored["plan"]["name"]) == (1, "our-shop", "Our Shop")
    assert [(each["name"], each["waitBeforeSeconds"]) for each in stored["plan"]["waves"]] == [("db", 0), ("db 2", 120)]
    assert stored["plan"]["waves"][1]["servers"] == [{"sourceServerId": server(2), "impact": "OPTIONAL"}]
    assert stack.api("GET", "/plans/our-shop").json == stored


@pytest.mark.usefixtures("own_account")
def test_an_import_replaces_no_plan(stack: Stack) -> None:
    arn = native(stack)
    assert stack.api("POST", "/plans/import", {"recoveryPlanArn": arn, "planId": "shop"}).status == 201
    again = stack.api("POST", "/plans/import", {"recoveryPlanArn": arn, "planId": "shop"})
    assert (again.status, again.code) == (409, "INVALID_STATE")
    assert "give another planId" in again.json["detail"]
    assert stack.api("GET", "/plans/shop").json["version"] == 1


@pytest.mark.usefixtures("own_account")
def test_waves_of_an_imported_plan_run_where_it_is(stack: Stack) -> None:
    answer = stack.api("POST", "/plans/import", {"recoveryPlanArn": native(stack, region="us-west-2")})
    assert [each["region"] for each in answer.json["plan"]["waves"]] == ["us-west-2", "us-west-2"]


@pytest.mark.usefixtures("own_account")
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"recoveryPlanArn": "arn:aws:drs:us-east-1:123456789012:recovery-plan/unknown"}, 404, "NOT_FOUND"),
        ({"recoveryPlanArn": "arn:aws:drs:us-east-1:999999999999:recovery-plan/theirs"}, 400, "VALIDATION_FAILED"),
        ({"recoveryPlanArn": "arn:aws:drs:us-east-1:123456789012:job/drsjob-1"}, 400, "VALIDATION_FAILED"),
        (
            {"recoveryPlanArn": "arn:aws:drs:us-east-1:123456789012:recovery-plan/a", "planId": "A"},
            400,
            "VALIDATION_FAILED",
        ),
        ({}, 400, "VALIDATION_FAILED"),
    ],
)
def test_what_cannot_be_imported_is_refused(stack: Stack, body: dict[str, str], status: int, code: str) -> None:
    answer = stack.api("POST", "/plans/import", body)
    assert (answer.status, answer.code) == (status, code)
    assert stack.items() == []


@pytest.mark.usefixtures("own_account")
def test_a_native_plan_that_can_be_none_of_ours_is_refused_with_the_reason(stack: Stack) -> None:
    empty = stack.control.put_recovery_plan("Empty", account=ACCOUNT, steps=[{"name": "w", "waitMinutes": 1}])
    twice = [{"name": name, "servers": [{"sourceServerId": server(1)}]} for name in ("a", "b")]
    double = stack.control.put_recovery_plan("Double", account=ACCOUNT, steps=twice)
    for made, messages in ((empty, "no step that recovers servers"), (double, "/waves/1/servers/0")):
        answer = stack.api("POST", "/plans/import", {"recoveryPlanArn": made["recoveryPlan"]["recoveryPlanArn"]})
        assert (answer.status, answer.code) == (400, "VALIDATION_FAILED")
        assert answer.json["errors"][0]["pointer"] == "/recoveryPlanArn"
        assert messages in answer.json["errors"][0]["message"]


@pytest.mark.usefixtures("own_account")
def test_an_import_without_permission_says_so(stack: Stack) -> None:
    stack.control.fault("GetRecoveryPlan", error="AccessDeniedException", count=1)
    answer = stack.api("POST", "/plans/import", {"recoveryPlanArn": native(stack)})
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert "no permission" in answer.json["detail"]
