"""Cancelling an execution."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.requests import CancelRequest, IdempotencyKey
from wavebreak.app import app
from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.identifiers import RequestKey
from wavebreak.use_cases import operate_execution

router = http.make_router()


@router.post("/executions/<executionId>/cancel", tags=["steering"])
def cancel(
    executionId: str,  # noqa: N803  the path's own name
    body: Annotated[CancelRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Cancel an execution: what has not started at once, what is in flight when its DRS job has ended."""
    act = http.act_of(router, app().now(), body.reason)

    def work(_request: RequestKey | None) -> dict[str, Any]:
        after = operate_execution.cancel(app(), http.execution_id(executionId), act, body.then, body.confirm)
        return whole_view(after, http.caller_of(router), app().now(), app().timing)

    return http.answer_once(router, key, work)


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to cancel."""
    return http.serve(resolver, event, context)
