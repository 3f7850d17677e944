"""Steering a running execution: pause and resume it, approve, reject, retry or skip a wave."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api, operating
from wavebreak.app import app
from wavebreak.model import Execution
from wavebreak.requests import ReasonRequest
from wavebreak.responses import STEERED, STEERING
from wavebreak.views import execution_view

router = api.make_router()


def _on_wave(verb: str) -> Callable[..., Response[Any]]:
    carry, step = operating.WAVE_CALLS[verb]

    def handle(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
        act = api.act_of(router, app().now(), body.reason)
        return _answer(carry(app(), api.execution_id(executionId), operating.on_wave(waveNumber, step, act), act))

    return handle


def _on_execution(step: operating.Step) -> Callable[..., Response[Any]]:
    def handle(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
        act = api.act_of(router, app().now(), body.reason)
        return _answer(operating.steer(app(), api.execution_id(executionId), step, act))

    return handle


def _answer(execution: Execution) -> Response[Any]:
    return api.json_response(202, execution_view(execution, app().now()))


def _hang(path: str, verb: str, handle: Callable[..., Response[Any]]) -> None:
    handle.__name__, handle.__doc__ = verb, STEERING[verb]
    router.post(f"/executions/<executionId>/{path}{verb}", responses=STEERED, tags=["steering"])(handle)


_CALLS = {verb: ("waves/<waveNumber>/", _on_wave(verb)) for verb in operating.WAVE_CALLS}
_CALLS |= {verb: ("", _on_execution(step)) for verb, step in operating.EXECUTION_CALLS.items()}
for _verb, (_path, _handle) in _CALLS.items():
    _hang(_path, _verb, _handle)
resolver = api.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to steer."""
    return api.serve(resolver, event, context)
