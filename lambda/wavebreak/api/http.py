"""What the API's entry points share: admission of a request, the caller, and every failure as problem+json."""

from __future__ import annotations

import base64
import json
import os
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.api.etag import is_unchanged
from wavebreak.api.idempotency import once, request_key
from wavebreak.api.json_bodies import read_body
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.steering import NotAllowedError
from wavebreak.domain.plans.pydantic_errors import problems_of
from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak.json_pointers import PlanInvalidError
from wavebreak.lambda_entry import function_name_of, request_id_of, severity_of, tracker
from wavebreak.lambda_entry import logger as door
from wavebreak.observability.error_tracker import begin
from wavebreak.problems import (
    CONTENT_TYPE,
    Internal,
    InvalidRequest,
    InvalidState,
    NotFound,
    PayloadTooLarge,
    Problem,
    Unavailable,
)
from wavebreak.site import Site
from wavebreak.store.table import ConditionFailedError
from wavebreak.timeouts import invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from wavebreak.identifiers import RequestKey
    from wavebreak.json_pointers import DocumentFault

MAX_BODY_BYTES: Final = 1024 * 1024
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 1000
_PLAN_ID: Final = re.compile(PLAN_ID_PATTERN)
_EXECUTION_ID: Final = re.compile(r"(drill|recovery)-[0-9a-hjkmnp-tv-z]{26}")
_COMMAND_ID: Final = re.compile(r"cmd-[0-9a-hjkmnp-tv-z]{26}(-w[0-9]{3}[ab][0-9]{2}r[0-9]{1,4})?")
_JSON: Final = "application/json"
_HTML: Final = "text/html"
_PARTS: Final = (("body",), ("query",), ("header",), ("path",))


def make_app(*routers: Router) -> APIGatewayRestResolver:
    """Make the resolver of one API function: validation on, every failure a problem document."""
    app = APIGatewayRestResolver(enable_validation=True)
    for router in routers:
        app.include_router(router)

    def invalid(error: RequestValidationError) -> Response[str]:
        return problem_response(_faults(problems_of(_within_their_part(error.errors()))))

    def invalid_plan(error: PlanInvalidError) -> Response[str]:
        return problem_response(_faults(error.problems))

    def refused(error: NotAllowedError) -> Response[str]:
        return problem_response(InvalidState(str(error)))

    def infrastructure(error: Exception) -> Response[str]:
        tracker().record_error(error, severity_of(error))
        return problem_response(Unavailable("A service this depends on does not answer; nothing was lost, try again"))

    def unexpected(error: Exception) -> Response[str]:
        return problem_response(Internal(tracker().record_error(error)))

    def answer_with(problem: Problem) -> Response[str]:
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            tracker().record_error(problem)
        return problem_response(problem)

    def unknown_route(_error: Exception) -> Response[str]:
        return problem_response(NotFound(f"There is no {app.current_event.path}"))

    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(PlanInvalidError)(invalid_plan)
    app.exception_handler(Problem)(answer_with)
    app.exception_handler(NotAllowedError)(refused)
    app.exception_handler([ClientError, BotoCoreError, ConditionFailedError])(infrastructure)
    app.exception_handler(Exception)(unexpected)
    app.not_found(unknown_route)
    return app


def make_router() -> Router:
    """Return the router for the routes of an API function."""
    return Router()  # type: ignore[no-untyped-call]  # Powertools leaves its constructor untyped


def _within_their_part(errors: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cut off which part of the request a fault is in: what is wrong is found by its own name, in any of them."""
    return [{**error, "loc": error["loc"][1:] if error["loc"][:1] in _PARTS else error["loc"]} for error in errors]


def _faults(problems: Iterable[DocumentFault]) -> InvalidRequest:
    return InvalidRequest.listing([{"pointer": fault.pointer, "message": fault.message} for fault in problems])


def problem_response(problem: Problem) -> Response[str]:
    """Answer with a problem document."""
    return Response(
        status_code=problem.status,
        content_type=CONTENT_TYPE,
        body=json.dumps(problem.document(), ensure_ascii=False),
        headers=dict(problem.headers),
    )


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer with JSON that needs no further validation: it comes from our own views."""
    return Response(
        status_code=status,
        content_type=_JSON,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        headers=dict(headers or {}),
    )


def unless_unchanged(body: Any, tag: str, if_none_match: str | None) -> Response[str]:
    """Answer a read with JSON and its entity tag, or with 304 and no body when the reader knows this tag."""
    if is_unchanged(tag, if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, content_type=None, body="", headers={"ETag": tag})
    return json_response(HTTPStatus.OK, body, {"ETag": tag})


def serve(app: APIGatewayRestResolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of API Gateway."""
    door.clear_state()
    known = {"requestId": request_id_of(context), "route": f"{event.get('httpMethod')} {event.get('path')}"}
    door.append_keys(**known)
    begin(function_name_of(context), (event.get("pathParameters") or {}).get("executionId"), known)
    try:
        with invocation(context):
            return app.resolve(_admit(event), context)
    except Problem as problem:
        refusal = problem
    except Exception as error:  # noqa: BLE001  the doorway: what the framework itself stumbles over
        refusal = Internal(tracker().record_error(error))
    return {
        "statusCode": refusal.status,
        "headers": {"Content-Type": CONTENT_TYPE},
        "body": json.dumps(refusal.document(), ensure_ascii=False),
        "isBase64Encoded": False,
    }


def _admit(event: dict[str, Any]) -> dict[str, Any]:
    """Let through a request whose body is JSON of a sane size; an empty body counts as an empty object.

    What the framework would stumble over is refused here: other content types, text that is not UTF-8, and JSON that
    `read_body` does not take.
    """
    body = event.get("body") or ""
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body has more than {MAX_BODY_BYTES} bytes")
    if event.get("httpMethod") not in {"POST", "PUT"}:
        return {**event, "body": None}
    if event.get("isBase64Encoded"):
        body = _decoded(body)
    if not body.strip():
        given = event.get("headers") or {}
        others = {name: value for name, value in given.items() if name.lower() != "content-type"}
        return {**event, "headers": {**others, "content-type": _JSON}, "body": "{}", "isBase64Encoded": False}
    headers = _with_plain_type(event.get("headers") or {})
    document = read_body(body)
    if event["httpMethod"] == "POST" and not isinstance(document, dict):
        raise InvalidRequest.of("", "must be an object")
    return {**event, "headers": headers, "body": body, "isBase64Encoded": False}


def _decoded(body: str) -> str:
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError as error:
        raise InvalidRequest.of("", "is not UTF-8 text") from error


def _with_plain_type(headers: Mapping[str, str]) -> dict[str, str]:
    """Write the content type as the framework compares it, letter by letter; InvalidRequest when it is not JSON."""
    plain = dict(headers)
    for name, given in headers.items():
        if name.lower() != "content-type":
            continue
        if given.partition(";")[0].strip().lower() != _JSON:
            raise InvalidRequest.of("", f"must be sent as {_JSON}, not {given[:100]!r}")
        plain[name] = _JSON
    return plain


def caller_of(app: APIGatewayRestResolver | Router) -> str:
    """Return the IAM principal that signed the request."""
    identity = (app.current_event.get("requestContext") or {}).get("identity") or {}
    return str(identity.get("userArn") or identity.get("caller") or "unknown")


def act_of(app: APIGatewayRestResolver | Router, at: datetime, reason: str | None) -> Attribution:
    """Return the attribution of a request for the audit trail: the caller, the time and the reason."""
    return Attribution(caller_of(app), at, reason)


def answer_once(
    app: APIGatewayRestResolver | Router, key: str | None, work: Callable[[RequestKey | None], dict[str, Any]]
) -> Response[str]:
    """Answer 202 with what `work` gives: once for an Idempotency-Key, each time without one.

    `work` takes what the request is known by.
    """
    if key is None:
        return json_response(202, work(None))
    event = app.current_event
    request = request_key(key, caller_of(app), event.http_method, event.path, event.json_body)
    return json_response(202, once(request, app.lambda_context, lambda: work(request)))


def own_site(app: APIGatewayRestResolver | Router) -> Site:
    """Return the account and Region that the API lives in."""
    account = (app.current_event.get("requestContext") or {}).get("accountId")
    return Site(str(account) if account else None, os.environ.get("AWS_REGION"))


def asks_for_page(app: APIGatewayRestResolver | Router) -> bool:
    """Return whether a caller names pages before JSON among what it takes."""
    headers = {name.lower(): value for name, value in (app.current_event.headers or {}).items()}
    accepted = [kind.partition(";")[0].strip() for kind in headers.get("accept", "").lower().split(",")]
    known = [kind for kind in accepted if kind in {_HTML, _JSON}]
    return known[:1] == [_HTML]


def refuse_unknown_query(app: APIGatewayRestResolver | Router, allowed: Iterable[str]) -> None:
    """Refuse query parameters that a list does not know: a misspelt filter must not list everything."""
    known = set(allowed)
    errors = [
        {"pointer": f"/{name}", "message": f"is no parameter of this list; it takes {', '.join(sorted(known))}"}
        for name in sorted(app.current_event.query_string_parameters or {})
        if name not in known
    ]
    if errors:
        raise InvalidRequest.listing(errors)


def plan_id(text: str) -> str:
    """Check that a path names a plan; raise NotFound for what can be none, which never reaches the table."""
    if not _PLAN_ID.fullmatch(text):
        raise NotFound(f"There is no plan {text[:100]!r}")
    return text


def execution_id(text: str) -> str:
    """Check that a path names an execution; raise NotFound for what can be none."""
    if not _EXECUTION_ID.fullmatch(text):
        raise NotFound(f"There is no execution {text[:100]!r}")
    return text


def command_id(text: str) -> str:
    """Check that a path names a command run; raise NotFound for what can be none."""
    if not _COMMAND_ID.fullmatch(text):
        raise NotFound(f"There is no command run {text[:100]!r}")
    return text


def listing(items: list[Any], token: str | None) -> dict[str, Any]:
    """Shape a page of a list."""
    return {"items": items, "nextToken": token}
