"""What SSM reports about its things, in the field names of its model."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from drs_simulator.clockwork.clock import timestamp
from drs_simulator.ssm.invocations import Details

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.ec2.model import Instance
    from drs_simulator.ssm.invocations import Command, Invocation
    from drs_simulator.ssm.machines import Machine

# ListCommandInvocations reports no more than this of a plugin's output.
_PLUGIN_OUTPUT: Final = 2_500
# The first of these that an invocation has is the status of its command, once none is under way.
_WORST_FIRST: Final = (
    Details.FAILED,
    Details.EXECUTION_TIMED_OUT,
    Details.DELIVERY_TIMED_OUT,
    Details.UNDELIVERABLE,
    Details.CANCELLED,
)


def command_view(command: Command) -> dict[str, Any]:
    """Return a Command of the SSM model."""
    details = [each.details for each in command.invocations.values()]
    overall = _overall(details)
    failed = {Details.FAILED, Details.EXECUTION_TIMED_OUT}
    return {
        "CommandId": command.command_id,
        "DocumentName": command.document.name,
        "DocumentVersion": str(command.document.version),
        "Comment": command.comment,
        "ExpiresAfter": _seconds(command.requested_at + timedelta(seconds=command.timeout_seconds)),
        "Parameters": command.parameters,
        "InstanceIds": list(command.invocations),
        "Targets": [],
        "RequestedDateTime": _seconds(command.requested_at),
        "Status": overall.status,
        "StatusDetails": overall.value,
        "TargetCount": len(details),
        "CompletedCount": sum(each.is_final for each in details),
        "ErrorCount": sum(each in failed for each in details),
        "DeliveryTimedOutCount": details.count(Details.DELIVERY_TIMED_OUT),
        "CloudWatchOutputConfig": _cloud_watch(command),
        "TimeoutSeconds": command.timeout_seconds,
    }


def lookup_view(invocation: Invocation) -> dict[str, Any]:
    """Return what GetCommandInvocation answers; moments are empty before there are any, as in the real service."""
    started, ended = invocation.started_at, None
    if started is not None and invocation.seconds is not None:
        ended = started + timedelta(seconds=invocation.seconds)
    return {
        "CommandId": invocation.command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": invocation.command.comment,
        "DocumentName": invocation.command.document.name,
        "DocumentVersion": str(invocation.command.document.version),
        "PluginName": invocation.command.document.content.step.name,
        "ResponseCode": invocation.code,
        "ExecutionStartDateTime": timestamp(started) if started else "",
        "ExecutionElapsedTime": "" if ended is None else f"PT{invocation.seconds:.3f}S",
        "ExecutionEndDateTime": "" if ended is None else timestamp(ended),
        "Status": invocation.details.status,
        "StatusDetails": invocation.details.value,
        "StandardOutputContent": invocation.stdout,
        "StandardOutputUrl": "",
        "StandardErrorContent": invocation.stderr,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": _cloud_watch(invocation.command),
    }


def invocation_view(invocation: Invocation, *, details: bool) -> dict[str, Any]:
    """Return a CommandInvocation of the SSM model; ``details`` adds its plugins, of which there is one."""
    return {
        "CommandId": invocation.command.command_id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.instance.name,
        "Comment": invocation.command.comment,
        "DocumentName": invocation.command.document.name,
        "DocumentVersion": str(invocation.command.document.version),
        "RequestedDateTime": _seconds(invocation.command.requested_at),
        "Status": invocation.details.status,
        "StatusDetails": invocation.details.value,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [_plugin(invocation)] if details else [],
        "CloudWatchOutputConfig": _cloud_watch(invocation.command),
    }


def managed_view(instance: Instance, machine: Machine, now: datetime) -> dict[str, Any]:
    """Return an InstanceInformation of the SSM model."""
    return {
        "InstanceId": instance.instance_id,
        "PingStatus": ping_status(machine),
        "LastPingDateTime": _seconds(now if machine.reachable else instance.launched_at),
        "AgentVersion": "3.3.0.0",
        "IsLatestVersion": True,
        "PlatformType": platform_of(instance),
        "PlatformName": "Microsoft Windows Server" if instance.windows else "Linux",
        "ResourceType": "EC2Instance",
        "ComputerName": instance.name,
    }


def platform_of(instance: Instance) -> str:
    """Return the platform of an instance, as SSM calls it."""
    return "Windows" if instance.windows else "Linux"


def ping_status(machine: Machine) -> str:
    """Return whether an instance's agent has been heard of lately."""
    return "Online" if machine.reachable else "ConnectionLost"


def _overall(details: list[Details]) -> Details:
    if all(each is Details.PENDING for each in details):
        return Details.PENDING
    if Details.CANCELLING in details:
        return Details.CANCELLING
    if not all(each.is_final for each in details):
        return Details.IN_PROGRESS
    return next((each for each in _WORST_FIRST if each in details), Details.SUCCESS)


def _plugin(invocation: Invocation) -> dict[str, Any]:
    # A plugin knows of no cancel that is under way.
    details = Details.IN_PROGRESS if invocation.details is Details.CANCELLING else invocation.details
    view: dict[str, Any] = {
        "Name": invocation.command.document.content.step.name,
        "Status": details.status,
        "StatusDetails": details.value,
        "ResponseCode": invocation.code,
        "Output": (invocation.stdout + (f"\n----------ERROR-------\n{invocation.stderr}" if invocation.stderr else ""))[
            :_PLUGIN_OUTPUT
        ],
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
    }
    if invocation.started_at:
        view["ResponseStartDateTime"] = _seconds(invocation.started_at)
    if invocation.started_at and invocation.seconds is not None:
        view["ResponseFinishDateTime"] = _seconds(invocation.started_at + timedelta(seconds=invocation.seconds))
    return view


def _cloud_watch(command: Command) -> dict[str, Any]:
    if command.log_group is None:
        return {"CloudWatchOutputEnabled": False}
    return {"CloudWatchLogGroupName": command.log_group, "CloudWatchOutputEnabled": True}


def _seconds(moment: datetime) -> float:
    """Write a moment as the JSON protocols do: seconds since 1970."""
    return round(moment.timestamp(), 3)
