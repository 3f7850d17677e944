"""Executions: started and read."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body

from wavebreak.api import http
from wavebreak.api.etag import execution_tag
from wavebreak.api.plan_requests import DrillRequest, RecoveryRequest, StartBody
from wavebreak.api.requests import IdempotencyKey, IfNoneMatch
from wavebreak.app import app
from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.handlers import checks, history, waves
from wavebreak.identifiers import RequestKey

router = http.make_router()


def _start(mode: Mode, body: StartBody, key: str | None) -> Response[Any]:
    from wavebreak.use_cases.start_execution import start_execution  # noqa: PLC0415  reads do not pay for this import

    own, asked = http.own_site(router), body.asked(http.caller_of(router))

    def start(request: RequestKey | None) -> dict[str, Any]:
        started = start_execution(app(), body.plan_id, mode, own, asked, request)
        return whole_view(started, asked.requested_by, app().now(), app().timing)

    return http.answer_once(router, key, start)


@router.post("/drills", tags=["executions"])
def start_drill(body: Annotated[DrillRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Start a plan as a drill."""
    return _start(Mode.DRILL, body, key)


@router.post("/recoveries", tags=["executions"])
def start_recovery(body: Annotated[RecoveryRequest, Body()], key: IdempotencyKey = None) -> Response[Any]:
    """Start a plan as a recovery; drills that hold the plan or its servers are cancelled."""
    return _start(Mode.RECOVERY, body, key)


@router.get("/executions/<executionId>", tags=["executions"])
def get_execution(executionId: str, if_none_match: IfNoneMatch = None) -> Response[Any]:  # noqa: N803  the path's own
    """Return an execution with its waves and servers; one that the reader has is not sent again."""
    found = app().executions.load(http.execution_id(executionId))
    caller, last_seen = http.caller_of(router), found.token.last_seen_at
    shown = whole_view(found.execution, caller, app().now(), app().timing, last_seen)
    return http.unless_unchanged(shown, execution_tag(shown), if_none_match)


resolver = http.make_app(router, history.router, checks.router, waves.router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for executions."""
    return http.serve(resolver, event, context)
