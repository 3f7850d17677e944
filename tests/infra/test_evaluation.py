"""The tools behind the tests of rights answer as IAM, CloudFormation and the Service Authorization Reference do."""

from __future__ import annotations

from typing import Any

import pytest
from tools.rights.calls import ACCOUNT, Request, UnknownCallError, requests
from tools.rights.cloudformation import Deployment
from tools.rights.evaluation import UnknownStatementError, allowed, rights_of
from tools.rights.record import Made, request, text
from tools.rights.reference import dependent_actions, knows, resource_types

TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t"


def answer(statement: dict[str, Any], asked: Request, *more: dict[str, Any]) -> bool:
    statements = [{"Effect": "Allow", "Action": "s:Do", "Resource": "*", **each} for each in (statement, *more)]
    return allowed(rights_of("p", {"Statement": statements}), asked)


def ask(action: str = "s:Do", resource: str = "arn:x", **context: str) -> Request:
    pairs = {key.replace("__", ":"): values for key, values in context.items()}
    return Request(action, resource, tuple((key, tuple(values.split(","))) for key, values in pairs.items()))


@pytest.mark.parametrize(
    ("statement", "asked", "expected"),
    [
        ({}, ask(), True),
        ({"Action": ["s:Other", "s:D*"]}, ask(), True),
        ({"Action": "S:dO"}, ask(), True),
        ({"Action": "s:Other"}, ask(), False),
        ({"Resource": "arn:x"}, ask(), True),
        ({"Resource": "arn:x/*"}, ask(), False),
        ({"Resource": ["arn:y", "arn:?"]}, ask(), True),
        ({"Resource": "arn:x"}, ask(resource="arn:xy"), False),
        ({"Condition": {"Bool": {"aws:ViaAWSService": "true"}}}, ask(), False),
        ({"Condition": {"Bool": {"aws:ViaAWSService": True}}}, ask(aws__ViaAWSService="true"), True),
        ({"Condition": {"StringEquals": {"a:k": ["1", "2"]}}}, ask(a__k="2"), True),
        ({"Condition": {"StringEquals": {"a:k": "1*"}}}, ask(a__k="12"), False),
        ({"Condition": {"StringLike": {"a:k": "1*"}}}, ask(a__k="12"), True),
        ({"Condition": {"StringEquals": {"a:k": "1", "a:l": "2"}}}, ask(a__k="1"), False),
        ({"Condition": {"ForAnyValue:StringEquals": {"a:k": "1"}}}, ask(a__k="0,1"), True),
        ({"Condition": {"ForAnyValue:StringEquals": {"a:k": "1"}}}, ask(), False),
        ({"Condition": {"ForAllValues:StringLike": {"a:k": "E#*"}}}, ask(a__k="E#1,E#2"), True),
        ({"Condition": {"ForAllValues:StringLike": {"a:k": "E#*"}}}, ask(a__k="E#1,P#2"), False),
        ({"Condition": {"ForAllValues:StringLike": {"a:k": "E#*"}}}, ask(), True),
    ],
)
def test_a_statement_covers_what_iam_would_have_it_cover(
    statement: dict[str, Any], asked: Request, expected: bool
) -> None:
    assert answer(statement, asked) is expected


def test_a_denial_counts_for_more_than_any_right() -> None:
    assert not answer({}, ask(), {"Effect": "Deny"})
    assert answer({}, ask(), {"Effect": "Deny", "Resource": "arn:y"})


@pytest.mark.parametrize(
    "statement",
    [{"NotAction": "s:Do"}, {"Effect": "Maybe"}, {"Condition": {"NumericLessThan": {"a:k": "1"}}}],
)
def test_what_is_not_known_is_no_answer(statement: dict[str, Any]) -> None:
    with pytest.raises(UnknownStatementError):
        answer(statement, ask(a__k="1"))


TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Key": {"Type": "String", "Default": ""},
        "Roles": {"Type": "CommaDelimitedList", "Default": ""},
        "Number": {"Type": "Number", "Default": 0},
    },
    "Conditions": {
        "HasKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Key"}, ""]}]},
        "HasRoles": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Roles"}]}, ""]}]},
        "Both": {"Fn::And": [{"Condition": "HasKey"}, {"Condition": "HasRoles"}]},
        "IsZero": {"Fn::Equals": [{"Ref": "Number"}, "0"]},
    },
    "Resources": {
        "Table": {"Type": "AWS::DynamoDB::Table"},
        "Topic": {"Type": "AWS::SNS::Topic", "Condition": "HasKey"},
    },
}


def test_a_deployment_decides_conditions_and_fills_references_in() -> None:
    plain, full = Deployment(TEMPLATE, {}), Deployment(TEMPLATE, {"Key": "k", "Roles": "a,b", "Number": "3"})
    assert [plain.holds(name) for name in TEMPLATE["Conditions"]] == [False, False, False, True]
    assert [full.holds(name) for name in TEMPLATE["Conditions"]] == [True, True, True, False]
    chosen = {"a": {"Fn::If": ["HasKey", {"Ref": "Key"}, {"Ref": "AWS::NoValue"}]}, "b": [{"Ref": "Roles"}]}
    assert plain.resolved(chosen) == {"b": [[""]]}
    assert full.resolved(chosen) == {"a": "k", "b": [["a", "b"]]}
    assert full.resolved({"Fn::Sub": "${Table.Arn}/index/x in ${AWS::Region}"}) == (
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/wavebreak-Table/index/x in us-east-1"
    )
    assert full.resolved({"Ref": "Topic"}) == f"arn:aws:sns:us-east-1:{ACCOUNT}:wavebreak-Topic"
    assert (list(plain.of("AWS::SNS::Topic")), list(full.of("AWS::SNS::Topic"))) == ([], ["Topic"])


@pytest.mark.parametrize("asked", [{"Fn::Cidr": []}, {"Ref": "Nobody"}])
def test_a_reference_that_cannot_be_filled_in_is_no_value(asked: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        Deployment(TEMPLATE, {}).resolved(asked)
    with pytest.raises(KeyError, match="Typo"):
        Deployment(TEMPLATE, {"Typo": "x"})


def test_a_transaction_asks_for_each_of_its_parts_and_a_query_for_its_index() -> None:
    key = {"pk": {"S": "EXEC#drill-1"}, "sk": {"S": "TOKEN"}}
    parts = [
        {"Put": {"TableName": "t", "Item": key}},
        {"Update": {"TableName": "t", "Key": key}},
        {"ConditionCheck": {"TableName": "t", "Key": key}},
    ]
    asked = list(requests("dynamodb", "TransactWriteItems", {"TransactItems": parts}))
    assert [one.action for one in asked] == [f"dynamodb:{verb}Item" for verb in ("Put", "Update", "ConditionCheck")]
    assert asked[1].context == (("dynamodb:LeadingKeys", ("EXEC#*",)),)
    gets = [{"Get": {"TableName": name, "Key": key}} for name in ("t", "circuits")]
    read = list(requests("dynamodb", "TransactGetItems", {"TransactItems": gets}))
    assert [one.action for one in read] == ["dynamodb:GetItem"] * 2
    assert [one.resource.rpartition("/")[2] for one in read] == ["t", "circuits"]
    (query,) = requests("dynamodb", "Query", {"TableName": "t", "IndexName": "byPlan"})
    assert query.resource == f"{TABLE}/index/byPlan"


@pytest.mark.parametrize(("service", "operation"), [("ec2", "RunInstances"), ("dynamodb", "Scan"), ("drs", "StartX")])
def test_a_call_that_nobody_wrote_down_is_an_error(service: str, operation: str) -> None:
    with pytest.raises(UnknownCallError, match=operation):
        list(requests(service, operation, {"TableName": "t"}))


def test_a_request_is_read_from_the_line_that_it_is_written_in() -> None:
    asked = Request("dynamodb:UpdateItem", TABLE, (("dynamodb:LeadingKeys", ("EXEC#*", "CMD#*")),))
    assert request(text(asked)) == asked
    made = Made({"dynamodb:UpdateItem"}, {asked, Request("drs:DescribeJobs", "*")})
    assert Made.of(made.document()) == made


def test_the_reference_is_the_one_of_aws() -> None:
    assert dependent_actions("drs:DescribeRecoveryInstances") == ["drs:DescribeSourceServers", "ec2:DescribeInstances"]
    assert len(dependent_actions("drs:StartRecovery")) == 35
    assert dependent_actions("drs:DescribeJobs") == []
    assert resource_types("drs:DescribeJobs") == ["*"]
    assert resource_types("drs:DescribeJobLogItems") == ["arn:${Partition}:drs:${Region}:${Account}:job/${JobID}"]
    assert knows("drs:StartRecovery")
    assert not knows("drs:StartRecoverie")
