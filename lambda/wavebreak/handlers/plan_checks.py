"""Checks of plans before they run, and the import of native DRS plans; served by the function of the plans."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from wavebreak.api import http
from wavebreak.api.plan_requests import ImportRequest, PlanInput
from wavebreak.api.requests import Limit, NextToken, NothingRequest
from wavebreak.app import app
from wavebreak.domain.executions.views.executions import plan_view
from wavebreak.domain.plans.differences import differences
from wavebreak.domain.plans.document import parse_plan
from wavebreak.domain.plans.readiness import standing_view
from wavebreak.domain.readiness.checks import judge, names_of, readiness_view
from wavebreak.use_cases.plans.import_drs_plan import import_plan
from wavebreak.use_cases.readiness.survey import survey
from wavebreak.use_cases.steps.check_steps import check_steps

router = http.make_router()


@router.post("/plans/import", tags=["plans"])
def import_native_plan(body: Annotated[ImportRequest, Body()]) -> Response[Any]:
    """Import a Recovery Plan of DRS as a new plan."""
    stored = import_plan(app(), body.recovery_plan_arn, body.plan_id, http.own_site(router))
    return http.json_response(201, plan_view(stored), {"ETag": f'"{stored.version}"'})


@router.post("/plans/diff", tags=["plans"])
def diff_plan(document: PlanInput) -> Response[Any]:
    """Return what would change if a plan were stored; nothing is stored."""
    plan = parse_plan(document.root)
    stored = app().plans.get_many([plan.plan_id]).get(plan.plan_id)
    return http.json_response(200, {"changes": differences(stored.document if stored else None, plan)})


@router.post("/plans/<planId>/validate", tags=["plans"])
def validate_plan(planId: str, body: Annotated[NothingRequest, Body()]) -> Response[Any]:  # noqa: ARG001, N803  the path's own name
    """Check whether a stored plan could run now; nothing is changed."""
    plan, own = app().plans.get(http.plan_id(planId)), http.own_site(router)
    facts = survey(app(), plan, own)
    checks = [*judge(facts), *check_steps(app(), plan.document, own)]
    return http.json_response(200, {**readiness_view(checks), "names": names_of(facts)})


@router.get("/plans/<planId>/readiness", tags=["plans"])
def list_readiness(
    planId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the findings of the regular checks of a plan, newest first."""
    http.refuse_unknown_query(router, ("limit", "nextToken"))
    found, token = app().readiness.history(app().plans.get(http.plan_id(planId)), limit=limit, token=next_token)
    return http.json_response(200, http.listing([standing_view(each) for each in found], token))
