"""Results and output of the targets of a command run; served by the function of the commands."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak.api import http
from wavebreak.api.requests import Limit, NextToken
from wavebreak.app import app
from wavebreak.use_cases import tail_output

router = http.make_router()


@router.get("/commands/<commandId>/results", tags=["commands"])
def list_results(
    commandId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the results of the targets that have ended, in the order of the targets."""
    http.refuse_unknown_query(router, ("limit", "nextToken"))
    found = app().commands.results(http.command_id(commandId), limit=limit, token=next_token)
    return http.json_response(200, http.listing(*found))


@router.get("/commands/<commandId>/lines", tags=["commands"])
def list_lines(
    commandId: str,  # noqa: N803
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List the lines that targets wrote since the last answer; nextToken is null when there will be no more."""
    http.refuse_unknown_query(router, ("limit", "nextToken"))
    found = tail_output.lines(app(), http.command_id(commandId), limit=limit, token=next_token)
    return http.json_response(200, http.listing(*found))
