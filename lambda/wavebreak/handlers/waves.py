"""Steering a running execution: pause and resume it, approve, reject, retry or skip a wave."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak import api, operating, steering
from wavebreak.app import app
from wavebreak.model import Execution
from wavebreak.problems import NotFound
from wavebreak.requests import ReasonRequest
from wavebreak.responses import ACCEPTED, problems
from wavebreak.trail import Act
from wavebreak.views import execution_view

router = api.make_router()
_ANSWERS = ACCEPTED | problems(400, 404, 409)


@router.post("/executions/<executionId>/pause", responses=_ANSWERS, tags=["steering"])
def pause(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Start no new wave; running ones go on."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(operating.steer(app(), api.execution_id(executionId), steering.pause, act))


@router.post("/executions/<executionId>/resume", responses=_ANSWERS, tags=["steering"])
def resume(executionId: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Let waves start again."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(operating.steer(app(), api.execution_id(executionId), steering.resume, act))


@router.post("/executions/<executionId>/waves/<number>/approve", responses=_ANSWERS, tags=["steering"])
def approve(executionId: str, number: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Let a wave that waits for an approval start."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(
        operating.steer(
            app(),
            api.execution_id(executionId),
            lambda execution: steering.approve(execution, _wave(execution, number), act.at),
            act,
        )
    )


@router.post("/executions/<executionId>/waves/<number>/reject", responses=_ANSWERS, tags=["steering"])
def reject(executionId: str, number: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Fail a wave that waits for an approval."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(
        operating.steer(
            app(),
            api.execution_id(executionId),
            lambda execution: steering.reject(execution, _wave(execution, number), act.at, act.reason),
            act,
        )
    )


@router.post("/executions/<executionId>/waves/<number>/retry", responses=_ANSWERS, tags=["steering"])
def retry(executionId: str, number: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Recover the servers of a failed wave that failed, once more."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(
        operating.reopen(
            app(),
            api.execution_id(executionId),
            lambda execution: steering.retry(execution, _wave(execution, number), act.at),
            act,
        )
    )


@router.post("/executions/<executionId>/waves/<number>/skip", responses=_ANSWERS, tags=["steering"])
def skip(executionId: str, number: str, body: Annotated[ReasonRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Go on past a wave that has not started or has failed."""
    act = Act(api.caller_of(router), app().now(), body.reason)
    return _answer(
        operating.reopen(
            app(),
            api.execution_id(executionId),
            lambda execution: steering.skip(execution, _wave(execution, number), act.at),
            act,
        )
    )


def _wave(execution: Execution, text: str) -> int:
    """Read a wave's number from the path; NotFound when the execution has no such wave."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3) or not 1 <= int(text) <= len(execution.waves):  # noqa: PLR2004  waves have at most two digits
        raise NotFound(f"Execution {execution.execution_id} has no wave {text[:20]!r}")
    return int(text)


def _answer(execution: Execution) -> Response[Any]:
    return api.json_response(202, execution_view(execution, app().now()))


resolver = api.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to steer."""
    return api.serve(resolver, event, context)
