"""What the functions of commands may do: what their code calls, and nothing else; in target accounts likewise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tools.template import ROOT, load, resources

Json = dict[str, Any]

SSM: dict[str, set[str]] = {
    "Commands": {"ssm:CancelCommand", "logs:GetLogEvents"},
    "Cancellation": {"ssm:CancelCommand"},
    "Termination": {"ssm:CancelCommand"},
    "RunCommand": {"ssm:CancelCommand"},
    "Sweep": {"ssm:CancelCommand"},
    "Observe": {"ssm:CancelCommand"},
    "PrepareCommand": {"ssm:DescribeInstanceInformation"},
    "RunTarget": {
        "ssm:CancelCommand",
        "ssm:DescribeInstanceInformation",
        "ssm:GetCommandInvocation",
        "ssm:ListCommandInvocations",
        "ssm:SendCommand",
    },
}
"""Calls of SSM, and of the logs that commands write, by the functions that make them. No other function makes any."""

OF_STEPS: dict[str, set[str]] = {
    "Plans": {"ssm:DescribeDocument"},
    "Readiness": {"ssm:DescribeDocument"},
    "ScheduledDrill": {"ssm:DescribeDocument"},
    "WatchStep": {
        "ssm:AddTagsToResource",
        "ssm:DescribeAutomationExecutions",
        "ssm:GetAutomationExecution",
        "ssm:StartAutomationExecution",
        "ssm:StopAutomationExecution",
    },
}
"""Likewise the calls for automations, of which a target account has a policy of its own."""

STARTERS = {"Commands", "RunCommand", "FinishCommand", "StateMachineStatus", "Sweep"}
"""Functions that start a command machine: for an operator, for a plan, after one whose history is nearly full, after
one that died, for one never started."""

MACHINE = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-command"


def statements_of(template: Json, function: Json) -> list[Json]:
    """Give every statement of a function's policies, those under a condition too; not what others do in its name."""
    found: list[Json] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict) and node.get("Effect") == "Allow":
            found.extend([] if "aws:CalledVia" in json.dumps(node.get("Condition", {})) else [node])
        elif isinstance(node, dict) and node.get("Ref") in template.get("Resources", {}):
            walk(template["Resources"][node["Ref"]]["Properties"].get("PolicyDocument"))
        elif isinstance(node, dict):
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(function["Policies"])
    return found


def actions_of(statements: list[Json]) -> set[str]:
    listed = (statement["Action"] for statement in statements)
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_functions_may_make_the_calls_of_ssm_that_they_make(template: Json, all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        allowed = actions_of(statements_of(template, function))
        held = {action for action in allowed if action.startswith("ssm:") or action == "logs:GetLogEvents"}
        assert held == (SSM | OF_STEPS).get(name.removesuffix("Function"), set()), name


def test_whoever_reaches_recovered_servers_may_assume_the_role_of_their_account(
    template: Json, all_functions: dict[str, Json]
) -> None:
    for name in SSM | OF_STEPS:
        assert "sts:AssumeRole" in actions_of(statements_of(template, all_functions[f"{name}Function"])), name


def test_only_starters_start_command_machines(template: Json, all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        statements = statements_of(template, function)
        starts = [s for s in statements if s["Action"] == "states:StartExecution" and MACHINE in json.dumps(s)]
        assert bool(starts) == (name.removesuffix("Function") in STARTERS), name
        variables = function["Environment"]["Variables"]
        assert ("COMMAND_STATE_MACHINE_ARN" in variables) == bool(starts), name


def test_the_command_machine_calls_its_tasks_and_nothing_else(machines: dict[str, Json]) -> None:
    (policy,) = machines["CommandStateMachine"]["Policies"]
    assert [statement["Sid"] for statement in policy["Statement"]] == ["Tasks", "LogDelivery"]


def test_commands_are_sent_through_our_documents_only(template: Json, statements: list[Json]) -> None:
    (sending,) = [one for one in statements if "ssm:SendCommand" in one["Action"] and "Condition" not in one]
    documents, instances = (resource["Fn::Sub"] for resource in sending["Resource"])
    assert documents.endswith(":document/${CommandDocumentPrefix}-*")
    assert instances.endswith(":instance/*")
    assert template["Globals"]["Function"]["Environment"]["Variables"]["DOCUMENT_PREFIX"] == {
        "Ref": "CommandDocumentPrefix"
    }


@pytest.fixture(scope="module")
def target_role() -> Json:
    template = load(ROOT / "infra" / "target-account-role.yaml")
    role: Json = resources(template, "AWS::IAM::Role")["TargetRole"]
    return role


def test_a_target_account_allows_what_commands_need_and_no_more(target_role: Json, template: Json) -> None:
    (policy,) = [one for one in target_role["Policies"] if one.get("PolicyName") == "forward-commands"]
    statements: list[Json] = policy["PolicyDocument"]["Statement"]
    assert actions_of(statements) == set().union(*SSM.values())
    by_name = {statement["Sid"]: statement["Resource"] for statement in statements}
    documents, instances = (resource["Fn::Sub"] for resource in by_name["OurDocumentsOnly"])
    assert documents == "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:document/${DocumentPrefix}-*"
    assert instances == "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*"
    group = template["Globals"]["Function"]["Environment"]["Variables"]["COMMAND_LOG_GROUP"]["Fn::Sub"]
    name = group.replace("${AWS::StackName}", "${OrchestratorStackName}")
    assert by_name["CommandOutput"]["Fn::Sub"].endswith(f":log-group:{name}:*")


def test_a_target_account_allows_what_automations_need_and_no_more(target_role: Json) -> None:
    (policy,) = [
        each["Fn::If"][1] for each in target_role["Policies"] if each.get("Fn::If", [""])[0] == "HasAutomations"
    ]
    found = statements_of({}, {"Policies": [policy]})
    assert actions_of(found) == set().union(*OF_STEPS.values()) | {"iam:PassRole"}
    by_name = {statement["Sid"]: statement["Resource"] for statement in found}
    assert by_name["YourRunbooksOnly"] == {"Ref": "AutomationArns"}
    assert by_name["PassYourRolesToSystemsManagerOnly"] == {"Ref": "AutomationRoleArns"}


def test_no_statement_of_the_target_role_allows_a_wildcard_of_actions(target_role: Json) -> None:
    found = statements_of({}, target_role)
    assert len(found) > len(target_role["Policies"])
    assert not [action for action in actions_of(found) if "*" in action]
