"""Rights, both ways: nothing that is called is missing, and nothing that is allowed is never called.

What is called comes from `calls_by_function.json`, which the integration tests write and hold up to date, and from the
definitions of the state machines; what follows from a call, from the Service Authorization Reference and from what AWS
publishes beyond it (`tools.rights`). It is evaluated as IAM would, on the roles that SAM makes of the template.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from tools.rights import borrowed, record
from tools.rights.calls import ACCOUNT, PARTITION, REGION, SENDER, Request, arn
from tools.rights.evaluation import Right, allowed
from tools.rights.needs import OWN_ACCOUNT_ONLY, Need, needs, needs_of_target
from tools.rights.reference import dependent_actions, knows
from tools.rights.roles import TARGET, TARGET_ACCOUNT, TEMPLATE, Role, deployment, roles
from tools.template import ROOT

from wavebreak.aws.clients import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role"
KEY = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/{{}}"
RECOVERY = {"PostLaunchActions": "true", "EbsKmsKeyArns": KEY.format("volumes"), "InstanceRoleArns": f"{ROLE}/app"}
OTHERS = {
    "TargetExternalId": "x" * 16,
    "KmsKeyArn": KEY.format("stack"),
    "SenderAddress": SENDER,
    "Recipients": "reader@example.com",
    "PlanTopics": "plan-*",
    "CreateApiGatewayLogsRole": "true",
}
STEPS = {
    "AutomationArns": f"arn:{PARTITION}:ssm:*:{ACCOUNT}:document/Move-Traffic",
    "AutomationRoleArns": f"{ROLE}/runbooks",
    "FunctionArns": arn("lambda", "function:move-traffic"),
}
HERE = {"OrchestratorAccountId": ACCOUNT, "ExternalId": "x" * 16}

DEPLOYMENTS: dict[str, dict[str, str]] = {
    "everything": {**RECOVERY, **OTHERS, **STEPS},
    "defaults": {},
    "recovery": RECOVERY,
    "others": OTHERS,
    "steps": STEPS,
}

SHARED = {
    "StorePolicy": "one table, one store: whoever changes an execution may write whatever belongs to it",
    "ReadDrsPolicy": "whoever may see some of DRS may see the rest, reading only",
    "EveryFunctionPolicy": "the key is used through services whose own rights decide",
    "TellPolicy": "news go to every channel, whatever they tell of",
}
"""Policies that several roles hold whole: what one of them does not call, another one does."""

KEPT = {
    ("IdempotencyPolicy", "dynamodb:GetItem"): "Powertools reads a record that a refused write does not bring along",
}


class World:
    """A deployment of both templates: every role with its rights and its needs."""

    def __init__(self, parameters: dict[str, str]) -> None:
        made = record.read()
        self.main = deployment(TEMPLATE, parameters)
        self.roles = roles(self.main)
        self.needs = needs(self.main, made)
        there = {name: value for name, value in parameters.items() if name in RECOVERY}
        there |= {
            name: value.replace(ACCOUNT, TARGET_ACCOUNT)
            for name, value in parameters.items()
            if name in STEPS and name != "FunctionArns"
        }
        self.target = deployment(TARGET, {**HERE, **there})
        self.roles |= roles(self.target)
        self.needs["TargetRole"] = needs_of_target(self.target, made)

    def missing(self, role: str, without: Right | None = None) -> list[Need]:
        """Name what a role needs and is not allowed, once a right is taken out of our own policies."""
        held = self.roles.get(role, Role(role))
        own = [right for right in held.own if right != without]
        both = [*own, *held.added]
        return sorted(
            need for need in self.needs.get(role, ()) if not allowed(both if need.added else own, need.request)
        )

    def idle(self, role: str) -> list[Right]:
        """Name what a role is allowed and nobody asks for."""
        asked = [need.request for need in self.needs.get(role, ())]
        held = self.roles.get(role, Role(role))
        return [right for right in held.own if not right.denies and not any(map(right.covers, asked))]


WORLDS = {name: World(parameters) for name, parameters in DEPLOYMENTS.items()}
FULL = WORLDS["everything"]
NAMES = sorted(FULL.needs)


def shown(found: list[Any]) -> str:
    return "\n".join(map(str, found))


def test_every_role_has_needs_and_every_need_has_a_role() -> None:
    assert set(FULL.roles) == set(FULL.needs)
    assert len(FULL.needs) == 39


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("role", NAMES)
def test_nothing_that_is_called_is_missing(world: str, role: str) -> None:
    """What DRS calls in the caller's name, or was seen to call, is among it (T3)."""
    missing = WORLDS[world].missing(role)
    assert not missing, shown(missing)


@pytest.mark.parametrize("world", WORLDS)
def test_no_policy_is_empty(world: str) -> None:
    """IAM refuses a policy without a statement, also where a parameter's default has left all of them out."""
    for deployed in (WORLDS[world].main, WORLDS[world].target):
        documents = {
            name: policy["PolicyDocument"] for name, policy in deployed.of("AWS::IAM::ManagedPolicy").items()
        } | {
            f"{name} {policy['PolicyName']}": policy["PolicyDocument"]
            for name, role in deployed.of("AWS::IAM::Role").items()
            for policy in role.get("Policies", [])
        }
        assert documents
        assert not [name for name, document in documents.items() if not document["Statement"]]


def is_shared(right: Right, role: str) -> bool:
    """Tell whether another role that holds the policy asks for it."""
    holders = [name for name in NAMES if name != role and right in FULL.roles[name].own]
    return right.policy in SHARED and any(right not in FULL.idle(name) for name in holders)


@pytest.mark.parametrize("role", NAMES)
def test_nothing_that_is_allowed_is_never_called_without_a_reason(role: str) -> None:
    idle = [
        right for right in FULL.idle(role) if (right.policy, right.action) not in KEPT and not is_shared(right, role)
    ]
    assert not idle, shown(idle)


@pytest.mark.parametrize("world", ["defaults", "recovery", "others", "steps"])
@pytest.mark.parametrize("role", NAMES)
def test_what_a_parameter_adds_is_not_there_without_it(world: str, role: str) -> None:
    """The rights of a smaller deployment are all among those of the full one, where each has been asked for."""
    full = {(right.policy, right.action) for right in FULL.roles[role].own}
    idle = {(right.policy, right.action) for right in FULL.idle(role)}
    fewer = WORLDS[world]
    assert role in fewer.roles or role == "ApiGatewayLogsRole"
    assert {(right.policy, right.action) for right in fewer.roles.get(role, Role(role)).own} <= full
    assert {(right.policy, right.action) for right in fewer.idle(role)} <= idle


def test_every_reason_is_one_for_something() -> None:
    every = [right for role in NAMES for right in FULL.idle(role)]
    assert {(right.policy, right.action) for right in every} >= KEPT.keys()
    assert {right.policy for right in every} >= SHARED.keys()
    assert all(KEPT.values())
    assert all(SHARED.values())


def all_rights() -> list[Right]:
    """Every right that our own policies give to any role."""
    return sorted({right for role in FULL.roles.values() for right in role.own if not right.denies})


IN_PLACES = {
    "ReadDrsPolicy",
    "LaunchPolicy",
    "PostLaunchPolicy",
    "AskEc2Policy",
    "ReadLaunchesPolicy",
    "EndInstancesPolicy",
    "StopCommandsPolicy",
    "LookAtAgentsPolicy",
    "ForwardCommandsPolicy",
    "CommandsFunctionRolePolicy6",
    "RunAutomationsPolicy",
}
"""Policies for what is done in the account and Region of a wave."""

AT_HOME = ("dynamodb:", "kms:", "lambda:", "sts:")


def in_places(rights: list[Right], *policies: str) -> set[tuple[Any, ...]]:
    """Give what rights allow in the account of a wave, without the account's number."""
    return {
        (right.action, right.resource.replace(TARGET_ACCOUNT, ACCOUNT), right.conditions)
        for right in rights
        if (not policies or right.policy in policies)
        and (not right.action.startswith(AT_HOME) or "aws:ViaAWSService" in str(right.conditions))
    }


def unlike(target: list[Right]) -> set[tuple[Any, ...]]:
    """Give what the role of a target account allows and the stack's own roles do not, or the other way round."""
    own = [right for name, role in FULL.roles.items() if name != "TargetRole" for right in role.own]
    return in_places(own, *IN_PLACES) ^ in_places(target)


def test_a_target_account_allows_what_the_stacks_own_does_and_no_more() -> None:
    assert not unlike(FULL.roles["TargetRole"].own)


@pytest.mark.parametrize("right", all_rights(), ids=lambda right: f"{right.policy}-{right.action}-{right.resource}")
def test_taking_any_right_out_of_any_policy_is_noticed(right: Right) -> None:
    holders = [role for role in NAMES if right in FULL.roles[role].own]
    missed = any(FULL.missing(role, without=right) for role in holders)
    if "TargetRole" in holders:
        missed = missed or bool(unlike([held for held in FULL.roles["TargetRole"].own if held != right]))
    # A reason that nothing is there for any more fails a test of its own.
    assert missed or (right.policy, right.action) in KEPT, f"nobody misses {right}"


@pytest.mark.parametrize("role", NAMES)
def test_detaching_any_policy_from_any_role_is_noticed(role: str) -> None:
    held = FULL.roles[role]
    for policy in {right.policy for right in held.own}:
        kept = [right for right in held.own if right.policy != policy]
        assert any(not allowed(kept, need.request) for need in FULL.needs[role] if not need.added), f"{role}: {policy}"


def test_detaching_the_policy_of_aws_from_the_gateways_role_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other role of ours is given one by hand: SAM attaches those of functions and machines."""
    assert FULL.roles["ApiGatewayLogsRole"].managed_policies
    monkeypatch.setitem(FULL.roles, "ApiGatewayLogsRole", Role("ApiGatewayLogsRole"))
    assert FULL.missing("ApiGatewayLogsRole")


# ---------------------------------------------------------------- what the record, the reference and the code say


def test_every_operation_that_the_code_names_was_called_in_a_test() -> None:
    """A call that no test makes would be in no record, and nobody would miss the right to it."""
    session = botocore.session.Session()
    made = set().union(*(each.calls for each in record.read().values()))
    operations: dict[str, set[str]] = defaultdict(set)
    for service in {call.partition(":")[0] for call in made}:
        for operation in session.get_service_model(service).operation_names:
            operations[botocore.xform_name(operation)].add(f"{service}:{operation}")
    untested = {
        f"{path.name}: {name}"
        for path in sorted((ROOT / "lambda").rglob("*.py"))
        for name in _names(path.read_text(encoding="utf-8"))
        if name in operations and not operations[name] & made
    }
    assert untested == SIGNED


SIGNED = {"evidence_bucket.py: get_object"}
"""An address is signed for it; whoever follows that makes the call."""


def _names(code: str) -> Iterator[str]:
    """Give every attribute and every text in some code: an operation is called by either."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


TOO_NEW = {
    "drs:GetRecoveryPlan": "Recovery Plans of DRS are newer than the reference's data",
    "drs:ListRecoveryPlanSteps": "likewise",
}


def test_every_right_names_an_action_that_there_is() -> None:
    named = {right.action for role in FULL.roles.values() for right in role.own}
    assert {action for action in named if not knows(action)} == TOO_NEW.keys()


def test_a_session_for_reading_may_do_what_reading_needs_and_no_more() -> None:
    """The policy of a session in another account: what is left out of it is refused, whatever the role allows."""
    asked = {request.action for each in record.read().values() for request in each.asks}
    reading = {
        action
        for action in asked - OWN_ACCOUNT_ONLY.keys()
        if re.match(r"(drs:(Describe|Get|List))|ec2:Describe|servicequotas:Get", action)
    }
    needed = reading | {
        dependent for action in reading - borrowed.NOT_BORROWED.keys() for dependent in dependent_actions(action)
    }
    assert set(READ_ONLY) == needed


# ---------------------------------------------------------------- limits of IAM

MANAGED_POLICIES = 8
"""Of the ten that IAM attaches to a role: two are left for those who attach policies to every role of an account."""
MANAGED_CHARACTERS = 6_144
INLINE_CHARACTERS = 10_240


def compact(document: Any) -> int:
    """Count characters as IAM does: without white space."""
    return len(json.dumps(document, separators=(",", ":")))


@pytest.mark.parametrize("role", NAMES)
def test_no_role_has_more_policies_than_iam_attaches(role: str) -> None:
    attached = FULL.roles[role].managed_policies
    assert len(attached) == len(set(attached)) <= MANAGED_POLICIES


def test_no_policy_is_larger_than_iam_takes_it() -> None:
    for name, policy in FULL.main.of("AWS::IAM::ManagedPolicy").items():
        assert compact(policy["PolicyDocument"]) <= MANAGED_CHARACTERS, name
    for deployed in (FULL.main, FULL.target):
        for name, role in deployed.of("AWS::IAM::Role").items():
            inline = sum(compact(policy["PolicyDocument"]) for policy in role.get("Policies", []))
            assert inline <= INLINE_CHARACTERS, name


# ---------------------------------------------------------------- what nobody may do

THROUGH_DRS = (("aws:CalledVia", ("drs.amazonaws.com",)), ("aws:ViaAWSService", ("true",)))
VM = arn("ec2", "instance/i-1")


_NETWORKS = ("ec2:DescribeInstanceTypeOfferings", "ec2:DescribeLaunchTemplateVersions", "ec2:DescribeSubnets")
_LAUNCHES = (
    *_NETWORKS,
    *(f"ec2:Describe{each}" for each in ("InstanceTypes", "Instances", "NetworkInterfaces", "SecurityGroups")),
)
_READERS = ("PlansFunctionRole", "ReadinessFunctionRole", "ScheduledDrillFunctionRole", "TargetRole")
ASKS_EC2_ITSELF = {
    *((role, action) for role in _READERS for action in _LAUNCHES),
    ("ObserveTerminationFunctionRole", "ec2:DescribeInstances"),
    ("TargetRole", "ec2:DescribeInstances"),
    *((role, action) for role in ("StartWaveFunctionRole", "TargetRole") for action in _NETWORKS),
    *((role, "ec2:DescribeLaunchTemplateVersions") for role in ("ObserveFunctionRole", "SweepFunctionRole")),
}
"""A termination asks EC2 for instances that DRS no longer shows; a drill with networks where its servers may land,
and whoever checks whether a plan is ready where all would land."""


@pytest.mark.parametrize("role", NAMES)
def test_no_role_calls_ec2_or_kms_by_itself(role: str) -> None:
    for right in FULL.roles[role].own:
        if right.action.startswith(("ec2:", "kms:")) and (role, right.action) not in ASKS_EC2_ITSELF:
            direct = Request(right.action, right.resource.replace("*", "x"))
            assert not allowed(FULL.roles[role].rights, direct), right


@pytest.mark.parametrize(
    ("role", "request_"),
    [
        (
            "StartWaveFunctionRole",
            Request("iam:PassRole", f"{ROLE}/app", (("iam:PassedToService", ("lambda.amazonaws.com",)),)),
        ),
        (
            "StartWaveFunctionRole",
            Request("iam:PassRole", f"{ROLE}/other", (("iam:PassedToService", ("ec2.amazonaws.com",)),)),
        ),
        ("StartWaveFunctionRole", Request("kms:Decrypt", KEY.format("other"), THROUGH_DRS)),
        ("StartWaveFunctionRole", Request("kms:CreateGrant", KEY.format("volumes"), THROUGH_DRS)),
        ("StartWaveFunctionRole", Request("ssm:SendCommand", VM)),
        ("ObserveFunctionRole", Request("drs:StartRecovery", arn("drs", "source-server/s-1"))),
        ("ObserveFunctionRole", Request("sts:AssumeRole", f"arn:{PARTITION}:iam::{TARGET_ACCOUNT}:role/Admin")),
        ("NotificationFunctionRole", Request("sns:Publish", arn("sns", "payments"))),
        (
            "NotificationFunctionRole",
            Request("ses:SendEmail", arn("ses", "identity/x"), (("ses:FromAddress", ("x",)),)),
        ),
        (
            "NotificationFunctionRole",
            Request(
                "events:PutEvents", arn("events", "event-bus/default"), (("events:source", ("wavebreak", "other")),)
            ),
        ),
        (
            "PlansFunctionRole",
            Request("logs:CreateLogGroup", arn("logs", "log-group:/aws/lambda/wavebreak-PlansFunction")),
        ),
        ("RunTargetFunctionRole", Request("ssm:SendCommand", arn("ssm", "document/AWS-RunShellScript"))),
        ("TargetRole", Request("ssm:SendCommand", arn("ssm", "document/AWS-RunShellScript", account=""))),
        ("RecoveryStateMachineRole", Request("dynamodb:DeleteItem", arn("dynamodb", "table/wavebreak-Table"))),
    ],
    ids=lambda value: value.action if isinstance(value, Request) else value,
)
def test_what_stands_beside_a_right_is_refused(role: str, request_: Request) -> None:
    assert not allowed(FULL.roles[role].rights, request_)
