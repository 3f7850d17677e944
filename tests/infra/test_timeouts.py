"""Limits nest: all attempts of a client's call end before its function, and the function before its task."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tools.template import ROOT, definition

from wavebreak.aws.clients import READ_ONLY
from wavebreak.domain.commands.concurrency import ROUND_SECONDS
from wavebreak.resilience.circuit_breaker import RULES
from wavebreak.resilience.client_config import ATTEMPTS, BRIEF_ATTEMPTS, series_seconds
from wavebreak.timeouts import LIMITS
from wavebreak.timing import Timing

Json = dict[str, Any]

API_SECONDS = 28
SERIES = {
    "drs_call": ATTEMPTS,
    "drs_brief_call": BRIEF_ATTEMPTS,
    "ec2_call": BRIEF_ATTEMPTS,
    "dynamodb_call": ATTEMPTS,
    "stepfunctions_call": ATTEMPTS,
    "quota_call": 1,
    "sts_call": BRIEF_ATTEMPTS,
    "ssm_call": ATTEMPTS,
    "logs_call": ATTEMPTS,
    "notify_call": 1,
    "scheduler_call": 1,
    "lambda_call": 1,
    "s3_call": ATTEMPTS,
    "state_read": 1,
    "state_write": 1,
}
"""How often each client makes a call by itself."""
DEPENDENCIES = ("drs:", "ssm:", "sts:AssumeRole", "sns:Publish", "ses:", "events:PutEvents", "sqs:SendMessage")


def test_every_limit_of_a_call_is_looked_at_here() -> None:
    calls = {name for name in LIMITS if name.endswith("_call") or name.startswith("state_")}
    assert calls == SERIES.keys()


@pytest.mark.parametrize("operation", SERIES)
def test_s3_1_all_attempts_of_a_call_end_before_the_function_that_makes_it(
    operation: str, all_functions: dict[str, Json]
) -> None:
    longest = series_seconds(operation, SERIES[operation])
    makers = [
        function
        for function in all_functions.values()
        if operation != "drs_call" or ({"Ref": "ReadDrsPolicy"} in function["Policies"] and not behind_api(function))
    ]
    assert makers
    for function in makers:
        assert longest < function.get("Timeout", API_SECONDS), function["Handler"]


def behind_api(function: Json) -> bool:
    return any(event["Type"] == "Api" for event in function.get("Events", {}).values())


def test_s3_1_the_longest_series_are_what_is_written_of_them() -> None:
    assert series_seconds("drs_call") == 3 * 12 + 1 + 2
    assert series_seconds("drs_brief_call", BRIEF_ATTEMPTS) == 2 * 6 + 1
    assert series_seconds("dynamodb_call") == 3 * 6 + 1 + 2


def test_s3_1_questions_of_the_api_end_before_its_function_does() -> None:
    assert LIMITS["asking"] + series_seconds("drs_brief_call", BRIEF_ATTEMPTS) < API_SECONDS - LIMITS["dynamodb_call"]


def test_s3_1_a_round_ends_with_time_to_write_what_was_seen(all_functions: dict[str, Json]) -> None:
    for name in ("ObserveFunction", "FinaliseFunction", "ObserveTerminationFunction"):
        assert LIMITS["observation_round"] + series_seconds("dynamodb_call") < all_functions[name]["Timeout"], name
    assert series_seconds("drs_call") < LIMITS["observation_round"]


def test_a_round_of_a_target_ends_with_time_to_write_its_result(all_functions: dict[str, Json]) -> None:
    final_check = series_seconds("ssm_call") + series_seconds("dynamodb_call")
    assert ROUND_SECONDS + final_check < all_functions["RunTargetFunction"]["Timeout"]


def test_the_functions_that_start_and_end_are_over_when_the_engine_holds_them_to_be(
    all_functions: dict[str, Json],
) -> None:
    for name in ("StartWaveFunction", "TerminateInstancesFunction"):
        assert all_functions[name]["Timeout"] == Timing().start_timeout_seconds


@pytest.mark.parametrize("name", ["recovery", "termination", "command", "step"])
def test_s3_22_machines_outlast_an_open_circuit(name: str) -> None:
    """On average half of each pause is waited, with full jitter."""
    machine = definition(ROOT / "statemachine" / f"{name}.asl.json")
    retriers = [retry for retry in _retriers(machine) if "Unavailable" in retry["ErrorEquals"]]
    assert retriers
    for retry in retriers:
        assert retry["ErrorEquals"] == ["Unavailable"]
        pauses = [
            min(retry["MaxDelaySeconds"], retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt)
            for attempt in range(retry["MaxAttempts"])
        ]
        assert sum(pauses) / 2 > max(rule.seconds for rule in RULES.values())


def _retriers(node: Any) -> list[Json]:
    if isinstance(node, list):
        return [retry for child in node for retry in _retriers(child)]
    if isinstance(node, dict):
        own = node.get("Retry", [])
        return [*own, *(retry for child in node.values() for retry in _retriers(child))]
    return []


def test_whoever_calls_a_dependency_shares_its_circuit(template: Json, all_functions: dict[str, Json]) -> None:
    """With the right to call comes the right to share: a role takes ten managed policies, two of which SAM adds."""
    policies = {
        name: json.dumps(resource)
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }
    calling = {name for name, text in policies.items() if any(f'"{action}' in text for action in DEPENDENCIES)}
    sharing = {name for name, text in policies.items() if '"BreakerTable"' in text and "dynamodb:PutItem" in text}
    assert sharing <= calling
    assert len(calling) > len(sharing) > 3
    for name, function in all_functions.items():
        held = {policy["Ref"] for policy in function["Policies"] if isinstance(policy, dict) and "Ref" in policy}
        assert bool(held & sharing) == bool(held & calling), name
        assert len(held) <= 8, name
        assert function["Environment"]["Variables"]["BREAKER_TABLE_NAME"] == {"Ref": "BreakerTable"}
    listing = {name for name, each in all_functions.items() if {"Ref": "ReadBreakersPolicy"} in each["Policies"]}
    assert listing == {"OperationsFunction"}


def test_circuits_that_opened_are_forgotten_in_time(template: Json) -> None:
    table = template["Resources"]["BreakerTable"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["id", "name"]


def test_a_session_for_reading_may_do_what_reading_functions_may_and_no_more(template: Json) -> None:
    allowed = {"drs:GetLaunchConfiguration"}
    for policy in ("ReadDrsPolicy", "AskEc2Policy", "ReadLaunchesPolicy"):
        for statement in template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"]:
            if "Action" in statement:
                actions = statement["Action"]
                allowed |= {actions} if isinstance(actions, str) else set(actions)
    assert set(READ_ONLY) == {action for action in allowed if not action.startswith("dynamodb:")}
    ending = template["Resources"]["EndInstancesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "drs:GetLaunchConfiguration" in {
        statement["Action"] for statement in ending if isinstance(statement["Action"], str)
    }
