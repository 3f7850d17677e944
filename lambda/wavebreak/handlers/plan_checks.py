"""Plans looked at before they run, and plans taken over from DRS; served by the function of the plans."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api
from wavebreak.app import app
from wavebreak.importing import import_plan
from wavebreak.plan_requests import ImportRequest
from wavebreak.readiness import judge, readiness_view
from wavebreak.requests import NothingRequest
from wavebreak.responses import PLAN_IMPORTED, READINESS, problems
from wavebreak.surveying import survey
from wavebreak.views import plan_view

router = api.make_router()


@router.post("/plans/import", responses=PLAN_IMPORTED | problems(400, 404, 409), tags=["plans"])
def import_native_plan(body: Annotated[ImportRequest, Body()]) -> Response[Any]:
    """Take over a Recovery Plan of DRS as a new plan."""
    stored = import_plan(app(), body.recovery_plan_arn, body.plan_id, api.own_place(router))
    return api.json_response(201, plan_view(stored), {"ETag": f'"{stored.version}"'})


@router.post("/plans/<planId>/validate", responses=READINESS | problems(400, 404), tags=["plans"])
def validate_plan(planId: str, body: Annotated[NothingRequest, Body()]) -> Response[Any]:  # noqa: ARG001, N803  the path's own name
    """Tell whether a stored plan could run now; nothing is changed."""
    return api.json_response(200, readiness_view(judge(survey(app(), api.plan_id(planId), api.own_place(router)))))
