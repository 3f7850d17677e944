"""Steering a running execution: pause and resume it, approve, reject, retry or skip a wave."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.requests import ReasonRequest
from wavebreak.app import app
from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.domain.executions.model.executions import Execution
from wavebreak.handlers import leases
from wavebreak.use_cases import operate_execution

router = http.make_router()


def _on_wave(verb: str) -> Callable[..., Response[Any]]:
    carry, step = operate_execution.WAVE_CALLS[verb]

    def handle(executionId: str, waveNumber: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
        act = http.act_of(router, app().now(), body.reason)
        return _answer(
            carry(app(), http.execution_id(executionId), operate_execution.on_wave(waveNumber, step, act), act)
        )

    return handle


def _on_execution(step: operate_execution.Step) -> Callable[..., Response[Any]]:
    def handle(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
        act = http.act_of(router, app().now(), body.reason)
        return _answer(operate_execution.steer(app(), http.execution_id(executionId), step, act))

    return handle


def _answer(execution: Execution) -> Response[Any]:
    return http.json_response(202, whole_view(execution, http.caller_of(router), app().now(), app().timing))


def _hang(path: str, verb: str, handle: Callable[..., Response[Any]]) -> None:
    handle.__name__, handle.__doc__ = verb, operate_execution.SENTENCES[verb]
    router.post(f"/executions/<executionId>/{path}{verb}", tags=["steering"])(handle)


_CALLS = {verb: ("waves/<waveNumber>/", _on_wave(verb)) for verb in operate_execution.WAVE_CALLS}
_CALLS |= {verb: ("", _on_execution(step)) for verb, step in operate_execution.EXECUTION_CALLS.items()}
for _verb, (_path, _handle) in _CALLS.items():
    _hang(_path, _verb, _handle)
resolver = http.make_app(router, leases.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to steer."""
    return http.serve(resolver, event, context)
