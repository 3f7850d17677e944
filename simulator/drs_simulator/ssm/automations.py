"""SSM Automation: runbooks that are said to be there, and their executions, which go as they are told to.

No runbook is carried out. What a repeated client token gives, and how long it is remembered, AWS does not say: here the
same call gives the same execution, for as long as the simulator keeps it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from drs_simulator.errors import ApiError
from drs_simulator.ssm.documents import name_in
from drs_simulator.ssm.runbooks import CANCELLED, CANCELLING, IN_PROGRESS, AutomationExecution, AutomationSettings

if TYPE_CHECKING:
    from drs_simulator.ssm.systems_manager import SystemsManager

# A runbook has one version, whatever was said of it before.
_ONLY_VERSION: Final = "1"
# "you can specify a maximum of 5 tags": documentation of the member in the service model.
_MOST_TAGS: Final = 5
# How long a cancelled execution takes to be over, unscaled.
_CANCEL_SECONDS: Final = 2.0


def start(ssm: SystemsManager, parameters: dict[str, Any]) -> AutomationExecution:
    """Start an execution, once for each client token; raise ApiError with a code of the SSM model."""
    name = parameters["DocumentName"]
    token = (parameters.get("ClientToken") or "").lower()
    asked = {key: value for key, value in parameters.items() if key != "ClientToken"}
    if token and token in ssm.automation_tokens:
        before, execution = ssm.automation_tokens[token]
        if before != asked:
            raise ApiError("IdempotentParameterMismatch", "The token was used with other parameters")
        return execution
    runbook = ssm.world.runbooks.find(name, ssm.account, ssm.region)
    if runbook is None:
        raise ApiError("AutomationDefinitionNotFoundException", f"Automation definition {name} not found")
    _must_be_there(parameters)
    given = parameters.get("Parameters") or {}
    _must_be_taken(runbook, given)
    execution = _begin(ssm, runbook, parameters, given)
    if token:
        ssm.automation_tokens[token] = (asked, execution)
    return execution


def _begin(
    ssm: SystemsManager, runbook: AutomationSettings, parameters: dict[str, Any], given: dict[str, list[str]]
) -> AutomationExecution:
    world, number = ssm.world, len(ssm.automations)
    now = world.clock.now()
    execution = AutomationExecution(
        execution_id=world.ids.command(),
        number=number,
        document_name=name_in(parameters["DocumentName"]),
        document_version=_ONLY_VERSION,
        runbook=runbook,
        parameters=given,
        tags={each["Key"]: each["Value"] for each in parameters.get("Tags") or []},
        started_at=now,
        executed_by=f"arn:aws:iam::{ssm.account}:root",
        subject=f"{ssm.account}/{ssm.region}/automation/{number}",
    )
    ssm.automations[execution.execution_id] = execution
    end = now + world.timing.delay(runbook.seconds)
    world.agenda.add(end, partial(execution.end, runbook.result))
    return execution


def stop(ssm: SystemsManager, execution: AutomationExecution, kind: str) -> None:
    """Cancel an execution, or let it complete its only step; raise ApiError if it is over."""
    if execution.status.now != IN_PROGRESS:
        message = f"The execution is {execution.status.now}"
        raise ApiError("InvalidAutomationStatusUpdateException", message)
    if kind == "Complete":
        return
    now = ssm.world.clock.now()
    execution.status.set(CANCELLING, now)
    ssm.world.agenda.add(now + ssm.world.timing.delay(_CANCEL_SECONDS), partial(execution.end, CANCELLED))


def _must_be_there(parameters: dict[str, Any]) -> None:
    """Refuse a version that no runbook here has, and more tags than a start may set."""
    version = parameters.get("DocumentVersion") or _ONLY_VERSION
    if version not in {_ONLY_VERSION, "$DEFAULT", "$LATEST"}:
        message = f"Version {version} of the automation definition not found"
        raise ApiError("AutomationDefinitionVersionNotFoundException", message)
    if len(parameters.get("Tags") or []) > _MOST_TAGS:
        raise ApiError("ValidationException", f"An automation is started with {_MOST_TAGS} tags at most")


def _must_be_taken(runbook: AutomationSettings, given: dict[str, list[str]]) -> None:
    if runbook.parameters is None:
        return
    needed = {name for name, each in runbook.parameters.items() if each.default is None}
    unknown, missing = given.keys() - runbook.parameters.keys(), needed - given.keys()
    problems = [f"{name} is no parameter of the runbook" for name in sorted(unknown)]
    problems += [f"{name} is missing" for name in sorted(missing)]
    problems += [
        f"{name} takes one value, not {len(values)}"
        for name, values in given.items()
        if name in runbook.parameters and runbook.parameters[name].type != "StringList" and len(values) != 1
    ]
    if problems:
        raise ApiError("InvalidAutomationExecutionParametersException", "; ".join(problems))
