"""Command runs: started, read and cancelled."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.command_requests import CommandRequest
from wavebreak.api.requests import IdempotencyKey, ReasonRequest
from wavebreak.app import app
from wavebreak.handlers import command_output
from wavebreak.identifiers import RequestKey
from wavebreak.use_cases import run_command

router = http.make_router()


@router.post("/commands", tags=["commands"])
def start_command(body: Annotated[CommandRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Forward a command to servers that an execution launched: to the given targets, or to all of them."""
    act = http.act_of(router, app().now(), None)

    def work(request: RequestKey | None) -> dict[str, Any]:
        execution = None if body.execution_id is None else http.execution_id(body.execution_id)
        return run_command.start(app(), body.asked(), execution, body.targets, act, request).view()

    return http.answer_once(router, key, work)


@router.get("/commands/<commandId>", tags=["commands"])
def get_command(commandId: str) -> Response[Any]:  # noqa: N803  the path's own name
    """Return a command run."""
    store = app().commands
    run = store.load(http.command_id(commandId))
    return http.json_response(200, run.view(0 if run.status.is_terminal else store.waiting(run.command_id)))


@router.post("/commands/<commandId>/cancel", tags=["commands"])
def cancel_command(
    commandId: str,  # noqa: N803
    body: Annotated[ReasonRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Cancel a command run: running commands are stopped, and no more are sent."""
    act = http.act_of(router, app().now(), body.reason)
    return http.answer_once(router, key, lambda _: run_command.cancel(app(), http.command_id(commandId), act).view())


resolver = http.make_app(router, command_output.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for command runs."""
    return http.serve(resolver, event, context)
