"""Who may take on a role, put into a queue, use a key or invoke a function: those who have to, and nobody else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tools.rights.calls import ACCOUNT, PARTITION, Request
from tools.rights.evaluation import UnknownStatementError
from tools.rights.resource_policies import (
    ASSUME,
    SEND,
    Caller,
    ServiceNeed,
    documents,
    monitoring,
    need_of_target,
    needs_of_monitoring,
    needs_of_services,
    permits,
)
from tools.rights.roles import TARGET, TEMPLATE, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
EVERYTHING = {"CreateApiGatewayLogsRole": "true", "NotificationEmail": "reader@example.com", "Monitoring": "true"}
MAIN = deployment(TEMPLATE, EVERYTHING)
THERE = deployment(TARGET, {"OrchestratorAccountId": ACCOUNT, "ExternalId": "x" * 16})
MONITORING = monitoring(MAIN)
DOCUMENTS = {**documents(MAIN), **documents(THERE), **documents(MONITORING)}
NEEDS = {*needs_of_services(MAIN), *needs_of_monitoring(MONITORING), need_of_target(THERE)}
OURS = sorted(name for name in DOCUMENTS if name in {"ScheduleRole", "ApiGatewayLogsRole", "TargetRole"})
OURS += sorted(name for name in DOCUMENTS if name.endswith(("QueuePolicy", "Key")))
OURS += sorted(documents(MONITORING))
"""Policies that our own templates write; those of functions and machines are SAM's."""

EVENTS = Caller("events.amazonaws.com")
OTHER = "999999999999"


def missing(policies: Json = DOCUMENTS) -> list[ServiceNeed]:
    return sorted(need for need in NEEDS if not permits(policies[need.policy], need.caller, need.request))


def smaller(document: Json) -> Iterator[tuple[str, Json]]:
    """Give a policy without each of its statements, each of a statement's actions, and each value of a condition."""
    for number, statement in enumerate(document["Statement"]):
        yield f"{number}", {"Statement": [*document["Statement"][:number], *document["Statement"][number + 1 :]]}
        for action in statement["Action"] if isinstance(statement["Action"], list) else ():
            yield (
                f"{number} {action}",
                changed(document, number, Action=[a for a in statement["Action"] if a != action]),
            )
        for operator, pairs in statement.get("Condition", {}).items():
            for key, values in pairs.items():
                for value in values if isinstance(values, list) else ():
                    fewer = {operator: {**pairs, key: [each for each in values if each != value]}}
                    yield f"{number} {value}", changed(document, number, Condition=fewer)


def changed(document: Json, number: int, **members: Any) -> Json:
    after = copy.deepcopy(document)
    after["Statement"][number].update(members)
    return after


SMALLER = [(name, what, document) for name in OURS for what, document in smaller(DOCUMENTS[name])]


def test_every_service_may_do_what_it_is_there_for() -> None:
    assert not missing()


def test_every_role_every_queue_and_every_key_is_for_somebody() -> None:
    assert {need.policy for need in NEEDS} >= {*MAIN.of("AWS::IAM::Role"), *OURS}
    queues = {queue for policy in MAIN.of("AWS::SQS::QueuePolicy").values() for queue in policy["Queues"]}
    assert queues == {MAIN.physical(name) for name in MAIN.of("AWS::SQS::Queue")}
    assert not MAIN.of("AWS::SNS::TopicPolicy"), "a topic without one lets the account's alarms and roles publish"


@pytest.mark.parametrize(("name", "what", "document"), SMALLER, ids=[f"{name} {what}" for name, what, _ in SMALLER])
def test_taking_anything_out_of_a_resources_policy_is_noticed(name: str, what: str, document: Json) -> None:
    assert missing({**DOCUMENTS, name: document}), f"nobody misses {what}"


@pytest.mark.parametrize("name", OURS)
def test_another_principal_in_a_resources_policy_is_noticed(name: str) -> None:
    """The service that somebody could take for the right one: that of events for that of schedules, and so on."""
    for number, statement in enumerate(DOCUMENTS[name]["Statement"]):
        (kind,) = statement["Principal"]
        other = {"Service": "pipes.amazonaws.com"} if kind == "Service" else {"AWS": f"arn:aws:iam::{OTHER}:root"}
        assert missing({**DOCUMENTS, name: changed(DOCUMENTS[name], number, Principal=other)})


def test_a_role_that_trusts_other_names_is_noticed() -> None:
    names = {
        "StringEquals": {"sts:ExternalId": "x" * 16},
        "ArnLike": {"aws:PrincipalArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/other-*"},
    }
    assert missing({**DOCUMENTS, "TargetRole": changed(DOCUMENTS["TargetRole"], 0, Condition=names)})


def assumed(**context: str) -> Request:
    return Request(ASSUME, "*", tuple((key.replace("__", ":"), (value,)) for key, value in context.items()))


ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/wavebreak-StartWaveFunctionRole"
ELSEWHERE = f"arn:{PARTITION}:iam::{OTHER}:role/wavebreak-StartWaveFunctionRole"
STRANGER = f"arn:{PARTITION}:iam::{ACCOUNT}:role/Admin"
A_RULE = f"arn:{PARTITION}:events:us-east-1:{OTHER}:rule/any"


@pytest.mark.parametrize(
    ("policy", "caller", "request_"),
    [
        ("ScheduleRole", EVENTS, assumed(aws__SourceAccount=ACCOUNT)),
        ("ScheduleRole", Caller("scheduler.amazonaws.com"), assumed(aws__SourceAccount=OTHER)),
        ("ApiGatewayLogsRole", Caller("lambda.amazonaws.com"), assumed()),
        ("TargetRole", Caller(ROLE, may_itself=True), assumed(aws__PrincipalArn=ROLE)),
        ("TargetRole", Caller(ROLE, may_itself=True), assumed(aws__PrincipalArn=ROLE, sts__ExternalId="y" * 16)),
        (
            "TargetRole",
            Caller(STRANGER, may_itself=True),
            assumed(aws__PrincipalArn=STRANGER, sts__ExternalId="x" * 16),
        ),
        (
            "TargetRole",
            Caller(ELSEWHERE, may_itself=True),
            assumed(aws__PrincipalArn=ELSEWHERE, sts__ExternalId="x" * 16),
        ),
        ("LaunchEventsQueuePolicy", EVENTS, Request(SEND, "*", (("aws:SourceArn", (A_RULE,)),))),
        ("FailedEventsQueuePolicy", Caller("sns.amazonaws.com"), Request(SEND, "*", (("aws:SourceArn", (A_RULE,)),))),
        ("NotificationKey", Caller(STRANGER), Request("kms:Decrypt", "*")),
    ],
    ids=str,
)
def test_nobody_else_is_let_in(policy: str, caller: Caller, request_: Request) -> None:
    assert not permits(DOCUMENTS[policy], caller, request_)


def test_a_principal_of_another_kind_is_an_error_never_an_answer() -> None:
    with pytest.raises(UnknownStatementError):
        EVENTS.is_named_by({"Federated": "accounts.example.com"})


# ---------------------------------------------------------------- the bucket of evidence


def test_the_bucket_of_evidence_takes_nothing_that_is_not_encrypted_on_its_way() -> None:
    (policy,) = MAIN.of("AWS::S3::BucketPolicy").values()
    let_in = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    both = {"Statement": [*policy["PolicyDocument"]["Statement"], let_in]}
    bucket = MAIN.resolved({"Fn::GetAtt": ["EvidenceBucket", "Arn"]})
    for resource in (bucket, f"{bucket}/report.json"):
        for secure in ("true", "false"):
            asked = Request("s3:GetObject", resource, (("aws:SecureTransport", (secure,)),))
            assert permits(both, Caller(ROLE), asked) is (secure == "true")
