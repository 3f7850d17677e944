"""The results of the checks of an execution; served by the function of the executions."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak.api import http
from wavebreak.api.requests import Limit, NextToken
from wavebreak.app import app

router = http.make_router()


@router.get("/executions/<executionId>/checks", tags=["executions"])
def list_checks(
    executionId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the check executions of an execution by wave and check, each with its factors or its reason."""
    from wavebreak.use_cases.checks.list_checks import list_checks as read  # noqa: PLC0415  few calls pay for this import

    http.refuse_unknown_query(router, ("limit", "nextToken"))
    items, token = read(app(), http.execution_id(executionId), limit, next_token)
    return http.json_response(200, http.listing(items, token))
