"""SSM Automation: runbooks that are said to be there, and their executions, which go as they are told to.

No runbook is carried out. What a repeated client token gives, and how long it is remembered, AWS does not say: here the
same call gives the same execution, for as long as the simulator keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from drs_simulator.clockwork.timeline import Timeline
from drs_simulator.errors import ApiError
from drs_simulator.settings import Settings
from drs_simulator.ssm.documents import name_in

if TYPE_CHECKING:
    from datetime import datetime

    from drs_simulator.ssm.systems_manager import SystemsManager

_Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.]{1,50}$")]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=512)]
_Region = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
_Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Result = Annotated[str, StringConstraints(pattern=r"^(Success|Failed|TimedOut|Cancelled|Rejected|Exited)$")]
"""How an automation ends, in the words of AutomationExecutionStatus."""

IN_PROGRESS: Final = "InProgress"
CANCELLING: Final = "Cancelling"
CANCELLED: Final = "Cancelled"
# A runbook has one version, whatever was said of it before.
_ONLY_VERSION: Final = "1"
# "you can specify a maximum of 5 tags": documentation of the member in the service model.
_MOST_TAGS: Final = 5
# How long a cancelled execution takes to be over, unscaled.
_CANCEL_SECONDS: Final = 2.0


class ParameterSettings(Settings):
    """A parameter of a runbook; one without a default has to be given."""

    type: Literal["String", "StringList", "Boolean", "Integer"] = "String"
    default: str | None = None


class AutomationSettings(Settings):
    """How the executions of a runbook go: after so many seconds (unscaled) they end with a result and its outputs.

    The runbook is there in the ``accounts`` and ``regions`` named, or in all. With ``parameters`` it takes those and no
    others; without, any.
    """

    seconds: float = Field(default=5.0, ge=0, le=172_800)
    result: Result = "Success"
    failure_message: str | None = Field(default=None, min_length=1, max_length=1024)
    outputs: dict[_Key, Annotated[list[_Value], Field(max_length=50)]] = Field(default_factory=dict)
    parameters: dict[_Key, ParameterSettings] | None = None
    accounts: Annotated[list[_Account], Field(min_length=1)] | None = None
    regions: Annotated[list[_Region], Field(min_length=1)] | None = None

    def is_in(self, account: str, region: str) -> bool:
        """Return whether an account has the runbook in a Region."""
        return (self.accounts is None or account in self.accounts) and (self.regions is None or region in self.regions)


@dataclass
class Runbooks:
    """The runbooks by name, of every account and Region."""

    _known: dict[str, AutomationSettings] = field(default_factory=dict)

    def put(self, name: str, settings: AutomationSettings) -> bool:
        """Have a runbook; returns whether its name is new."""
        is_new = name not in self._known
        self._known[name] = settings
        return is_new

    def find(self, name: str, account: str, region: str) -> AutomationSettings | None:
        """Return the runbook of a name or ARN, if the account has it in the Region."""
        found = self._known.get(name_in(name))
        return found if found and found.is_in(account, region) else None

    def clear(self) -> None:
        """Forget every runbook."""
        self._known.clear()


@dataclass
class AutomationExecution:
    """An execution of a runbook. ``status`` is one of the words of the SSM model."""

    execution_id: str
    number: int
    document_name: str
    document_version: str
    runbook: AutomationSettings
    parameters: dict[str, list[str]]
    tags: dict[str, str]
    started_at: datetime
    executed_by: str
    subject: str
    status: Timeline[str] = field(default_factory=lambda: Timeline(IN_PROGRESS))
    ended_at: datetime | None = None

    def end(self, status: str, at: datetime) -> None:
        """End it, unless it has ended or is being cancelled to another end."""
        if self.ended_at is None and (self.status.now == IN_PROGRESS or status == CANCELLED):
            self.status.set(status, at)
            self.ended_at = at


def start(ssm: SystemsManager, parameters: dict[str, Any]) -> AutomationExecution:
    """Start an execution, once for each client token; raises ApiError with a code of the SSM model."""
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
    """Cancel an execution, or let it complete its only step; raises ApiError if it is over."""
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
