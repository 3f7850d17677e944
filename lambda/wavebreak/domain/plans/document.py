"""The plan document: its fields and limits, its one normal form, its dependencies.

`PlanDocument.model_validate` finds every problem of a document at once: what the fields say, what `rules` says of
the whole, and the size it would be stored in. `parse_plan` does the same and raises `PlanInvalidError`.
"""

import json
from itertools import islice
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    RootModel,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails

from wavebreak.domain.commands.catalogue import CommandName
from wavebreak.domain.plans.model import (
    DEFAULT_APPROVAL_MINUTES,
    DEFAULT_RPO_MINUTES,
    DEFAULT_RTO_MINUTES,
    LONGEST_LEASE_MINUTES,
    SHORTEST_LEASE_MINUTES,
    ApprovalNotBy,
    ApprovalThen,
    Impact,
    OnFailure,
    ProcessorType,
    Reducer,
)
from wavebreak.domain.plans.pydantic_errors import (
    Length,
    described,
    finished,
    message_of,
    named,
    position_in,
    problems_of,
    without_key_mark,
)
from wavebreak.domain.plans.rules import MAX_SERVERS_IN_WAVE, Rules, dependency_indexes
from wavebreak.domain.plans.schedules import EXPRESSION_PATTERN, TIMEZONE_PATTERN
from wavebreak.domain.plans.steps import Arguments, Steps
from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak.json_pointers import PlanInvalidError

MAX_STORED_BYTES: Final = 300 * 1024
"""The largest plan that is stored, measured in bytes of its canonical JSON."""

MAX_PROBLEMS: Final = 10_000
"""Listed at most, more than twice the servers of a plan: a document can be made to have a problem every other byte."""

_HOPELESS_BYTES: Final = 2 * MAX_STORED_BYTES
"""Above this size a document is refused for its size alone, unread."""

_MINUTES_A_YEAR: Final = 525_600
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$"
_PLAN_ID_IN_CONTEXT: Final = "plan_id"

PlanId = Annotated[str, Field(strict=True, pattern=PLAN_ID_PATTERN)]
Name = Annotated[str, Field(strict=True, pattern=_NAME)]
SourceServerId = Annotated[str, Field(strict=True, pattern=r"^s-[0-9a-zA-Z]{17}$")]
Region = Annotated[str, Field(strict=True, pattern=r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$")]
AccountId = Annotated[str, Field(strict=True, pattern=r"^[0-9]{12}$")]
TopicArn = Annotated[str, Field(strict=True, pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$")]
SubnetId = Annotated[str, Field(strict=True, pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$")]
SecurityGroupId = Annotated[str, Field(strict=True, pattern=r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$")]
FactorName = Annotated[str, Field(strict=True, pattern=r"^f_[A-Za-z0-9_]{1,62}$")]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=256)]
PlanName = Annotated[Text, AfterValidator(named)]
Description = Annotated[str, Field(strict=True, max_length=1024), AfterValidator(described)]
TagValue = Annotated[str, Field(strict=True, max_length=256)]
Flag = Annotated[bool, Field(strict=True)]


def _never_null(schema: dict[str, Any]) -> None:
    """Show in the JSON schema that a field may be left out, and may not be null."""
    (shape,) = (shape for shape in schema.pop("anyOf") if shape != {"type": "null"})
    schema |= shape
    del schema["default"]


class _Part(BaseModel):
    """What all parts of a plan share: camelCase names, no unknown fields, no change once made."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Objectives(_Part):
    """The objectives that a recovery is measured against."""

    rto_minutes: int = Field(
        DEFAULT_RTO_MINUTES, strict=True, ge=1, le=_MINUTES_A_YEAR, description="Recovery time objective."
    )
    rpo_minutes: int = Field(
        DEFAULT_RPO_MINUTES, strict=True, ge=1, le=_MINUTES_A_YEAR, description="Recovery point objective."
    )


class ServerRef(_Part):
    """A DRS source server."""

    source_server_id: SourceServerId = Field(description="Its DRS id.", examples=["s-11111111111111111"])
    impact: Impact = Field(Impact.CRITICAL, description="The failure of an OPTIONAL server never fails its wave.")


class Approval(_Part):
    """How long a wave waits for its approval, what happens then, and who may not approve."""

    timeout_minutes: int = Field(
        DEFAULT_APPROVAL_MINUTES, strict=True, ge=1, le=10_080, description="Minutes from the request for approval."
    )
    then: ApprovalThen = Field(
        ApprovalThen.REMIND,
        description="REMIND notifies people again, at each further timeout too; REJECT rejects the wave of a drill.",
    )
    not_by: ApprovalNotBy | None = Field(
        None, description="REQUESTER: the caller who started the execution may not approve."
    )


class Selector(_Part):
    """A rule that chooses servers when an execution starts."""

    tags: Annotated[dict[Annotated[str, Field(strict=True, min_length=1, max_length=256)], TagValue], Length(1, 50)] = (
        Field(description="Servers that have all of these tags.", examples=[{"tier": "app"}])
    )


class FactorSpec(_Part):
    """The source of a factor."""

    of: Text = Field(description="Key in the `factors` that the command prints.", examples=["latency_ms"])
    reducer: Reducer = Field(description="How the values of several executions become one.")


class Check(_Part):
    """A command whose output becomes factors of the execution."""

    name: Name = Field(examples=["smoke-test"])
    type: ProcessorType = Field(
        description="DOCUMENT covers each server, STIPULATION each wave, APPLICATION the whole execution."
    )
    command: CommandName = Field(description="Name in the catalogue.", examples=["query"])
    args: Arguments = Field((), description="Its arguments, passed as they are.")
    factors: Annotated[dict[FactorName, FactorSpec], Length(1, 50)] = Field(
        description="The factors by name.", examples=[{"f_latency": {"of": "latency_ms", "reducer": "max"}}]
    )


class Wave(_Part):
    """Servers that are recovered together, with the steps before and after."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["servers"]}, {"required": ["selector"]}],
            "not": {"required": ["requiresApproval", "approval"]},
        }
    )

    name: Name = Field(description="Unique in the plan.", examples=["database"])
    servers: Annotated[tuple[ServerRef, ...], Length(1, MAX_SERVERS_IN_WAVE)] | None = Field(
        None, description="The servers, unless a selector chooses them."
    )
    selector: Selector | None = Field(None, description="Chooses the servers when the execution starts.")
    depends_on: tuple[Annotated[str, Field(strict=True)], ...] | None = Field(
        None,
        description="Names of waves that must end first; by default the wave listed before, [] starts at once.",
        json_schema_extra=_never_null,
        examples=[["database"]],
    )
    region: Region | None = Field(None, description="By default the stack's own.", examples=["us-west-2"])
    account_id: AccountId | None = Field(None, description="By default the stack's own.", examples=["123456789012"])
    requires_approval: Flag = Field(
        default=False, description="Whether somebody must approve the wave before it starts."
    )
    approval: Approval | None = Field(
        None,
        description="Replaces requiresApproval, whose true is short for {}.",
        json_schema_extra=_never_null,
        examples=[{"timeoutMinutes": 30, "then": "REJECT"}],
    )
    wait_before_seconds: int = Field(0, strict=True, ge=0, le=86_400, description="Pause before the first step.")
    timeout_minutes: int = Field(
        60, strict=True, ge=1, le=10_080, description="Minutes after which the wave has failed."
    )
    on_failure: OnFailure = Field(OnFailure.STOP, description="What happens when the wave fails.")
    before: Steps = Field((), description="Done before the launch; commands go to the waves that this one depends on.")
    after: Steps = Field((), description="Done after the launch; commands go to the wave's launched servers.")
    checks: Annotated[tuple[Check, ...], Length(0, 10)] = Field((), description="Run after the steps of the wave.")


class NetworkSettings(_Part):
    """The network that drills use in an account and Region."""

    subnet_ids: Annotated[tuple[SubnetId, ...], Length(1, 20)] = Field(
        description="Each server launches into the subnet with the most free addresses in a zone that offers its type.",
        examples=[["subnet-0123456789abcdef0"]],
    )
    security_group_ids: Annotated[tuple[SecurityGroupId, ...], Length(1, 16)] = Field(
        description="Security groups of every network interface; they replace its own.",
        examples=[["sg-0123456789abcdef0"]],
    )
    region: Region | None = Field(None, description="As in the waves that use it.", examples=["us-west-2"])
    account_id: AccountId | None = Field(None, description="As in the waves that use it.", examples=["123456789012"])


class ScheduleSettings(_Part):
    """The schedule of drills, in the syntax of EventBridge Scheduler."""

    expression: Annotated[str, Field(strict=True, pattern=EXPRESSION_PATTERN)] = Field(
        description="cron or rate.", examples=["cron(0 6 ? * SUN *)"]
    )
    timezone: Annotated[str, Field(strict=True, pattern=TIMEZONE_PATTERN)] = Field(
        description="An IANA zone.", examples=["Europe/Berlin"]
    )


class DrillSettings(_Part):
    """Settings for drills of the plan; a recovery ignores them."""

    terminate_after_minutes: int | None = Field(
        None,
        strict=True,
        ge=SHORTEST_LEASE_MINUTES,
        le=LONGEST_LEASE_MINUTES,
        description="Minutes after which the instances of an ended drill are terminated automatically.",
    )
    networks: Annotated[tuple[NetworkSettings, ...], Length(1, 80)] | None = Field(
        None, description="The networks of drills: one for each account and Region of the waves."
    )
    schedule: ScheduleSettings | None = Field(None, description="When drills start automatically; needs a lease.")


class PlanDocument(_Part):
    """A recovery plan: waves of servers with dependencies between them."""

    plan_id: PlanId = Field(description="Equal to the id in the path.", examples=["three-tier"])
    name: PlanName = Field(description="Display name.", examples=["3TierRecoveryPlan"])
    description: Description | None = None
    objectives: Objectives = Field(default_factory=Objectives)
    notify_topic_arn: TopicArn | None = Field(
        None,
        description="ARN of an SNS topic for notifications of this plan.",
        examples=["arn:aws:sns:us-east-1:123456789012:recovery"],
    )
    drill: DrillSettings | None = Field(None, description="Settings for drills.")
    waves: Annotated[tuple[Wave, ...], Length(1, 80)] = Field(
        description="A directed acyclic graph with at most 4,000 servers in all."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _every_problem(
        cls, document: Any, handler: ModelWrapValidatorHandler["PlanDocument"], info: ValidationInfo
    ) -> "PlanDocument":
        """Raise one error with all problems, in the order of the document, each in its final words."""
        if isinstance(document, dict) and _raw_size(document) > _HOPELESS_BYTES:
            raise _refusal([finished((), _too_large(), document)])
        details: list[InitErrorDetails] = []
        plan: PlanDocument | None = None
        try:
            plan = handler(document)
        except ValidationError as error:
            details = [
                finished(without_key_mark(line["loc"], document), message_of(line), line["input"])
                for line in error.errors(include_url=False)[: MAX_PROBLEMS + 1]
            ]
        if isinstance(document, dict):
            findings = Rules(document, (info.context or {}).get(_PLAN_ID_IN_CONTEXT)).findings()
            details += [finished(where, message, None) for where, message in islice(findings, MAX_PROBLEMS + 1)]
            size = _raw_size(document) if details or plan is None else len(canonical_json(plan).encode())
            if size > MAX_STORED_BYTES:
                details.append(finished((), _too_large(), None))
        if details or plan is None:
            position = position_in(document)
            details.sort(key=lambda line: position(line.get("loc", ())))
            if len(details) > MAX_PROBLEMS:
                details[MAX_PROBLEMS:] = [finished((), f"has more problems than these {MAX_PROBLEMS}", None)]
            raise _refusal(details)
        return plan


class PlanBody(RootModel[list[Any] | Any]):
    """A request body that should be a plan: documented as one, yet taken as it comes, for `parse_plan` to judge.

    A route that took a `PlanDocument` could not tell its validation the planId of the path, and Powertools would take
    the first item of a list for the body; it leaves a body alone that may be a list.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Show the plan's own schema."""
        return handler(PlanDocument.__pydantic_core_schema__)


def parse_plan(document: object, *, plan_id: str | None = None) -> PlanDocument:
    """Check a document as JSON or YAML gave it; `plan_id`, if given, is what its planId must be.

    Raise PlanInvalidError with every problem.
    """
    try:
        return PlanDocument.model_validate(document, context={_PLAN_ID_IN_CONTEXT: plan_id})
    except ValidationError as error:
        raise PlanInvalidError(problems_of(error)) from None


def normalised(plan: PlanDocument) -> dict[str, Any]:
    """Return the plan as JSON objects in its normal form: camelCase, defaults and dependencies filled in, no nulls.

    A plan that is parsed from its normal form has the same one.
    """
    document = plan.model_dump(mode="json", by_alias=True, exclude_none=True)
    for wave, numbers in zip(document["waves"], resolved_dependencies(plan), strict=True):
        wave["dependsOn"] = [plan.waves[number - 1].name for number in numbers]
        if "approval" in wave:  # a wave has one of the two
            del wave["requiresApproval"]
    return document


def canonical_json(plan: PlanDocument) -> str:
    """Write the normal form as JSON with keys sorted, no spaces and Unicode unescaped."""
    return json.dumps(normalised(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def resolved_dependencies(plan: PlanDocument) -> tuple[tuple[int, ...], ...]:
    """Return, for each wave, the numbers (from 1) of the waves it depends on, ascending."""
    names: list[str | None] = [wave.name for wave in plan.waves]
    depends_on = [None if wave.depends_on is None else list(wave.depends_on) for wave in plan.waves]
    return tuple(tuple(sorted(index + 1 for index in indexes)) for indexes in dependency_indexes(names, depends_on))


def _raw_size(document: dict[str, Any]) -> int:
    """Measure a document that may be no plan, in bytes of compact JSON; what JSON cannot hold counts nothing."""
    try:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return 0
    return len(text.encode("utf-8", "surrogatepass"))


def _too_large() -> str:
    return f"the plan is larger than {MAX_STORED_BYTES // 1024} KB"


def _refusal(details: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("PlanDocument", details)
