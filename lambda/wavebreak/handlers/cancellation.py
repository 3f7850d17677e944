"""Cancelling an execution."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.operations import answer_operation
from wavebreak.api.requests import CancelRequest, IdempotencyKey
from wavebreak.app import app
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.use_cases import operate_execution

router = http.make_router()


@router.post("/executions/<executionId>/cancel", tags=["steering"])
def cancel(
    executionId: str,  # noqa: N803  the path's own name
    body: Annotated[CancelRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Cancel an execution: waves that have not started at once, jobs in flight when they have ended."""

    def operate(act: Attribution) -> Execution:
        return operate_execution.cancel(app(), http.execution_id(executionId), act, body.then, body.confirm)

    return answer_operation(router, app(), body.reason, operate, key)


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to cancel."""
    return http.serve(resolver, event, context)
