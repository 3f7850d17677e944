"""The evidence of executions: reports, verdicts, and the progress of launches."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from wavebreak.api import http
from wavebreak.api.requests import ReportForm, VerdictRequest
from wavebreak.app import app
from wavebreak.domain.checks.whole_execution import whole_view
from wavebreak.domain.executions.model.findings import Verdict

router = http.make_router()


@router.get("/executions/<executionId>/report", tags=["evidence"])
def get_report(
    executionId: str,  # noqa: N803
    form: Annotated[ReportForm | None, Query(alias="format", description="For programs, or a page for people.")] = None,
) -> Response[Any]:
    """Return the report of an execution, at any time; without `format` the Accept header decides its form."""
    from wavebreak.use_cases.evidence.answer_report import answer_report  # noqa: PLC0415  few calls pay for this import

    http.refuse_unknown_query(router, ("format",))
    chosen = form or (ReportForm.HTML if http.asks_for_page(router) else ReportForm.JSON)
    answer = answer_report(app(), http.execution_id(executionId), chosen.value)
    if answer.address is not None:
        return http.json_response(HTTPStatus.SEE_OTHER, {"location": answer.address}, {"Location": answer.address})
    kind = "text/html; charset=utf-8" if chosen is ReportForm.HTML else "application/json"
    return Response(status_code=HTTPStatus.OK, content_type=kind, body=answer.text, headers={"Vary": "Accept"})


@router.put("/executions/<executionId>/verdict", tags=["evidence"])
def give_verdict(executionId: str, body: Annotated[VerdictRequest, Body()]) -> Response[Any]:  # noqa: N803
    """Record whether an ended execution passed or failed; the last verdict counts, the trail keeps all of them."""
    from wavebreak.use_cases.evidence.give_verdict import give_verdict as give  # noqa: PLC0415  lazy: cold start

    verdict = Verdict(body.verdict, http.caller_of(router), app().now(), body.notes)
    execution = give(app(), http.execution_id(executionId), verdict)
    return http.json_response(HTTPStatus.OK, whole_view(execution, http.caller_of(router), app().now(), app().timing))


@router.get("/executions/<executionId>/progress", tags=["evidence"])
def get_progress(executionId: str) -> Response[Any]:  # noqa: N803
    """Return the phase of every server that launches, and since when; DRS is asked every 15 s at most."""
    from wavebreak.use_cases.evidence.show_progress import show_progress  # noqa: PLC0415  lazy: cold start

    return http.json_response(HTTPStatus.OK, show_progress(app(), http.execution_id(executionId)))


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for evidence."""
    return http.serve(resolver, event, context)
