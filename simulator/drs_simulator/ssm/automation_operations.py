"""The operations of SSM Automation that the simulator knows, and the look at documents of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from drs_simulator.clockwork.clock import parse_timestamp
from drs_simulator.errors import ApiError
from drs_simulator.manners import Exact
from drs_simulator.ssm import automations
from drs_simulator.ssm.documents import name_in
from drs_simulator.ssm.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from drs_simulator.manners import ReadModel
    from drs_simulator.ssm.runbooks import AutomationExecution
    from drs_simulator.ssm.systems_manager import SystemsManager

    Parameters = dict[str, Any]
    Operation = Callable[[SystemsManager, Parameters], dict[str, Any]]

# Members that would change what happens, and that the simulator has not learnt.
_NOT_KNOWN: Final = ("AlarmConfiguration", "TargetLocations", "TargetLocationsURL", "TargetMaps", "Targets")


def start_automation_execution(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Start an execution; the same call with the same client token gives the same one again."""
    unknown = [name for name in _NOT_KNOWN if parameters.get(name)]
    if unknown:
        raise ApiError("NotImplemented", f"The simulator does not implement {', '.join(unknown)}", status=501)
    return {"AutomationExecutionId": automations.start(ssm, parameters).execution_id}


def get_automation_execution(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Return how far an execution is."""
    execution = _known(ssm, parameters["AutomationExecutionId"])
    view = execution_view(execution, ssm.world.lens)
    if view is None:
        raise _not_found(execution.execution_id)
    return {"AutomationExecution": view}


def stop_automation_execution(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Stop an execution; one that has ended cannot be stopped."""
    automations.stop(ssm, _known(ssm, parameters["AutomationExecutionId"]), parameters.get("Type") or "Cancel")
    return {}


def describe_automation_executions(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """List executions, the latest first unless manners forbid it."""
    found = list(ssm.automations.values())
    for each in parameters.get("Filters") or []:
        matches = _FILTERS.get(each["Key"])
        if matches is None:
            raise ApiError("InvalidFilterKey", f"The simulator knows no filter {each['Key']}")
        found = [one for one in found if any(matches(one, value) for value in each["Values"])]
    lens = ssm.world.lens
    return page(
        ssm,
        "AutomationExecutionMetadataList",
        found,
        parameters,
        lambda each: each.number,
        lambda each: metadata_view(each, lens),
    )


_FILTERS: Final[dict[str, Callable[[AutomationExecution, str], bool]]] = {
    "DocumentNamePrefix": lambda each, value: each.document_name.startswith(value),
    "ExecutionStatus": lambda each, value: each.status.now == value,
    "ExecutionId": lambda each, value: each.execution_id == value,
    "StartTimeBefore": lambda each, value: each.started_at <= _moment(value),
    "StartTimeAfter": lambda each, value: each.started_at >= _moment(value),
    "AutomationType": lambda _, value: value == "Local",
    "TagKey": lambda each, value: value in each.tags,
}


def describe_document(ssm: SystemsManager, parameters: Parameters) -> dict[str, Any]:
    """Describe a command document or a runbook."""
    name = parameters["Name"]
    runbook = ssm.world.runbooks.find(name, ssm.account, ssm.region)
    if runbook:
        if (parameters.get("DocumentVersion") or "1") not in {"1", "$DEFAULT", "$LATEST"}:
            raise ApiError("InvalidDocumentVersion", f"{name} has no version {parameters['DocumentVersion']}")
        listed = [
            {"Name": each, "Type": "StringList" if settings.type == "StringList" else "String"}
            | ({"DefaultValue": settings.default} if settings.default is not None else {})
            for each, settings in (runbook.parameters or {}).items()
        ]
        return {"Document": _document(ssm, name, "Automation", "0.3", "1", listed)}
    document = ssm.world.documents.find(name, parameters.get("DocumentVersion"))
    listed = [
        {"Name": each, "Type": "String"}
        | ({"DefaultValue": parameter.default} if parameter.default is not None else {})
        for each, parameter in document.content.parameters.items()
    ]
    return {"Document": _document(ssm, name, "Command", "2.2", str(document.version), listed)}


def execution_view(execution: AutomationExecution, read: ReadModel) -> dict[str, Any] | None:
    """Return an AutomationExecution of the SSM model; None for one that does not show yet."""
    view = _common_view(execution, read)
    if view is None:
        return None
    parameters = {"Parameters": execution.parameters} if execution.parameters else {}
    return {**view, **parameters, "StepExecutions": [], "StepExecutionsTruncated": False}


def metadata_view(execution: AutomationExecution, read: ReadModel) -> dict[str, Any] | None:
    """Return an AutomationExecutionMetadata of the SSM model; None for one that does not show yet."""
    view = _common_view(execution, read)
    return None if view is None else {**view, "AutomationType": "Local"}


def state_of(execution: AutomationExecution, now: datetime) -> dict[str, Any]:
    """Return an execution as it is, with its tags."""
    tags = [{"Key": key, "Value": value} for key, value in execution.tags.items()]
    return {**(execution_view(execution, Exact(now)) or {}), "Tags": tags}


def _common_view(execution: AutomationExecution, read: ReadModel) -> dict[str, Any] | None:
    moment = read.moment(execution.subject)
    if moment < execution.started_at:
        return None
    status, runbook = execution.status.at(moment), execution.runbook
    view: dict[str, Any] = {
        "AutomationExecutionId": execution.execution_id,
        "DocumentName": execution.document_name,
        "DocumentVersion": execution.document_version,
        "AutomationExecutionStatus": status,
        "ExecutionStartTime": _seconds(execution.started_at),
        "ExecutedBy": execution.executed_by,
        "Mode": "Auto",
    }
    if execution.ended_at and execution.ended_at <= moment:
        view["ExecutionEndTime"] = _seconds(execution.ended_at)
    if status == runbook.result == "Success" and runbook.outputs:
        view["Outputs"] = runbook.outputs
    if status == runbook.result and status != "Success":
        view["FailureMessage"] = runbook.failure_message or f"The runbook ended as {status}"
    return view


def _document(
    ssm: SystemsManager, name: str, kind: str, schema: str, version: str, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    own = name_in(name)
    return {
        "Name": own,
        "Owner": "Amazon" if own.startswith("AWS") else ssm.account,
        "Status": "Active",
        "DocumentVersion": version,
        "LatestVersion": version,
        "DefaultVersion": version,
        "DocumentType": kind,
        "DocumentFormat": "YAML",
        "SchemaVersion": schema,
        "Parameters": parameters,
    }


def _known(ssm: SystemsManager, identifier: str) -> AutomationExecution:
    if identifier not in ssm.automations:
        raise _not_found(identifier)
    return ssm.automations[identifier]


def _not_found(identifier: str) -> ApiError:
    return ApiError("AutomationExecutionNotFoundException", f"Automation execution {identifier} not found")


def _moment(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise ApiError("InvalidFilterValue", f"{text} is no date") from error


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


OPERATIONS: dict[str, Operation] = {
    "StartAutomationExecution": start_automation_execution,
    "GetAutomationExecution": get_automation_execution,
    "StopAutomationExecution": stop_automation_execution,
    "DescribeAutomationExecutions": describe_automation_executions,
    "DescribeDocument": describe_document,
}
