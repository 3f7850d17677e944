"""Executions: started, read, listed, and their audit trail."""

import os
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from wavebreak import api
from wavebreak.app import app
from wavebreak.execution_utils import ExecutionStatus
from wavebreak.model import Mode, Place
from wavebreak.requests import IdempotencyKey, Limit, StartRequest
from wavebreak.responses import ACCEPTED, EVENT_LIST, EXECUTION, EXECUTION_LIST, problems
from wavebreak.starting import start_execution
from wavebreak.views import execution_view, summary_view

router = api.make_router()


def _start(mode: Mode, body: StartRequest, key: str | None) -> Response[Any]:
    own = Place(api.account_of(router), os.environ.get("AWS_REGION"))
    asked = {"requestedBy": api.caller_of(router), "reason": body.reason, "snapshots": body.snapshots}

    def start() -> dict[str, Any]:
        return execution_view(start_execution(app(), body.plan_id, mode, own, asked), app().now())

    return api.answer_once(router, key, start)


@router.post("/drills", responses=ACCEPTED | problems(400, 404, 409), tags=["executions"])
def start_drill(body: Annotated[StartRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Start a plan as a drill."""
    return _start(Mode.DRILL, body, key)


@router.post("/recoveries", responses=ACCEPTED | problems(400, 404, 409), tags=["executions"])
def start_recovery(body: Annotated[StartRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Start a plan as a recovery."""
    return _start(Mode.RECOVERY, body, key)


@router.get("/executions/<executionId>", responses=EXECUTION | problems(404), tags=["executions"])
def get_execution(executionId: str) -> Response[Any]:  # noqa: N803  the path's own name
    """Read an execution with its waves and servers."""
    execution = app().executions.load(api.execution_id(executionId)).execution
    return api.json_response(200, execution_view(execution, app().now()))


@router.get("/executions", responses=EXECUTION_LIST | problems(400), tags=["executions"])
def list_executions(
    plan_id: Annotated[str | None, Query(alias="planId")] = None,
    status: Annotated[ExecutionStatus | None, Query()] = None,
    mode: Annotated[Mode | None, Query()] = None,
    limit: Annotated[Limit, Query()] = api.DEFAULT_LIMIT,
    next_token: Annotated[str | None, Query(alias="nextToken")] = None,
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
    next_token: Annotated[str | None, Query(alias="nextToken")] = None,
) -> Response[Any]:
    """Read an execution's audit trail, oldest first."""
    api.refuse_unknown_query(router, ("limit", "nextToken"))
    events, token = app().executions.events(api.execution_id(executionId), limit=limit, token=next_token)
    return api.json_response(200, api.listing(events, token))


resolver = api.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for executions."""
    return api.serve(resolver, event, context)
