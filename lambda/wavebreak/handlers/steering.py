"""Steering a running execution as a whole: pause and resume it."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.operations import answer_operation
from wavebreak.api.requests import ReasonRequest
from wavebreak.app import App, app
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.handlers import leases, wave_steering
from wavebreak.use_cases import operate_execution

router = http.make_router()


@router.post("/executions/<executionId>/pause", tags=["steering"])
def pause(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Pause an execution: no new wave starts, running waves go on."""
    return _steered(operate_execution.pause, executionId, body)


@router.post("/executions/<executionId>/resume", tags=["steering"])
def resume(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Resume a paused execution: waves may start again."""
    return _steered(operate_execution.resume, executionId, body)


def _steered(
    carry_out: Callable[[App, str, Attribution], Execution], execution_id: str, body: ReasonRequest
) -> Response[Any]:
    return answer_operation(
        router, app(), body.reason, lambda act: carry_out(app(), http.execution_id(execution_id), act)
    )


resolver = http.make_app(wave_steering.router, router, leases.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to steer."""
    return http.serve(resolver, event, context)
