"""The leases of drills; served by the function that steers executions."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.operations import answer_operation
from wavebreak.api.requests import LeaseRequest
from wavebreak.app import app
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.use_cases.leases import extend_lease as leases

router = http.make_router()


@router.post("/executions/<executionId>/lease", tags=["steering"])
def extend_lease(executionId: str, body: Annotated[LeaseRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Set the lease of a drill: its instances stay for so many minutes from now, or from its end while it runs."""

    def operate(act: Attribution) -> Execution:
        return leases.extend_lease(app(), http.execution_id(executionId), body.minutes, act)

    return answer_operation(router, app(), body.reason, operate)
