"""Bodies and query values of the API, as pydantic models: unknown fields and values are refused."""

from enum import StrEnum
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from wavebreak.api.http import MAX_LIMIT
from wavebreak.domain.errors.record import MAX_HOURS
from wavebreak.domain.executions.model.executions import CancelThen
from wavebreak.domain.executions.model.findings import VerdictWord
from wavebreak.domain.plans.model import LONGEST_LEASE_MINUTES, SHORTEST_LEASE_MINUTES

Reason = Annotated[str, Field(max_length=1024, description="Why, for the audit trail.")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="For a day, the same key and body return the first answer.")
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The version to replace, quoted or not.")]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="ETag of an earlier answer, which is not sent again.")
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
NextToken = Annotated[
    str | None, Query(alias="nextToken", min_length=1, description="The nextToken of the previous page.")
]
Hours = Annotated[int, Field(ge=1, le=MAX_HOURS, description="Hours to look back.")]


class RequestBody(BaseModel):
    """What all bodies share: camelCase names, no unknown fields."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class NothingRequest(RequestBody):
    """The empty body of a call without arguments: a plan sent with it would not be the plan that is validated."""


class ReasonRequest(RequestBody):
    """The reason of an operator."""

    reason: Reason | None = None


LeaseMinutes = Annotated[int, Field(strict=True, ge=SHORTEST_LEASE_MINUTES, le=LONGEST_LEASE_MINUTES)]


class LeaseRequest(ReasonRequest):
    """The new lease of a drill."""

    minutes: Annotated[LeaseMinutes, Field(description="Minutes from now, or from the end of a drill that runs.")]


class CancelRequest(ReasonRequest):
    """The request to cancel an execution."""

    then: CancelThen = Field(
        default=CancelThen.KEEP, description="Whether the instances are terminated after the cancel."
    )
    confirm: str | None = Field(
        default=None, description="The execution id; required with TERMINATE when mode is RECOVERY."
    )


class ReportForm(StrEnum):
    """The form of a report."""

    JSON = "json"
    HTML = "html"


class VerdictRequest(RequestBody):
    """The verdict of a person on an ended execution."""

    verdict: VerdictWord
    notes: Annotated[str, Field(max_length=4096, description="Findings and follow-up.")] | None = None


class TerminateRequest(ReasonRequest):
    """The request to terminate an execution's recovery instances."""

    confirm: str | None = Field(default=None, description="The execution id; required when mode is RECOVERY.")
