"""A single wave of an execution; served by the function of the executions."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from wavebreak.api import http
from wavebreak.app import app

router = http.make_router()


@router.get("/executions/<executionId>/waves/<waveNumber>", tags=["executions"])
def get_wave(executionId: str, waveNumber: str) -> Response[Any]:  # noqa: N803
    """Return one wave with its servers, its steps and their output."""
    from wavebreak.use_cases.steps.read_wave import read_wave  # noqa: PLC0415  few calls pay for this import

    return http.json_response(200, read_wave(app(), http.execution_id(executionId), waveNumber, http.caller_of(router)))
