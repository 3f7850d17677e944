"""What the template's parameters choose: keys, concurrency, post-launch actions, and the same in a target account."""

import json
import re
from typing import Any

import pytest
from tools.packaging.aws_deployment import LONGEST_STACK_NAME
from tools.template import ROOT, definition, load, resources

Json = dict[str, Any]

KEYS = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::SQS::Queue": ("KmsMasterKeyId", None),
    "AWS::SNS::Topic": ("KmsMasterKeyId", None),
    "AWS::Logs::LogGroup": ("KmsKeyId", None),
}
"""Where the key of a resource stands, by its type."""


@pytest.mark.parametrize(("kind", "key"), KEYS.items())
def test_everything_that_keeps_data_takes_a_key_of_the_users_own(
    template: Json, kind: str, key: tuple[str, str | None]
) -> None:
    found = resources(template, kind)
    assert found
    attribute, inside = key
    for name, properties in found.items():
        written = json.dumps(properties[attribute])
        assert '{"Fn::If": ["HasKey", ' in written, name
        assert '{"Ref": "KmsKeyArn"}' in written, name
        assert not inside or f'"{inside}": ' in written, name


def test_evidence_is_encrypted_with_the_users_own_key_and_with_that_of_s3_without_one(template: Json) -> None:
    (rule,) = template["Resources"]["EvidenceBucket"]["Properties"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    chosen = rule["ServerSideEncryptionByDefault"]
    assert chosen["SSEAlgorithm"] == "aws:kms"
    assert chosen["KMSMasterKeyID"] == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


def test_access_to_evidence_is_written_down_where_a_bucket_is_named_for_it(template: Json) -> None:
    parameter = template["Parameters"]["AccessLogBucket"]
    assert parameter["Default"] == ""
    for name, fits in (("", True), ("logs.example-1", True), ("Logs", False), ("a_b", False), ("-ab", False)):
        assert bool(re.fullmatch(parameter["AllowedPattern"], name)) is fits, name
    assert template["Conditions"]["LogsAccessToEvidence"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AccessLogBucket"}, ""]}]
    }
    logging = template["Resources"]["EvidenceBucket"]["Properties"]["LoggingConfiguration"]["Fn::If"]
    assert logging[0] == "LogsAccessToEvidence"
    assert logging[1] == {
        "DestinationBucketName": {"Ref": "AccessLogBucket"},
        "LogFilePrefix": {"Fn::Sub": "${AWS::StackName}/"},
    }
    assert logging[2] == {"Ref": "AWS::NoValue"}


def test_without_a_key_of_their_own_everything_is_encrypted_all_the_same(template: Json) -> None:
    for table in resources(template, "AWS::DynamoDB::Table").values():
        assert table["SSESpecification"]["SSEEnabled"] is True
        for name in ("SSEType", "KMSMasterKeyId"):
            assert table["SSESpecification"][name]["Fn::If"][2] == {"Ref": "AWS::NoValue"}
    for queue in resources(template, "AWS::SQS::Queue").values():
        # A queue takes one of the two, and refuses both.
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKey", {"Ref": "AWS::NoValue"}, True]}
        assert queue["KmsMasterKeyId"] == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}
    assert template["Globals"]["Function"]["KmsKeyArn"]["Fn::If"][:2] == ["HasKey", {"Ref": "KmsKeyArn"}]


PATH_OF_A_RECOVERY = {
    "Executions",
    "Waves",
    "Cancellation",
    "Observe",
    "StartWave",
    "Finalise",
    "RecordFailure",
    "RunCommand",
    "PrepareCommand",
    "RunTarget",
    "FinishCommand",
    "RecordCommandFailure",
    "DriveStep",
    "WatchStep",
    "LaunchEvents",
    "StateMachineStatus",
    "Sweep",
}


def test_functions_in_the_path_of_a_recovery_can_be_given_concurrency_of_their_own(
    template: Json, all_functions: dict[str, Json]
) -> None:
    reserved = {"Fn::If": ["ReservesConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    holders = {name for name, each in all_functions.items() if each.get("ReservedConcurrentExecutions") == reserved}
    assert holders == {f"{name}Function" for name in PATH_OF_A_RECOVERY}
    assert len(PATH_OF_A_RECOVERY) == 17
    assert "seventeen" in template["Parameters"]["ReservedConcurrency"]["Description"]
    # It is the most that each may have as well: ten targets of a command run at a time.
    none, *chosen = template["Parameters"]["ReservedConcurrency"]["AllowedValues"]
    assert (none, min(chosen)) == (template["Parameters"]["ReservedConcurrency"]["Default"], 10)
    machine = definition(ROOT / "statemachine" / "command.asl.json")
    assert max(state.get("MaxConcurrency", 0) for state in machine["States"].values()) <= min(chosen)


def test_a_target_account_knows_the_stack_by_no_name_that_cloudformation_cuts() -> None:
    parameter = load(ROOT / "infra" / "target-account-role.yaml")["Parameters"]["OrchestratorStackName"]
    assert re.fullmatch(parameter["AllowedPattern"], "w" * LONGEST_STACK_NAME)
    assert not re.fullmatch(parameter["AllowedPattern"], "w" * (LONGEST_STACK_NAME + 1))
    assert str(LONGEST_STACK_NAME) in parameter["ConstraintDescription"]


def test_both_templates_take_the_same_of_what_a_recovery_needs(template: Json) -> None:
    other = load(ROOT / "infra" / "target-account-role.yaml")
    for name in ("InstanceRoleArns", "PostLaunchActions", "EbsKmsKeyArns"):
        for what in ("Type", "Default", "AllowedValues"):
            assert other["Parameters"][name].get(what) == template["Parameters"][name].get(what), name
    for name in ("HasInstanceRoles", "RunsPostLaunchActions", "HasEbsKeys"):
        assert other["Conditions"][name] == template["Conditions"][name]


def test_functions_know_whether_post_launch_actions_run(all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        assert function["Environment"]["Variables"]["POST_LAUNCH_ACTIONS"] == {"Ref": "PostLaunchActions"}, name


def holds(value: Any, given: dict[str, str]) -> Any:
    """Evaluate what a rule or condition says, as CloudFormation does, for parameters that are given."""
    match value:
        case {"Ref": str(name)}:
            return given[name]
        case {"Fn::Equals": [left, right]}:
            return str(holds(left, given)) == str(holds(right, given))
        case {"Fn::Not": [inner]}:
            return not holds(inner, given)
        case {"Fn::Contains": [listed, one]}:
            return holds(one, given) in listed
        case dict():
            raise AssertionError(value)
    return value


@pytest.mark.parametrize("name", ["PollSeconds", "BriefSeconds"])
@pytest.mark.parametrize("address", ["", "http://127.0.0.1:4567"])
def test_looks_at_drs_itself_are_never_less_than_five_seconds_apart(template: Json, name: str, address: str) -> None:
    (rule,) = template["Rules"].values()
    parameter = template["Parameters"][name]
    refused = []
    for seconds in range(parameter["MinValue"], parameter["MaxValue"] + 1):
        given = {"PollSeconds": "30", "BriefSeconds": "5", "DrsEndpointUrl": address, name: str(seconds)}
        if holds(rule["RuleCondition"], given) and not all(holds(each["Assert"], given) for each in rule["Assertions"]):
            refused.append(seconds)
    assert refused == ([] if address else [1, 2, 3, 4])
    assert parameter["Default"] >= 5
