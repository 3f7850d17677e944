"""What ran, and what happened in it; served by the function of the executions."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak import api
from wavebreak.app import app
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.model import Mode
from wavebreak.plan import PlanId
from wavebreak.requests import Limit, NextToken
from wavebreak.responses import EVENT_LIST, EXECUTION_LIST, problems
from wavebreak.views import summary_view

router = api.make_router()


@router.get("/executions", responses=EXECUTION_LIST | problems(400), tags=["executions"])
def list_executions(
    plan_id: Annotated[PlanId | None, Query(alias="planId")] = None,
    status: Annotated[ExecutionStatus | None, Query()] = None,
    mode: Annotated[Mode | None, Query()] = None,
    limit: Annotated[Limit, Query()] = api.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List executions, newest first, without their waves."""
    api.refuse_unknown_query(router, ("planId", "status", "mode", "limit", "nextToken"))
    filters = {name: value.value for name, value in (("status", status), ("mode", mode)) if value}
    items, token = app().executions.summaries(plan_id=plan_id, filters=filters, limit=limit, token=next_token)
    now = app().now()
    return api.json_response(200, api.listing([summary_view(item, now) for item in items], token))


@router.get("/executions/<executionId>/events", responses=EVENT_LIST | problems(400, 404), tags=["executions"])
def list_events(
    executionId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = api.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """Read an execution's audit trail, oldest first."""
    api.refuse_unknown_query(router, ("limit", "nextToken"))
    events, token = app().executions.events(api.execution_id(executionId), limit=limit, token=next_token)
    return api.json_response(200, api.listing(events, token))
