"""Past and present executions and their audit trails; served by the function of the executions."""

from typing import Annotated, Any, Final, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AwareDatetime

from wavebreak.api import http
from wavebreak.api.requests import Limit, NextToken
from wavebreak.app import app
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.executions.views.executions import summary_view
from wavebreak.domain.plans.document import PlanId
from wavebreak.execution_utils import ExecutionStatus

router = http.make_router()

_ACTIVE: Final = "Whether they run, or their instances are being terminated."


@router.get("/executions", tags=["executions"])
def list_executions(
    plan_id: Annotated[PlanId | None, Query(alias="planId")] = None,
    status: Annotated[ExecutionStatus | None, Query()] = None,
    mode: Annotated[Mode | None, Query()] = None,
    active: Annotated[Literal["true", "false"] | None, Query(description=_ACTIVE)] = None,
    since: Annotated[AwareDatetime | None, Query(description="Started then or later.")] = None,
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List executions, newest first, without their waves."""
    http.refuse_unknown_query(router, ("planId", "status", "mode", "active", "since", "limit", "nextToken"))
    filters = {name: value.value for name, value in (("status", status), ("mode", mode)) if value}
    items, token = app().executions.summaries(
        plan_id=plan_id,
        filters=filters,
        limit=limit,
        token=next_token,
        active=None if active is None else active == "true",
        since=since,
    )
    now = app().now()
    return http.json_response(200, http.listing([summary_view(item, now) for item in items], token))


@router.get("/executions/<executionId>/events", tags=["executions"])
def list_events(
    executionId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the events of an execution's audit trail, oldest first."""
    http.refuse_unknown_query(router, ("limit", "nextToken"))
    events, token = app().executions.events(http.execution_id(executionId), limit=limit, token=next_token)
    return http.json_response(200, http.listing(events, token))
