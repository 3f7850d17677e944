"""Terminating an execution's recovery instances."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api, operating
from wavebreak.app import app
from wavebreak.requests import IdempotencyKey, TerminateRequest
from wavebreak.responses import ACCEPTED, problems
from wavebreak.views import execution_view

router = api.make_router()


@router.post("/executions/<executionId>/terminate", responses=ACCEPTED | problems(400, 404, 409), tags=["steering"])
def terminate(
    executionId: str,  # noqa: N803  the path's own name
    body: Annotated[TerminateRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Terminate the instances that an ended execution launched; a RECOVERY is confirmed by its id."""
    act = api.act_of(router, app().now(), body.reason)

    def work() -> dict[str, Any]:
        after = operating.terminate(app(), api.execution_id(executionId), act, body.confirm)
        return execution_view(after, app().now())

    return api.answer_once(router, key, work)


resolver = api.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to terminate."""
    return api.serve(resolver, event, context)
