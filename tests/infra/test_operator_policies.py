"""What the policies shipped for operators allow, told from their text: every route of the API for each of them."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from tools.template import ROOT, functions, load

POLICIES = load(ROOT / "infra" / "operator-policies.yaml")["Resources"]
FORWARDING = {"POST /commands", "POST /commands/{commandId}/cancel"}


def routes() -> set[str]:
    """List the API's routes, as `METHOD /path`."""
    events = [event for one in functions(load()).values() for event in one.get("Events", {}).values()]
    calls = [event["Properties"] for event in events if event["Type"] == "Api"]
    return {f"{call['Method'].upper()} {call['Path']}" for call in calls}


def named_by(policy: str) -> list[str]:
    """List what a policy names of the API: method and path."""
    document: dict[str, Any] = POLICIES[policy]["Properties"]["PolicyDocument"]
    assert all((one["Effect"], one["Action"]) == ("Allow", "execute-api:Invoke") for one in document["Statement"])
    return [
        text["Fn::Sub"].rpartition("/v1/")[2]
        for statement in document["Statement"]
        for text in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]


def granted(policy: str, mode: str, without: str = "") -> set[str]:
    """List the routes that a policy opens when the execution in their path is of this mode."""
    named = [each for each in named_by(policy) if each != without]

    def asked(route: str) -> str:
        """Make what IAM is asked for a route."""
        filled = re.sub(r"\{\w+\}", "x", route.replace("{executionId}", f"{mode}-x"))
        return filled.replace(" /", "/", 1)

    return {route for route in routes() if any(fnmatchcase(asked(route), resource) for resource in named)}


@pytest.mark.parametrize("policy", ["DrillOperatorPolicy", "RecoveryOperatorPolicy"])
@pytest.mark.parametrize("mode", ["drill", "recovery"])
def test_rule_10_drill_and_recovery_both_operators_read_everything(policy: str, mode: str) -> None:
    reading = {route for route in routes() if route.startswith("GET ")}
    assert {"GET /health", "GET /errors", "GET /commands/{commandId}/results"} <= reading
    assert {route for route in granted(policy, mode) if route.startswith("GET ")} == reading


def test_rule_10_drill_and_recovery_a_right_to_forward_reaches_both_so_no_drill_operator_has_it() -> None:
    """No path of a command names a mode, so that who forwards to drills could uninstall what was recovered."""
    assert routes() >= FORWARDING
    assert not granted("DrillOperatorPolicy", "drill") & FORWARDING
    assert granted("RecoveryOperatorPolicy", "recovery") >= FORWARDING
    assert granted("CommandOperatorPolicy", "drill") == FORWARDING


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["drill", "recovery"])
def test_no_operator_writes_plans(policy: str, mode: str) -> None:
    writing = {"PUT /plans/{planId}", "DELETE /plans/{planId}", "POST /plans/import"}
    assert writing <= routes()
    assert not granted(policy, mode) & writing


def steering() -> set[str]:
    """List the routes that change an execution."""
    return {route for route in routes() if "{executionId}" in route and not route.startswith("GET ")}


READING = {route for route in routes() if route.startswith("GET ")} | {"POST /plans/{planId}/validate"}
CANCEL = {"POST /executions/{executionId}/cancel"}
LEASE = {"POST /executions/{executionId}/lease"}
EXPECTED = {
    ("DrillOperatorPolicy", "drill"): READING | {"POST /drills"} | steering(),
    ("DrillOperatorPolicy", "recovery"): READING | {"POST /drills"},
    ("RecoveryOperatorPolicy", "drill"): READING | {"POST /recoveries"} | FORWARDING | CANCEL,
    ("RecoveryOperatorPolicy", "recovery"): READING | {"POST /recoveries"} | FORWARDING | steering() - LEASE,
    ("CommandOperatorPolicy", "drill"): FORWARDING,
    ("CommandOperatorPolicy", "recovery"): FORWARDING,
}
"""What each policy opens, by the mode of the execution in the path: only drills have leases."""


@pytest.mark.parametrize(("policy", "mode"), EXPECTED)
def test_a_policy_opens_the_routes_of_its_work_and_no_other(policy: str, mode: str) -> None:
    assert steering() >= CANCEL | LEASE
    assert {each for each, _ in EXPECTED} == set(POLICIES)
    assert granted(policy, mode) == EXPECTED[policy, mode]


@pytest.mark.parametrize(("policy", "named"), [(policy, each) for policy in POLICIES for each in named_by(policy)])
def test_taking_any_path_out_of_a_policy_closes_a_route(policy: str, named: str) -> None:
    assert any(granted(policy, mode, named) != EXPECTED[policy, mode] for mode in ("drill", "recovery"))
