"""Bodies and query values of the API, as pydantic models: unknown fields and values are refused."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Header
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from wavebreak.api import MAX_LIMIT
from wavebreak.model import CancelThen
from wavebreak.native_plans import ARN_PATTERN
from wavebreak.plan import PlanBody, PlanId, SourceServerId

Reason = Annotated[str, Field(max_length=1024, description="Why, for the audit trail.")]
SnapshotId = Annotated[str, Field(pattern=r"^pit-[0-9a-zA-Z]{17}$")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="The same key and body get the first answer, for a day.")
]
PlanInput = Annotated[PlanBody, Body()]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Version that is replaced, quoted or not.")]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


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


class ReasonRequest(_Body):
    """Why an operator does what they do."""

    reason: Reason | None = None


class CancelRequest(ReasonRequest):
    """What cancels an execution."""

    then: CancelThen = Field(default=CancelThen.KEEP, description="Whether the clean-up follows by itself.")


class TerminateRequest(ReasonRequest):
    """What terminates an execution's recovery instances."""

    confirm: str | None = Field(default=None, description="The execution id; required when mode is RECOVERY.")
