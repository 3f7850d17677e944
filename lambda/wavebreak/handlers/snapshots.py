"""The recovery points of a plan's servers; served by the function of the plans."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak.api import http
from wavebreak.api.moments import Moment
from wavebreak.api.requests import Limit, NextToken
from wavebreak.app import app
from wavebreak.use_cases.plans.list_snapshots import list_snapshots

router = http.make_router()


@router.get("/plans/<planId>/snapshots", tags=["plans"])
def get_snapshots(
    planId: str,  # noqa: N803  the path's own name
    before: Annotated[Moment | None, Query(description="Only recovery points not later than this.")] = None,
    limit: Annotated[Limit, Query(description="Servers; at most 25 come in one answer.")] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the recovery points of a plan's servers, newest first."""
    http.refuse_unknown_query(router, ("before", "limit", "nextToken"))
    own = http.own_site(router)
    items, token = list_snapshots(app(), http.plan_id(planId), own, before, limit, next_token)
    return http.json_response(200, http.listing(items, token))
