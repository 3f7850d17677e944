"""What a call of an AWS SDK asks IAM for: actions on resources, as the Service Authorization Reference names them.

Names that differ from run to run are written as they would be in a policy, so that the same code always asks for the
same. An unknown call is an error: otherwise its missing needs would not be noticed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PARTITION: Final = "aws"
REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"
STACK: Final = "wavebreak"

PLAN_TOPIC: Final = "plan-topic"
"""The name of any topic that a plan names."""
SENDER: Final = "sender@example.com"
"""Any sender of mails."""
CONFIGURATION_SET: Final = "default"
"""What SES asks for beside the identity, where that has a configuration set by default."""
ITEMS: Final = "*"
"""Of names that follow from what is recovered: ids of executions, jobs, instances."""


OF_DRS: Final = (("aws:ResourceTag/AWSElasticDisasterRecoveryManaged", ("drs.amazonaws.com",)),)
"""What distinguishes a launch template that DRS keeps from all others."""


class UnknownCallError(Exception):
    """The needs of a call are not recorded; the message names it."""


@dataclass(frozen=True, order=True)
class Request:
    """One question to IAM, whether an action may be done on a resource in a context."""

    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())

    @property
    def service(self) -> str:
        """The prefix of the action."""
        return self.action.partition(":")[0]


def arn(service: str, name: str, region: str = REGION, account: str = ACCOUNT) -> str:
    """Name a resource."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{name}"


def requests(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    """Return what a call requests; `service` and `operation` as botocore names them. Raise UnknownCallError."""
    known = _CALLS.get(service)
    if known is None:
        raise UnknownCallError(f"{service}:{operation}")
    yield from known(operation, params)


def _dynamodb(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                ((verb, change),) = item.items()
                yield from _on_table(f"{verb}Item", change["TableName"], change.get("Key") or change.get("Item"))
        case "TransactGetItems":
            for item in params["TransactItems"]:
                yield from _on_table("GetItem", item["Get"]["TableName"], item["Get"]["Key"])
        case "BatchGetItem" | "BatchWriteItem":
            for table in params["RequestItems"]:
                yield from _on_table(operation, table, None)
        case "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            yield from _on_table(operation, params["TableName"], params.get("Key") or params.get("Item"))
        case "Query":
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield from _on_table(operation, params["TableName"] + index, None)
        case _:
            raise UnknownCallError(f"dynamodb:{operation}")


def _on_table(operation: str, table: str, key: Mapping[str, Any] | None) -> Iterator[Request]:
    """Ask for an action on a table; of an update, with the kind of item, which a policy may name."""
    partition = key.get("pk", {}).get("S", "") if key and operation == "UpdateItem" else ""
    kind = partition.partition("#")[0]
    context = (("dynamodb:LeadingKeys", (f"{kind}#{ITEMS}",)),) if "#" in partition else ()
    yield Request(f"dynamodb:{operation}", arn("dynamodb", f"table/{table}"), context)


def _stepfunctions(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "StartExecution":
            yield Request("states:StartExecution", params["stateMachineArn"])
        case "DescribeExecution":
            run = params["executionArn"].rpartition(":")[0]
            yield Request("states:DescribeExecution", f"{run}:{ITEMS}")
        case "SendTaskSuccess":
            # The token does not say whose it is. AWS's refusals name the machine, though the reference names none.
            for machine in ("recovery", "termination"):
                yield Request("states:SendTaskSuccess", arn("states", f"stateMachine:{STACK}-{machine}"))
        case _:
            raise UnknownCallError(f"stepfunctions:{operation}")


def _drs(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    server, instance, job = (arn("drs", f"{kind}/{ITEMS}") for kind in ("source-server", "recovery-instance", "job"))
    match operation:
        case "DescribeJobs" | "DescribeRecoveryInstances" | "DescribeSourceServers":
            yield Request(f"drs:{operation}", "*")
        case "DescribeJobLogItems":
            yield Request(f"drs:{operation}", job)
        case "StartRecovery":
            yield Request(f"drs:{operation}", server)
            if params.get("tags"):
                yield Request("drs:TagResource", job)
        case "DescribeRecoverySnapshots" | "GetLaunchConfiguration" | "ListLaunchActions":
            yield Request(f"drs:{operation}", server)
        case "TerminateRecoveryInstances":
            yield Request(f"drs:{operation}", instance)
        case "GetRecoveryPlan" | "ListRecoveryPlanSteps":
            yield Request(f"drs:{operation}", arn("drs", f"recovery-plan/{ITEMS}"))
        case _:
            raise UnknownCallError(f"drs:{operation}")


_EC2_READS: Final = frozenset(
    f"Describe{things}"
    for things in (
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "LaunchTemplateVersions",
        "NetworkInterfaces",
        "SecurityGroups",
        "Subnets",
    )
)
"""What EC2 is asked; none of it has a resource type."""


def _ec2(operation: str, _params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case _ if operation in _EC2_READS:
            yield Request(f"ec2:{operation}", "*")
        case "CreateLaunchTemplateVersion" | "DeleteLaunchTemplateVersions" | "ModifyLaunchTemplate":
            yield Request(f"ec2:{operation}", arn("ec2", f"launch-template/{ITEMS}"), OF_DRS)
        case _:
            raise UnknownCallError(f"ec2:{operation}")


def _ssm(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "SendCommand":
            document = re.sub(r"-[a-z-]+$", f"-{ITEMS}", params["DocumentName"])
            yield Request("ssm:SendCommand", arn("ssm", f"document/{document}"))
            yield Request("ssm:SendCommand", arn("ec2", f"instance/{ITEMS}"))
        case "CancelCommand" | "DescribeInstanceInformation" | "GetCommandInvocation" | "ListCommandInvocations":
            yield Request(f"ssm:{operation}", "*")
        case "StartAutomationExecution":
            yield from _automation(params)
        case "GetAutomationExecution" | "StopAutomationExecution":
            yield Request(f"ssm:{operation}", arn("ssm", f"automation-execution/{ITEMS}"))
        case "DescribeAutomationExecutions":
            yield Request(f"ssm:{operation}", "*")
        case "DescribeDocument":
            yield Request(f"ssm:{operation}", _document(params["Name"]))
        case _:
            raise UnknownCallError(f"ssm:{operation}")


def _automation(params: Mapping[str, Any]) -> Iterator[Request]:
    """Ask for the runbook, for what it becomes, and for the role that it is given."""
    becomes = arn("ssm", f"automation-execution/{ITEMS}")
    yield Request("ssm:StartAutomationExecution", _document(params["DocumentName"]))
    yield Request("ssm:StartAutomationExecution", becomes)
    if params.get("Tags"):
        yield Request("ssm:AddTagsToResource", becomes)
    for role in params.get("Parameters", {}).get("AutomationAssumeRole", []):
        yield Request("iam:PassRole", role, (("iam:PassedToService", ("ssm.amazonaws.com",)),))


def _document(name: str) -> str:
    return name if name.startswith("arn:") else arn("ssm", f"document/{name}")


def _lambda(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation != "GetFunctionConfiguration":
        raise UnknownCallError(f"lambda:{operation}")
    yield Request(f"lambda:{operation}", params["FunctionName"])


def _notifying(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    match operation:
        case "Publish":
            name = params["TopicArn"].rpartition(":")[2]
            known = name if name.startswith(f"{STACK}-") else PLAN_TOPIC
            yield Request("sns:Publish", arn("sns", known))
        case "PutEvents":
            for entry in params["Entries"]:
                source = (("events:source", (entry["Source"],)),)
                yield Request(
                    "events:PutEvents", arn("events", f"event-bus/{entry.get('EventBusName', 'default')}"), source
                )
        case "SendEmail":
            sender = (("ses:FromAddress", (SENDER,)),)
            yield Request("ses:SendEmail", arn("ses", f"identity/{SENDER}"), sender)
            yield Request("ses:SendEmail", arn("ses", f"configuration-set/{CONFIGURATION_SET}"), sender)
        case _:
            raise UnknownCallError(operation)


def _sqs(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation not in {"SendMessage", "GetQueueAttributes"}:
        raise UnknownCallError(f"sqs:{operation}")
    yield Request(f"sqs:{operation}", arn("sqs", params["QueueUrl"].rpartition("/")[2]))


def _scheduler(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation not in {"CreateSchedule", "UpdateSchedule", "DeleteSchedule"}:
        raise UnknownCallError(f"scheduler:{operation}")
    yield Request(f"scheduler:{operation}", arn("scheduler", f"schedule/{params['GroupName']}/{ITEMS}"))
    if operation != "DeleteSchedule":
        passed = (("iam:PassedToService", ("scheduler.amazonaws.com",)),)
        yield Request("iam:PassRole", params["Target"]["RoleArn"], passed)


def _s3(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    # To look at an object's head takes the right to read it.
    actions = {"PutObject": "PutObject", "HeadObject": "GetObject"}
    if operation not in actions:
        raise UnknownCallError(f"s3:{operation}")
    yield Request(f"s3:{actions[operation]}", f"arn:{PARTITION}:s3:::{params['Bucket']}/{ITEMS}")


def _logs(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation != "GetLogEvents":
        raise UnknownCallError(f"logs:{operation}")
    yield Request("logs:GetLogEvents", arn("logs", f"log-group:{params['logGroupName']}:log-stream:{ITEMS}"))


def _quotas(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation != "GetServiceQuota":
        raise UnknownCallError(f"service-quotas:{operation}")
    # Every quota of DRS is asked for, and one of EC2.
    quota = ITEMS if params["ServiceCode"] == "drs" else params["QuotaCode"]
    yield Request("servicequotas:GetServiceQuota", arn("servicequotas", f"{params['ServiceCode']}/{quota}"))


def _sts(operation: str, params: Mapping[str, Any]) -> Iterator[Request]:
    if operation != "AssumeRole":
        raise UnknownCallError(f"sts:{operation}")
    yield Request("sts:AssumeRole", params["RoleArn"])


_CALLS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Iterator[Request]]]] = {
    "dynamodb": _dynamodb,
    "stepfunctions": _stepfunctions,
    "drs": _drs,
    "ec2": _ec2,
    "ssm": _ssm,
    "lambda": _lambda,
    "sns": _notifying,
    "events": _notifying,
    "sesv2": _notifying,
    "ses": _notifying,
    "sqs": _sqs,
    "scheduler": _scheduler,
    "s3": _s3,
    "logs": _logs,
    "service-quotas": _quotas,
    "sts": _sts,
}
