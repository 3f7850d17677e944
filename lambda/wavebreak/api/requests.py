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
    str | None, Header(alias="Idempotency-Key", description="The same key and body get the first answer, for a day.")
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Version that is replaced, quoted or not.")]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]
NextToken = Annotated[
    str | None, Query(alias="nextToken", min_length=1, description="Of the answer that this one goes on from.")
]
Hours = Annotated[int, Field(ge=1, le=MAX_HOURS, description="How far to look back.")]


class RequestBody(BaseModel):
    """What all bodies share: camelCase names, no unknown fields."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class NothingRequest(RequestBody):
    """What a call is given that takes nothing: a plan that is sent to be validated would not be the one that is."""


class ReasonRequest(RequestBody):
    """Why an operator does what they do."""

    reason: Reason | None = None


LeaseMinutes = Annotated[int, Field(strict=True, ge=SHORTEST_LEASE_MINUTES, le=LONGEST_LEASE_MINUTES)]


class LeaseRequest(ReasonRequest):
    """What sets the lease of a drill anew."""

    minutes: Annotated[LeaseMinutes, Field(description="From now on, or from the drill's end on while it runs.")]


class CancelRequest(ReasonRequest):
    """What cancels an execution."""

    then: CancelThen = Field(default=CancelThen.KEEP, description="Whether the termination follows by itself.")
    confirm: str | None = Field(
        default=None, description="The execution id; required with TERMINATE when mode is RECOVERY."
    )


class ReportForm(StrEnum):
    """How a report is written."""

    JSON = "json"
    HTML = "html"


class VerdictRequest(RequestBody):
    """What people say of an execution that has ended."""

    verdict: VerdictWord
    notes: Annotated[str, Field(max_length=4096, description="What was found, and what comes of it.")] | None = None


class TerminateRequest(ReasonRequest):
    """What terminates an execution's recovery instances."""

    confirm: str | None = Field(default=None, description="The execution id; required when mode is RECOVERY.")
