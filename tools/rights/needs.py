"""What every role of a deployment must be allowed, and why.

The calls that functions make come from the record, those of state machines from their definitions. To both comes what
follows from a call: the dependent actions of the Service Authorization Reference, what services borrow beyond it, the
key of an encrypted resource, the circuit of a dependency, the role of another account. What Lambda and Step Functions
do with a role automatically (logs, traces, queues and streams) is kept apart, because SAM gives them their rights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tools.rights import borrowed
from tools.rights.calls import ACCOUNT, ITEMS, PARTITION, REGION, STACK, Request, arn
from tools.rights.cloudformation import SUFFIX
from tools.rights.reference import dependent_actions, resource_types
from tools.rights.roles import TARGET_ACCOUNT
from tools.template import ROOT, STATE_MACHINE, load, resources, substituted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tools.rights.cloudformation import Deployment
    from tools.rights.record import Made
    from tools.template import Json

OTHER_REGION: Final = "eu-west-1"
"""Any Region beside the stack's own, where a wave may recover into."""
PLACE_SERVICES: Final = frozenset({"drs", "ec2", "logs", "servicequotas", "ssm"})
"""Services that are called in the account and Region of a wave."""
OWN_ACCOUNT_ONLY: Final = {
    "drs:GetRecoveryPlan": "a native plan is imported from the stack's own account",
    "drs:ListRecoveryPlanSteps": "likewise",
}
"""Calls in a wave's Region that never leave the account, each with the reason."""
CIRCUITS: Final = frozenset({"drs", "ec2", "events", "ses", "sns", "sqs", "ssm", "sts"})
"""Services that are called behind a circuit, which the functions share in a table."""

AUTOMATION: Final = frozenset(
    f"ssm:{action}"
    for action in (
        "AddTagsToResource",
        "DescribeAutomationExecutions",
        "DescribeDocument",
        "GetAutomationExecution",
        "StartAutomationExecution",
        "StopAutomationExecution",
    )
)
"""What is asked for runbooks that the template's parameters name, and for nothing else."""

_THROUGH_DRS: Final = (("aws:CalledVia", ("drs.amazonaws.com",)), ("aws:ViaAWSService", ("true",)))
_THROUGH_SSM: Final = (("aws:CalledVia", ("drs.amazonaws.com", "ssm.amazonaws.com")), ("aws:ViaAWSService", ("true",)))
_TAGGED: Final = (f":job/{ITEMS}", f":recovery-instance/{ITEMS}", f":source-server/{ITEMS}")
"""What DRS tags while it recovers."""
_GRANT: Final = ("kms:GrantIsForAWSResource", ("true",))
_KEY_USES: Final = {
    "sqs:SendMessage": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sns:Publish": ("kms:Decrypt", "kms:GenerateDataKey"),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "s3:GetObject": ("kms:Decrypt",),
}
"""What the user guides require of a caller, where the resource has a customer-managed key; of a table, to decrypt."""
_LOG_DELIVERY: Final = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "GetLogDelivery",
    "ListLogDeliveries",
    "UpdateLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "PutResourcePolicy",
)
"""What the Step Functions guide asks of the role of a machine that logs."""
_TRACES: Final = ("PutTelemetryRecords", "PutTraceSegments")
_PARTITION_KEY: Final = re.compile(r"'(\w+)#'")


@dataclass(frozen=True, order=True)
class Need:
    """A request that a role must be allowed, and what it follows from; `added` where SAM has to give the right."""

    request: Request
    why: str
    added: bool = False


def needs(deployed: Deployment, made: Mapping[str, Made]) -> dict[str, set[Need]]:
    """Return the needs of every role of the main template, by the role's name."""
    found = {f"{name}Role": set(_of_function(deployed, name, each)) for name, each in made.items()}
    for role, need in _of_events(deployed):
        found[role].add(need)
    for name, machine in resources(load(), STATE_MACHINE).items():
        found[f"{name}Role"] = set(_of_machine(deployed, machine))
    scheduled = arn("lambda", f"function:{deployed.physical('ScheduledDrillFunction')}")
    for account in deployed.of("AWS::ApiGateway::Account").values():
        found[account["CloudWatchRoleArn"].rpartition(f"/{STACK}-")[2]] = set(_of_gateway())
    found["ScheduleRole"] = {Need(Request("lambda:InvokeFunction", scheduled), "a scheduled time has come")}
    return {
        role: {further for need in direct for further in _with_key(deployed, need)} for role, direct in found.items()
    }


def needs_of_target(deployed: Deployment, made: Mapping[str, Made]) -> set[Need]:
    """Return the needs of the role in a target account: what every function calls in the account of a wave."""
    asked = {
        request
        for each in made.values()
        for request in each.asks
        if request.service in PLACE_SERVICES and request.action not in OWN_ACCOUNT_ONLY
    }
    asked |= {request for each in made.values() for request in each.asks if _passes_to_automation(request)}
    elsewhere = {replace(one, resource=one.resource.replace(ACCOUNT, TARGET_ACCOUNT)) for one in asked}
    there = {request for request in elsewhere if _is_there(deployed, request)}
    return {need for request in there for need in _following(deployed, request)}


def _of_gateway() -> Iterator[Need]:
    """Return what API Gateway does with the role of an account to write the logs of its stages, by its user guide."""
    for verb in (*("CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams"), "PutLogEvents"):
        yield Need(Request(f"logs:{verb}", "*"), "logs of the API", added=True)


def _of_function(deployed: Deployment, name: str, made: Made) -> Iterator[Need]:
    asks = {one for one in made.asks if one.service != "ses" or deployed.holds("SendsMail")}
    for request in filter(partial(_is_there, deployed), asks):
        yield from _following(deployed, request)
    services = {request.service for request in asks}
    if services & CIRCUITS:
        for verb in ("GetItem", "PutItem", "UpdateItem"):
            table = arn("dynamodb", f"table/{deployed.physical('BreakerTable')}")
            yield Need(Request(f"dynamodb:{verb}", table), "the circuit of a dependency")
    elsewhere = {one for one in asks if one.service in PLACE_SERVICES and one.action not in OWN_ACCOUNT_ONLY}
    if elsewhere and deployed.holds("RecoversIntoOtherAccounts"):
        role = f"arn:{PARTITION}:iam::{TARGET_ACCOUNT}:role/wavebreak-target"
        yield Need(Request("sts:AssumeRole", role), "the role of another account")
    group = deployed.resolved(deployed.resources[name]["Properties"]["LoggingConfig"]["LogGroup"])
    for action in ("CreateLogStream", "PutLogEvents"):
        yield Need(Request(f"logs:{action}", arn("logs", f"log-group:{group}:log-stream:{ITEMS}")), "logs", added=True)
    for action in _TRACES:
        yield Need(Request(f"xray:{action}", "*"), "traces", added=True)


def _is_there(deployed: Deployment, request: Request) -> bool:
    """Return whether a deployment has what a call is about: runbooks and functions are named by parameters."""
    if request.service == "lambda":
        return deployed.holds("HasFunctions")
    if _passes_to_automation(request):
        return deployed.holds("HasAutomationRoles")
    return request.action not in AUTOMATION or deployed.holds("HasAutomations")


def _passes_to_automation(request: Request) -> bool:
    return request.action == "iam:PassRole" and "ssm.amazonaws.com" in str(request.context)


def _following(deployed: Deployment, request: Request) -> Iterator[Need]:
    """Return what a call needs, in every Region that it may be made in."""
    regions = (REGION, OTHER_REGION) if _goes_abroad(request) else (REGION,)
    for region in regions:
        yield Need(_in_region(request, region), "called")
    account = deployed.account
    if request.action not in borrowed.NOT_BORROWED:
        for action in dependent_actions(request.action):
            why = f"dependent action of {request.action}"
            yield from (Need(asked, why) for asked in _borrowing(action, account, deployed))
    if request.action == borrowed.START:
        yield from _borrowed_by_start(deployed, account)


def _borrowed_by_start(deployed: Deployment, account: str) -> Iterator[Need]:
    for action, source in borrowed.BY_START.items():
        yield from (Need(asked, source) for asked in _borrowing(action, account, deployed))
    if deployed.holds("RunsPostLaunchActions"):
        for action, source in borrowed.BY_POST_LAUNCH.items():
            yield from (Need(asked, source) for asked in _of_launch_action(action, account))
    for key in deployed.resolved({"Ref": "EbsKmsKeyArns"}) if deployed.holds("HasEbsKeys") else ():
        for action, source in borrowed.BY_EBS_KEYS.items():
            context = (*_THROUGH_DRS, _GRANT) if action == "kms:CreateGrant" else _THROUGH_DRS
            yield Need(Request(action, key, context), source)


def _borrowing(action: str, account: str, deployed: Deployment) -> Iterator[Request]:
    """Return the calls that DRS makes in the name of its caller, on every kind of resource of the action."""
    if action == "iam:PassRole":
        own = [f"arn:{PARTITION}:iam::{account}:role/{name}" for name in borrowed.INSTANCE_ROLES]
        yours = deployed.resolved({"Ref": "InstanceRoleArns"}) if deployed.holds("HasInstanceRoles") else []
        for role in (*own, *yours):
            yield Request(action, role, (("iam:PassedToService", ("ec2.amazonaws.com",)),))
        return
    for resource in _sample(action, account):
        if action == "drs:TagResource" and not resource.endswith(_TAGGED):
            continue
        context = () if action.startswith("drs:") else _THROUGH_DRS
        for region in (REGION, OTHER_REGION):
            yield _in_region(Request(action, resource, context), region)


def _of_launch_action(action: str, account: str) -> Iterator[Request]:
    """Return what a post-launch action needs, on documents of the account and of Amazon alike."""
    context = _THROUGH_SSM if action == "ssm:GetParameters" else _THROUGH_DRS
    for resource in _sample(action, account):
        if re.search(r":(bucket|managed-instance|s3)\b", resource) or ":s3:::" in resource:
            continue  # commands write to no bucket unless they are told to, and no target is on premises
        named = resource.replace(f"parameter/{ITEMS}", f"parameter/ManagedByAWSElasticDisasterRecoveryService-{ITEMS}")
        owners = (
            (named, named.replace(f":{account}:", "::"))
            if re.search(r":(document|automation-definition)/", named)
            else (named,)
        )
        for owner in owners:
            for region in (REGION, OTHER_REGION):
                yield _in_region(Request(action, owner, context), region)


def _sample(action: str, account: str) -> list[str]:
    """Name one resource of each kind that an action can be allowed on."""
    filled = {"${Partition}": PARTITION, "${Region}": REGION, "${Account}": account}
    found = []
    for pattern in resource_types(action):
        named = pattern
        for placeholder, value in filled.items():
            named = named.replace(placeholder, value)
        found.append(re.sub(r"\$\{\w+\}", ITEMS, named))
    return found


def _goes_abroad(request: Request) -> bool:
    plans_topic = request.action == "sns:Publish" and f":{STACK}-" not in request.resource
    return request.service in PLACE_SERVICES or plans_topic


def _in_region(request: Request, region: str) -> Request:
    return replace(request, resource=request.resource.replace(f":{REGION}:", f":{region}:"))


def _of_events(deployed: Deployment) -> Iterator[tuple[str, Need]]:
    """Return what Lambda does with a function's role: take in queues and streams, send on what was not taken in."""
    for mapping in deployed.of("AWS::Lambda::EventSourceMapping").values():
        role = f"{_logical(mapping['FunctionName'])}Role"
        source = mapping["EventSourceArn"]
        verbs = (
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
            if ":sqs:" in source
            else tuple(
                f"dynamodb:{verb}" for verb in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
            )
        )
        for verb in verbs:
            yield role, Need(Request(verb, source), "source of events", added=True)
        yield from _of_destination(role, mapping)
    for config in deployed.of("AWS::Lambda::EventInvokeConfig").values():
        yield from _of_destination(f"{_logical(config['FunctionName'])}Role", config)


def _of_destination(role: str, config: Mapping[str, Any]) -> Iterator[tuple[str, Need]]:
    destination = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination:
        yield role, Need(Request("sqs:SendMessage", destination), "destination of failures", added=True)


def _logical(name: str) -> str:
    return name.removeprefix(f"{STACK}-")


def _with_key(deployed: Deployment, need: Need) -> Iterator[Need]:
    """Yield a need, and the use of the stack's key where the resource is one of the stack's own."""
    yield need
    request = need.request
    if not deployed.holds("HasKey") or f"{STACK}-" not in request.resource:
        return
    uses = ("kms:Decrypt",) if ":table/" in request.resource else _KEY_USES.get(request.action, ())
    via = (("kms:ViaService", (f"{request.service}.{REGION}.{SUFFIX}",)),)
    key = deployed.resolved({"Ref": "KmsKeyArn"})
    # Only our own templates know this key, so SAM gives no right to it.
    yield from (Need(Request(use, key, via), f"key behind {request.action}") for use in uses)


def _of_machine(deployed: Deployment, machine: Json) -> Iterator[Need]:
    name = deployed.resolved(machine["Name"])
    itself = arn("states", f"stateMachine:{name}")
    text = (ROOT / machine["DefinitionUri"]).read_text(encoding="utf-8")
    values = {key: deployed.resolved(value) for key, value in machine["DefinitionSubstitutions"].items()}
    for state in _states(substituted(text, values)):
        yield from (Need(request, "task") for request in _of_task(deployed, state, itself))
    if machine["Logging"]["Level"] != "OFF":
        yield from (Need(Request(f"logs:{action}", "*"), "logs") for action in _LOG_DELIVERY)
    if machine["Tracing"]["Enabled"]:
        for action in (*_TRACES, "GetSamplingRules", "GetSamplingTargets"):
            yield Need(Request(f"xray:{action}", "*"), "traces", added=True)


def _states(machine: Json) -> Iterator[Json]:
    for state in machine["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def _of_task(deployed: Deployment, state: Json, itself: str) -> Iterable[Request]:
    if state["Type"] != "Task":
        return
    call, asked = state["Resource"].partition(":states:::")[2].removesuffix(".waitForTaskToken"), state["Arguments"]
    match call:
        case "lambda:invoke" if asked["FunctionName"].startswith("{%"):
            # Whatever a plan names; the parameter says which.
            theirs = deployed.resolved({"Ref": "FunctionArns"}) if deployed.holds("HasFunctions") else []
            yield from (Request("lambda:InvokeFunction", function) for function in theirs)
        case "lambda:invoke":
            yield Request("lambda:InvokeFunction", asked["FunctionName"])
        case "aws-sdk:dynamodb:updateItem":
            found = _PARTITION_KEY.search(asked["Key"]["pk"]["S"])
            kind = f"{found[1]}#{ITEMS}" if found else ITEMS
            table = arn("dynamodb", f"table/{asked['TableName']}")
            yield Request("dynamodb:UpdateItem", table, (("dynamodb:LeadingKeys", (kind,)),))
        case "aws-sdk:sfn:startExecution" if "StateMachine.Id" in asked["StateMachineArn"]:
            yield Request("states:StartExecution", itself)
        case _:
            raise LookupError(f"nobody has written down what {call} asks for")
