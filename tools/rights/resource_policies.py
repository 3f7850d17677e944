"""Policies of resources: who may take on a role, put into a queue, use a key or invoke a function, and who has to.

Who has to follows from the deployment itself: what a rule of EventBridge sends to, who runs a function or a machine,
which role a schedule or a target account is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tools.rights.calls import ACCOUNT, PARTITION, REGION, STACK, Request, arn
from tools.rights.cloudformation import SUFFIX, Deployment
from tools.rights.evaluation import UnknownStatementError, allowed, rights_of
from tools.template import ROOT, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.template import Json

MONITORING: Final = ROOT / "infra" / "monitoring.yaml"
ASSUME: Final = "sts:AssumeRole"
SEND: Final = "sqs:SendMessage"
INVOKE: Final = "lambda:InvokeFunction"
_ALL: Final = "*"


@dataclass(frozen=True, order=True)
class Caller:
    """The caller: a service by its name, or a role by its ARN."""

    name: str
    may_itself: bool = False
    """Whether its own policies allow the request: what is granted to a whole account counts for nobody else in it."""

    def is_named_by(self, principal: Any) -> bool:
        """Return whether a Principal is about this caller. Raise UnknownStatementError."""
        if principal == _ALL:
            return True
        unknown = principal.keys() - {"AWS", "Service"}
        if unknown:
            raise UnknownStatementError(f"principal {sorted(unknown)}")
        if not self.name.startswith("arn:"):
            return self.name in _listed(principal.get("Service", ()))
        names = {_ALL, self.name} | ({_root(self.name.split(":")[4])} if self.may_itself else set())
        return bool(names & set(_listed(principal.get("AWS", ()))))


@dataclass(frozen=True, order=True)
class ServiceNeed:
    """A request that the policy of a resource must allow somebody."""

    policy: str
    """The logical name of the resource that has the policy."""
    caller: Caller
    request: Request


def permits(document: Mapping[str, Any], caller: Caller, request: Request) -> bool:
    """Return whether the policy of a resource allows a caller what it asks. Raise UnknownStatementError."""
    concerned = [
        {"Resource": _ALL, **{key: value for key, value in statement.items() if key != "Principal"}}
        for statement in _listed(document["Statement"])
        if caller.is_named_by(statement["Principal"])
    ]
    return allowed(rights_of("of the resource", {"Statement": concerned}), request)


def documents(deployed: Deployment) -> dict[str, Json]:
    """Return the policies of a deployment's resources by logical name; what Lambda permits is put as one, too."""
    trust = {name: role["AssumeRolePolicyDocument"] for name, role in deployed.of("AWS::IAM::Role").items()}
    queues = {name: each["PolicyDocument"] for name, each in deployed.of("AWS::SQS::QueuePolicy").items()}
    keys = {name: each["KeyPolicy"] for name, each in deployed.of("AWS::KMS::Key").items()}
    functions: dict[str, Json] = {}
    for each in deployed.of("AWS::Lambda::Permission").values():
        functions.setdefault(each["FunctionName"], {"Statement": []})["Statement"].append(_permission(each))
    return {**trust, **queues, **keys, **functions}


def needs_of_services(deployed: Deployment) -> set[ServiceNeed]:
    """Return what services have to be allowed in the main template."""
    return {*_assumed(deployed), *_sent(deployed), *_encrypted(deployed)}


def needs_of_monitoring(deployed: Deployment) -> set[ServiceNeed]:
    """Return what CloudWatch Logs has to be allowed in the nested stack of monitoring: to send lines to a function."""
    return {
        ServiceNeed(
            each["DestinationArn"],
            Caller("logs.amazonaws.com"),
            Request(
                INVOKE,
                _ALL,
                (
                    ("aws:SourceAccount", (ACCOUNT,)),
                    ("aws:SourceArn", (arn("logs", f"log-group:{each['LogGroupName']}:*"),)),
                ),
            ),
        )
        for each in deployed.of("AWS::Logs::SubscriptionFilter").values()
    }


def monitoring(deployed: Deployment) -> Deployment:
    """Deploy the nested stack of monitoring with the parameters that the main template gives it."""
    parameters = deployed.of("AWS::CloudFormation::Stack")["MonitoringStack"]["Parameters"]
    return Deployment(load(MONITORING), parameters)


def need_of_target(deployed: Deployment) -> ServiceNeed:
    """Return what the role of a target account has to allow a function of the stack."""
    caller = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{STACK}-StartWaveFunctionRole"
    outside = deployed.resolved({"Ref": "ExternalId"})
    context = (("aws:PrincipalArn", (caller,)), ("sts:ExternalId", (outside,)))
    return ServiceNeed("TargetRole", Caller(caller, may_itself=True), Request(ASSUME, _ALL, context))


def _assumed(deployed: Deployment) -> Iterator[ServiceNeed]:
    for service, kind, member in (
        ("lambda", "AWS::Lambda::Function", "Role"),
        ("states", "AWS::StepFunctions::StateMachine", "RoleArn"),
        ("apigateway", "AWS::ApiGateway::Account", "CloudWatchRoleArn"),
    ):
        for each in deployed.of(kind).values():
            yield _takes_on(service, each[member])
    given = {
        each["Environment"]["Variables"].get("SCHEDULE_ROLE_ARN")
        for each in deployed.of("AWS::Lambda::Function").values()
    }
    for role in given - {None}:
        yield _takes_on("scheduler", str(role))


def _takes_on(service: str, role: str) -> ServiceNeed:
    """Return the need of a service that runs with a role; the service names the account that it acts for."""
    name = role.rpartition("/")[2].removeprefix(f"{STACK}-")
    request = Request(ASSUME, _ALL, (("aws:SourceAccount", (ACCOUNT,)),))
    return ServiceNeed(name, Caller(f"{service}.amazonaws.com"), request)


def _sent(deployed: Deployment) -> Iterator[ServiceNeed]:
    """Return what rules and subscriptions send to queues and functions."""
    policies = {
        arn("sqs", queue): name
        for name, policy in deployed.of("AWS::SQS::QueuePolicy").items()
        for queue in policy["Queues"]
    }
    events = Caller("events.amazonaws.com")
    for name, rule in deployed.of("AWS::Events::Rule").items():
        source = (("aws:SourceArn", (deployed.resolved({"Fn::GetAtt": [name, "Arn"]}),)),)
        for target in rule["Targets"]:
            for place in filter(None, (target["Arn"], target.get("DeadLetterConfig", {}).get("Arn"))):
                if ":sqs:" in place:
                    yield ServiceNeed(policies[place], events, Request(SEND, place, source))
                else:
                    function = place.rpartition(":")[2]
                    yield ServiceNeed(function, events, Request(INVOKE, _ALL, source))
    for subscription in deployed.of("AWS::SNS::Subscription").values():
        dead = subscription["RedrivePolicy"]["deadLetterTargetArn"]
        source = (("aws:SourceArn", (subscription["TopicArn"],)),)
        yield ServiceNeed(policies[dead], Caller("sns.amazonaws.com"), Request(SEND, dead, source))


def _encrypted(deployed: Deployment) -> Iterator[ServiceNeed]:
    """Return the publishers of a topic with a key of the stack: alarms, and functions through SNS."""
    through = (("kms:CallerAccount", (ACCOUNT,)), ("kms:ViaService", (f"sns.{REGION}.{SUFFIX}",)))
    notifier = Caller(f"arn:{PARTITION}:iam::{ACCOUNT}:role/{STACK}-NotificationFunctionRole")
    for name in deployed.of("AWS::KMS::Key"):
        for use in ("kms:Decrypt", "kms:GenerateDataKey"):
            yield ServiceNeed(name, Caller("cloudwatch.amazonaws.com"), Request(use, _ALL))
            yield ServiceNeed(name, notifier, Request(use, _ALL, through))
        owner = Caller(_root(ACCOUNT))
        yield ServiceNeed(name, owner, Request("kms:PutKeyPolicy", _ALL))


def _permission(properties: Json) -> Json:
    """Put what Lambda permits as a statement: as AWS does."""
    like = {
        key: properties[member]
        for key, member in (("aws:SourceArn", "SourceArn"), ("aws:SourceAccount", "SourceAccount"))
        if member in properties
    }
    condition = {"Condition": {"ArnLike": like}} if like else {}
    return {
        "Effect": "Allow",
        "Principal": {"Service": properties["Principal"]},
        "Action": properties["Action"],
        **condition,
    }


def _root(account: str) -> str:
    return f"arn:{PARTITION}:iam::{account}:root"


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
