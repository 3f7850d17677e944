"""The leases of drills; served by the function that steers executions."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.requests import LeaseRequest
from wavebreak.app import app
from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.use_cases.leases import extend_lease as leases

router = http.make_router()


@router.post("/executions/<executionId>/lease", tags=["steering"])
def extend_lease(executionId: str, body: Annotated[LeaseRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Have a drill's instances stay for so many minutes from now on, or from its end on while it runs."""
    act = http.act_of(router, app().now(), body.reason)
    execution = leases.extend_lease(app(), http.execution_id(executionId), body.minutes, act)
    return http.json_response(202, whole_view(execution, http.caller_of(router), app().now(), app().timing))
