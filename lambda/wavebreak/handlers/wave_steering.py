"""Steering a wave: approve, reject, retry or skip it; served by the function that steers executions."""

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
from wavebreak.use_cases import operate_execution

router = http.make_router()


@router.post("/executions/<executionId>/waves/<waveNumber>/approve", tags=["steering"])
def approve(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Approve a wave that waits for an approval."""
    return _steered(operate_execution.approve, executionId, waveNumber, body)


@router.post("/executions/<executionId>/waves/<waveNumber>/reject", tags=["steering"])
def reject(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Reject a wave that waits for an approval: it fails."""
    return _steered(operate_execution.reject, executionId, waveNumber, body)


@router.post("/executions/<executionId>/waves/<waveNumber>/retry", tags=["steering"])
def retry(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Retry a failed wave: recover the servers that failed."""
    return _steered(operate_execution.retry, executionId, waveNumber, body)


@router.post("/executions/<executionId>/waves/<waveNumber>/skip", tags=["steering"])
def skip(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Skip a wave that has not started or has failed."""
    return _steered(operate_execution.skip, executionId, waveNumber, body)


def _steered(
    carry_out: Callable[[App, str, str, Attribution], Execution], execution_id: str, wave: str, body: ReasonRequest
) -> Response[Any]:
    return answer_operation(
        router, app(), body.reason, lambda act: carry_out(app(), http.execution_id(execution_id), wave, act)
    )
