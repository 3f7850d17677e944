"""What the template allows, and to whom."""

import json
import re
from typing import Any

Json = dict[str, Any]


def actions_of(statement: Json) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def test_no_action_is_a_wildcard(statements: list[Json]) -> None:
    assert statements
    for statement in statements:
        assert not [action for action in actions_of(statement) if "*" in action], statement


def _wildcards(template_text: str) -> list[tuple[int, str]]:
    """Every line, by its number from 0, that has a wildcard in an ARN or in place of one."""
    return [
        (number, line)
        for number, line in enumerate(template_text.splitlines())
        if re.search(r'(^\s+Resource: "\*"$)|(arn:\$\{AWS::Partition\}:[^#]*\*)|(\.Arn\}/\*$)', line)
    ]


def test_every_wildcard_of_a_resource_has_a_written_reason(template_text: str) -> None:
    lines = template_text.splitlines()
    for number, line in _wildcards(template_text):
        begin = max(index for index in range(number) if "Effect: Allow" in lines[index])
        assert any("# Reason: " in above for above in lines[begin:number]), f"line {number + 1}: {line.strip()}"


def test_wildcards_stand_only_where_the_text_search_finds_them(statements: list[Json], template_text: str) -> None:
    found = sum(json.dumps(statement["Resource"]).count("*") for statement in statements)
    assert found == sum(line.count("*") for _, line in _wildcards(template_text)) > 5


def test_ec2_rights_hold_only_for_calls_that_drs_makes(statements: list[Json]) -> None:
    own = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    borrowed = [
        s
        for s in statements
        if s != own
        and any(action.startswith("ec2:") for action in actions_of(s))
        and s.get("Sid")
        not in {"ReadVersions", "LookAtNetworksAndVersions", "ChangeTemplatesOfDrsOnly", "LaunchTemplatesAndPlaces"}
    ]
    assert len(borrowed) == 4
    for statement in borrowed:
        assert statement["Condition"] == {"Bool": {"aws:ViaAWSService": "true"}}
        assert all(action.startswith("ec2:") for action in actions_of(statement))


def test_13_launch_templates_are_changed_only_where_drs_keeps_them(statements: list[Json]) -> None:
    changing = [s for s in statements if s.get("Sid") == "ChangeTemplatesOfDrsOnly"]
    assert len(changing) == 3
    for statement in changing:
        assert statement["Condition"] == {"Null": {"aws:ResourceTag/AWSElasticDisasterRecoveryManaged": "false"}}
        assert "launch-template/" in str(statement["Resource"])
    reading = [s for s in statements if s.get("Sid") in {"ReadVersions", "LookAtNetworksAndVersions"}]
    assert {action.partition(":Describe")[0] for s in reading for action in actions_of(s)} == {"ec2"}


def test_13_whoever_checks_plans_may_look_at_launches_and_nobody_else(
    template: Json, all_functions: dict[str, Json]
) -> None:
    written = template["Resources"]["ReadLaunchesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    policy = [each["Fn::If"][1] if "Fn::If" in each else each for each in written]
    assert all(re.match("[a-z0-9]+:(Get|Describe)", action) for statement in policy for action in actions_of(statement))
    holders = {name for name, each in all_functions.items() if {"Ref": "ReadLaunchesPolicy"} in each["Policies"]}
    assert holders == {"PlansFunction", "ReadinessFunction", "ScheduledDrillFunction"}


def test_only_the_look_of_a_termination_asks_ec2_itself(
    template: Json, statements: list[Json], all_functions: dict[str, Json]
) -> None:
    own = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    assert statements.count(own) == 1
    assert template["Resources"]["AskEc2Policy"]["Properties"]["PolicyDocument"]["Statement"] == [own]
    asking = {name for name, each in all_functions.items() if {"Ref": "AskEc2Policy"} in each["Policies"]}
    assert asking == {"ObserveTerminationFunction"}


def test_roles_are_passed_to_the_service_that_acts_with_them_only(statements: list[Json]) -> None:
    services = {
        str({"Fn::GetAtt": ["ScheduleRole", "Arn"]}): "scheduler.amazonaws.com",
        str({"Ref": "AutomationRoleArns"}): "ssm.amazonaws.com",
    }
    passing = [s for s in statements if "iam:PassRole" in actions_of(s)]
    assert passing
    for statement in passing:
        service = services.get(str(statement["Resource"]), "ec2.amazonaws.com")
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": service}}


def test_lists_come_from_indexes_never_from_a_scan(statements: list[Json]) -> None:
    assert not [s for s in statements if "dynamodb:Scan" in actions_of(s)]


def test_only_one_task_may_start_recoveries_and_only_one_may_terminate(
    all_functions: dict[str, Json],
) -> None:
    def holders(policy: str) -> set[str]:
        return {name for name, function in all_functions.items() if {"Ref": policy} in function["Policies"]}

    assert holders("LaunchPolicy") == {"StartWaveFunction"}
    assert holders("EndInstancesPolicy") == {"TerminateInstancesFunction"}
