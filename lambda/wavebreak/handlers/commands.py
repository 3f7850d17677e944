"""Command runs: started, read and cancelled."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api, commanding
from wavebreak.app import app
from wavebreak.command_requests import CommandRequest
from wavebreak.handlers import command_output
from wavebreak.requests import IdempotencyKey, ReasonRequest
from wavebreak.responses import COMMAND_ACCEPTED, COMMAND_RUN, problems

router = api.make_router()


@router.post("/commands", responses=COMMAND_ACCEPTED | problems(400, 404, 409), tags=["commands"])
def start_command(body: Annotated[CommandRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Forward a command to servers that an execution launched: to those named, or to all of them."""
    act = api.act_of(router, app().now(), None)

    def work() -> dict[str, Any]:
        execution = None if body.execution_id is None else api.execution_id(body.execution_id)
        return commanding.start(app(), body.asked(), execution, body.targets, act).view()

    return api.answer_once(router, key, work)


@router.get("/commands/<commandId>", responses=COMMAND_RUN | problems(404), tags=["commands"])
def get_command(commandId: str) -> Response[Any]:  # noqa: N803  the path's own name
    """Read a command run."""
    return api.json_response(200, app().commands.load(api.command_id(commandId)).view())


@router.post("/commands/<commandId>/cancel", responses=COMMAND_ACCEPTED | problems(400, 404, 409), tags=["commands"])
def cancel_command(
    commandId: str,  # noqa: N803
    body: Annotated[ReasonRequest, Body()],
    key: IdempotencyKey = None,
) -> Response[Any]:
    """Cancel a command run: what runs is stopped, what has not been sent is not."""
    act = api.act_of(router, app().now(), body.reason)
    return api.answer_once(router, key, lambda: commanding.cancel(app(), api.command_id(commandId), act).view())


resolver = api.make_app(router, command_output.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for command runs."""
    return api.serve(resolver, event, context)
