"""Cancelling an execution."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api, operating
from wavebreak.app import app
from wavebreak.requests import CancelRequest, IdempotencyKey
from wavebreak.responses import ACCEPTED, problems
from wavebreak.views import execution_view

router = api.make_router()


@router.post("/executions/<executionId>/cancel", responses=ACCEPTED | problems(400, 404, 409), tags=["steering"])
def cancel(
    executionId: str,  # noqa: N803  the path's own name
    body: Annotated[CancelRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Cancel an execution: what has not started at once, what is in flight when its DRS job has ended."""
    act = api.act_of(router, app().now(), body.reason)

    def work() -> dict[str, Any]:
        after = operating.cancel(app(), api.execution_id(executionId), act, body.then)
        return execution_view(after, app().now())

    return api.answer_once(router, key, work)


resolver = api.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to cancel."""
    return api.serve(resolver, event, context)
