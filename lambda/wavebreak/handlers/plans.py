"""Plans: stored, read, listed, deleted."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Query

from wavebreak.api import DEFAULT_LIMIT, json_response, listing, make_app, make_router, refuse_unknown_query, serve
from wavebreak.app import app
from wavebreak.etag import version_of
from wavebreak.plan import PlanBody, canonical_json, parse_plan
from wavebreak.requests import Limit
from wavebreak.responses import PLAN, PLAN_CREATED, PLAN_DELETED, PLAN_LIST, problems
from wavebreak.views import plan_view

router = make_router()


@router.put("/plans/<planId>", responses=PLAN | PLAN_CREATED | problems(400, 412, 413), tags=["plans"])
def put_plan(
    planId: str,  # noqa: N803  the path's own name
    document: Annotated[PlanBody, Body()],
    if_match: Annotated[str | None, Header(alias="If-Match", description="Version that is replaced.")] = None,
) -> Response[Any]:
    """Store a plan: 201 for a new one, 200 for the next version of a known one."""
    plan = parse_plan(document.root, plan_id=planId)
    stored = app().plans.put(planId, canonical_json(plan), app().now(), version_of(if_match))
    return json_response(201 if stored.version == 1 else 200, plan_view(stored), {"ETag": f'"{stored.version}"'})


@router.get("/plans/<planId>", responses=PLAN | problems(404), tags=["plans"])
def get_plan(planId: str) -> Response[Any]:  # noqa: N803
    """Read a plan."""
    stored = app().plans.get(planId)
    return json_response(200, plan_view(stored), {"ETag": f'"{stored.version}"'})


@router.get("/plans", responses=PLAN_LIST | problems(400), tags=["plans"])
def list_plans(
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    next_token: Annotated[str | None, Query(alias="nextToken")] = None,
) -> Response[Any]:
    """List the plans by their ids."""
    refuse_unknown_query(router, ("limit", "nextToken"))
    plans, token = app().plans.page(limit=limit, token=next_token)
    return json_response(200, listing([plan_view(plan) for plan in plans], token))


@router.delete("/plans/<planId>", responses=PLAN_DELETED | problems(404, 409), tags=["plans"])
def delete_plan(planId: str) -> Response[Any]:  # noqa: N803
    """Delete a plan that no execution holds."""
    app().plans.get(planId)
    app().locks.free_stale_plan_lock(planId, app().now())
    app().plans.delete(planId)
    return Response(status_code=204, content_type=None, body="")


resolver = make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for plans."""
    return serve(resolver, event, context)
