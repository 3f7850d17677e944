"""Terminating an execution's recovery instances."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.operations import answer_operation
from wavebreak.api.requests import IdempotencyKey, TerminateRequest
from wavebreak.app import app
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.use_cases import operate_execution

router = http.make_router()


@router.post("/executions/<executionId>/terminate", tags=["steering"])
def terminate(
    executionId: str,  # noqa: N803  the path's own name
    body: Annotated[TerminateRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Terminate the instances that an ended execution launched; a RECOVERY needs its id as confirmation."""

    def operate(act: Attribution) -> Execution:
        return operate_execution.terminate(app(), http.execution_id(executionId), act, body.confirm)

    return answer_operation(router, app(), body.reason, operate, key)


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to terminate."""
    return http.serve(resolver, event, context)
