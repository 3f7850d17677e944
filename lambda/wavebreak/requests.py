"""Bodies and query values of the API, as pydantic models: unknown fields and values are refused."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from wavebreak.api import MAX_LIMIT
from wavebreak.arguments import forwardable
from wavebreak.catalogue import MAX_ARGUMENTS, MAX_TIMEOUT_SECONDS
from wavebreak.command_runs import Asked
from wavebreak.model import CancelThen
from wavebreak.native_plans import ARN_PATTERN
from wavebreak.plan import PlanBody, PlanId, SourceServerId
from wavebreak.query_merge import DEFAULT_LIMIT
from wavebreak.store.errors import MAX_HOURS
from wavebreak.validation import FINISHED

Reason = Annotated[str, Field(max_length=1024, description="Why, for the audit trail.")]
SnapshotId = Annotated[str, Field(pattern=r"^pit-[0-9a-zA-Z]{17}$")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="The same key and body get the first answer, for a day.")
]
PlanInput = Annotated[PlanBody, Body()]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Version that is replaced, quoted or not.")]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
NextToken = Annotated[
    str | None, Query(alias="nextToken", min_length=1, description="Of the answer that this one goes on from.")
]
Hours = Annotated[int, Field(ge=1, le=MAX_HOURS, description="How far to look back.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class StartRequest(_Body):
    """What starts a drill or a recovery."""

    plan_id: PlanId
    reason: Reason | None = None
    snapshots: dict[SourceServerId, SnapshotId] = Field(
        default_factory=dict, description="Recovery point of a source server; the latest unless named."
    )


class ImportRequest(_Body):
    """Which Recovery Plan of DRS becomes a plan."""

    recovery_plan_arn: Annotated[str, Field(max_length=2048, pattern=ARN_PATTERN)]
    plan_id: PlanId | None = Field(default=None, description="Made of the native plan's name unless given.")


class NothingRequest(_Body):
    """What a call is given that takes nothing: a plan that is sent to be validated would not be the one that is."""


class ReasonRequest(_Body):
    """Why an operator does what they do."""

    reason: Reason | None = None


class CommandRequest(_Body):
    """What forwards a command: to the targets named, or to all that an execution launched; with both, to those of it.

    The command's name and the arguments are judged by the catalogue's own rules.
    """

    command: str = Field(examples=["status"])
    args: tuple[Annotated[str, AfterValidator(forwardable)], ...] = Field(
        default=(), max_length=MAX_ARGUMENTS, description="Passed to the command as they are."
    )
    targets: list[Annotated[str, Field(max_length=256)]] | None = Field(
        default=None, description="Source server ids or recovery instance ids of a live execution."
    )
    execution_id: Annotated[str, Field(max_length=64)] | None = None
    timeout_seconds: Annotated[int, Field(strict=True, ge=1, le=MAX_TIMEOUT_SECONDS)] | None = Field(
        default=None, description="Limit for one target; the catalogue's own unless given."
    )
    limit: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(
        default=DEFAULT_LIMIT, description="Rows of a merged query over all targets; 0 is all."
    )
    stop_on_failure: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Whether a sequential command leaves out the targets after the first that fails."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> "CommandRequest":
        if self.targets is None and self.execution_id is None:
            raise PydanticCustomError(FINISHED, "{message}", {"message": "names neither targets nor an executionId"})
        return self

    def asked(self) -> Asked:
        """Give what is to be forwarded."""
        return Asked(self.command, self.args, self.timeout_seconds, self.limit, self.stop_on_failure)


class CancelRequest(ReasonRequest):
    """What cancels an execution."""

    then: CancelThen = Field(default=CancelThen.KEEP, description="Whether the clean-up follows by itself.")


class TerminateRequest(ReasonRequest):
    """What terminates an execution's recovery instances."""

    confirm: str | None = Field(default=None, description="The execution id; required when mode is RECOVERY.")
