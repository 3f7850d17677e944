"""Plans: stored, read, listed, deleted."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak.api import http
from wavebreak.api.etag import version_of
from wavebreak.api.plan_requests import PlanInput, accepted
from wavebreak.api.requests import IfMatch, Limit, NextToken
from wavebreak.app import app
from wavebreak.domain.plans.model import StoredPlan
from wavebreak.handlers import plan_checks, snapshots
from wavebreak.use_cases.plans.keep_plan import forget_plan, store_plan
from wavebreak.use_cases.plans.show_plans import show_plans

router = http.make_router()


@router.put("/plans/<planId>", tags=["plans"])
def put_plan(planId: str, document: PlanInput, if_match: IfMatch = None) -> Response[Any]:  # noqa: N803  the path's own
    """Store a plan: 201 for a new one, 200 for the next version of a known one."""
    plan = accepted(document, planId, http.own_site(router))
    stored = store_plan(app(), planId, plan, version_of(if_match))
    return _answer(201 if stored.is_new else 200, stored)


def _answer(status: int, stored: StoredPlan) -> Response[Any]:
    return http.json_response(status, show_plans(app(), [stored])[0], {"ETag": f'"{stored.version}"'})


@router.get("/plans/<planId>", tags=["plans"])
def get_plan(planId: str) -> Response[Any]:  # noqa: N803
    """Return a plan."""
    return _answer(200, app().plans.get(http.plan_id(planId)))


@router.get("/plans", tags=["plans"])
def list_plans(limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT, next_token: NextToken = None) -> Response[Any]:
    """List the plans, ordered by id."""
    http.refuse_unknown_query(router, ("limit", "nextToken"))
    plans, token = app().plans.page(limit=limit, token=next_token)
    return http.json_response(200, http.listing(show_plans(app(), plans, listed=True), token))


@router.delete("/plans/<planId>", tags=["plans"])
def delete_plan(planId: str) -> Response[Any]:  # noqa: N803
    """Delete a plan that no execution holds."""
    forget_plan(app(), http.plan_id(planId))
    return Response(status_code=204, content_type=None, body="")


resolver = http.make_app(router, plan_checks.router, snapshots.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for plans."""
    return http.serve(resolver, event, context)
