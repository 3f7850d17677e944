"""The operations of SSM that the simulator knows: those of Run Command, and which instances take commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from drs_simulator.clockwork.clock import parse_timestamp
from drs_simulator.errors import ApiError
from drs_simulator.ssm import automation_operations
from drs_simulator.ssm.commands import cancel, send
from drs_simulator.ssm.invocations import Details
from drs_simulator.ssm.pages import page
from drs_simulator.ssm.views import command_view, invocation_view, lookup_view, managed_view, ping_status, platform_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.invocations import Command
    from drs_simulator.ssm.machines import Machine
    from drs_simulator.ssm.systems_manager import SystemsManager

    Parameters = dict[str, Any]
    Operation = Callable[[SystemsManager, Parameters], dict[str, Any]]

_DELIVERY_SECONDS: Final = 3600
_COMMAND_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Members of SendCommand that would change what happens, and that the simulator has not learnt.
_NOT_KNOWN: Final = ("AlarmConfiguration", "DocumentHash", "MaxConcurrency", "MaxErrors", "Targets")


def send_command(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Send a command to instances; where its output goes besides is taken and ignored, but for CloudWatch Logs."""
    unknown = [name for name in _NOT_KNOWN if parameters.get(name)]
    if unknown:
        raise ApiError("NotImplemented", f"The simulator does not implement {', '.join(unknown)}", status=501)
    document = ssm.world.documents.find(parameters["DocumentName"], parameters.get("DocumentVersion"))
    given = parameters.get("Parameters") or {}
    values = document.content.values(given)
    document.run_seconds(values)
    identifiers = parameters.get("InstanceIds") or []
    if not identifiers:
        raise ApiError("ValidationException", "InstanceIds must name at least one instance")
    _refuse_repeated(identifiers)
    asked = {
        "values": values,
        "parameters": given,
        "comment": parameters.get("Comment") or "",
        "timeout_seconds": parameters.get("TimeoutSeconds") or _DELIVERY_SECONDS,
        "log_group": _log_group(document.name, parameters.get("CloudWatchOutputConfig") or {}),
    }
    instances = _managed(ssm, identifiers)
    if any(each.windows for each in instances):
        message = f"Document {document.name} does not support the platform type of the given managed nodes"
        raise ApiError("UnsupportedPlatformType", message)
    command = send(ssm, document, instances, asked)
    return {"Command": command_view(command)}


def get_command_invocation(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Return one invocation; for the first lookups it does not exist yet, as in a service of many machines."""
    identifier = parameters["CommandId"]
    if not _COMMAND_ID.fullmatch(identifier):
        raise _invalid_command(identifier)
    command = ssm.commands.get(identifier)
    invocation = command.invocations.get(parameters["InstanceId"]) if command else None
    if invocation is None or invocation.missing_lookups > 0:
        if invocation:
            invocation.missing_lookups -= 1
        raise ApiError("InvocationDoesNotExist", f"{identifier} has no invocation on {parameters['InstanceId']}")
    plugin = parameters.get("PluginName")
    if plugin not in (None, invocation.command.document.content.step.name):
        raise ApiError("InvalidPluginName", f"The document has no step {plugin}")
    return lookup_view(invocation)


def list_command_invocations(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """List invocations, the latest first unless manners forbid it."""
    instance = parameters.get("InstanceId")
    invocations = [
        each
        for command in _commands(ssm, parameters, {"DocumentName", "InvokedAfter", "InvokedBefore", "Status"})
        for each in command.invocations.values()
        if instance in (None, each.instance_id)
    ]
    for status in _values(parameters, "Status"):
        invocations = [each for each in invocations if status in (each.details.status, each.details.value)]
    return page(
        ssm,
        "CommandInvocations",
        invocations,
        parameters,
        lambda each: each.number,
        lambda each: invocation_view(each, details=bool(parameters.get("Details"))),
    )


def list_commands(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """List commands, the latest first unless manners forbid it."""
    known = {"DocumentName", "ExecutionStage", "InvokedAfter", "InvokedBefore", "Status"}
    found = [
        (command.number, command_view(command))
        for command in _commands(ssm, parameters, known)
        if parameters.get("InstanceId") in (None, *command.invocations)
    ]
    for status in _values(parameters, "Status"):
        found = [each for each in found if status in (each[1]["Status"], each[1]["StatusDetails"])]
    for stage in _values(parameters, "ExecutionStage"):
        found = [each for each in found if Details(each[1]["StatusDetails"]).is_final == (stage == "Complete")]
    return page(ssm, "Commands", found, parameters, lambda each: each[0], lambda each: each[1])


def cancel_command(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Cancel a command on the instances named, or on all; what has ended stays as it is."""
    command = ssm.commands.get(parameters["CommandId"])
    if command is None:
        raise _invalid_command(parameters["CommandId"])
    identifiers = parameters.get("InstanceIds") or list(command.invocations)
    _refuse_repeated(identifiers)
    strangers = [each for each in identifiers if each not in command.invocations]
    if strangers:
        raise ApiError("InvalidInstanceId", f"The command was not sent to {', '.join(strangers)}")
    for identifier in identifiers:
        cancel(ssm, command.invocations[identifier])
    return {}


def describe_instance_information(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """List the instances that take commands: the running ones, whose agents have registered."""
    found = [each for each in ssm.ec2.instances.values() if ssm.is_registered(each)]
    filters = [(each["Key"], each["Values"]) for each in parameters.get("Filters") or []]
    filters += [(each["key"], each["valueSet"]) for each in parameters.get("InstanceInformationFilterList") or []]
    for key, values in filters:
        found = [each for each in found if _value_of(each, ssm.machine(each), key, values) in values]
    now = ssm.world.clock.now()
    return page(
        ssm,
        "InstanceInformationList",
        found,
        parameters,
        lambda each: each.instance_id,
        lambda each: managed_view(each, ssm.machine(each), now),
        descending=False,
    )


def _value_of(instance: Instance, machine: Machine, key: str, wanted: list[str]) -> str:
    known: dict[str, tuple[str, set[str]]] = {
        "InstanceIds": (instance.instance_id, set(wanted)),
        "PingStatus": (ping_status(machine), {"Online", "ConnectionLost", "Inactive"}),
        "PlatformTypes": (platform_of(instance), {"Windows", "Linux", "MacOS"}),
        "ResourceType": ("EC2Instance", {"EC2Instance", "ManagedInstance"}),
    }
    if key not in known:
        raise ApiError("InvalidFilterKey", f"The simulator knows no filter {key}")
    value, possible = known[key]
    if not possible.issuperset(wanted):
        raise ApiError("InvalidInstanceInformationFilterValue", f"{', '.join(wanted)} is no value of {key}")
    return value


def _managed(ssm: SystemsManager, identifiers: list[str]) -> list[Instance]:
    found = [ssm.ec2.instances.get(identifier) for identifier in identifiers]
    instances = [each for each in found if each and ssm.is_registered(each)]
    if len(instances) < len(identifiers):
        bad = set(identifiers) - {each.instance_id for each in instances}
        message = f"Instances {sorted(bad)} not in a valid state for account {ssm.account}"
        raise ApiError("InvalidInstanceId", message)
    return instances


def _refuse_repeated(identifiers: list[str]) -> None:
    if len(set(identifiers)) < len(identifiers):
        raise ApiError("DuplicateInstanceId", "An instance is named twice")


def _invalid_command(identifier: str) -> ApiError:
    return ApiError("InvalidCommandId", f"There is no command {identifier}")


def _log_group(document_name: str, asked: dict[str, Any]) -> str | None:
    if not asked.get("CloudWatchOutputEnabled"):
        return None
    return asked.get("CloudWatchLogGroupName") or f"/aws/ssm/{document_name}"


def _commands(ssm: SystemsManager, parameters: Parameters, known: set[str]) -> list[Command]:
    """Return the commands that the filters of their own properties leave."""
    unknown = {each["key"] for each in parameters.get("Filters") or []} - known
    if unknown:
        raise ApiError("InvalidFilterKey", f"{', '.join(sorted(unknown))} is no filter of this operation")
    identifier = parameters.get("CommandId")
    if identifier and identifier not in ssm.commands:
        raise _invalid_command(identifier)
    commands = [ssm.commands[identifier]] if identifier else list(ssm.commands.values())
    for name in _values(parameters, "DocumentName"):
        commands = [each for each in commands if each.document.name == name]
    for text in _values(parameters, "InvokedAfter"):
        commands = [each for each in commands if each.requested_at >= _moment(text)]
    for text in _values(parameters, "InvokedBefore"):
        commands = [each for each in commands if each.requested_at <= _moment(text)]
    return [each for each in commands if _shows(ssm, each)]


def _shows(ssm: SystemsManager, command: Command) -> bool:
    """Return whether lists have a command already."""
    subject = f"{ssm.account}/{ssm.region}/command/{command.number}"
    return command.requested_at <= ssm.world.lens.moment(subject)


def _values(parameters: Parameters, key: str) -> list[str]:
    return [each["value"] for each in parameters.get("Filters") or [] if each["key"] == key]


def _moment(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise ApiError("ValidationException", f"{text} is no date") from error


OPERATIONS: dict[str, Operation] = {
    "SendCommand": send_command,
    "GetCommandInvocation": get_command_invocation,
    "ListCommandInvocations": list_command_invocations,
    "ListCommands": list_commands,
    "CancelCommand": cancel_command,
    "DescribeInstanceInformation": describe_instance_information,
    **automation_operations.OPERATIONS,
}
