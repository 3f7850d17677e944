"""Recorded errors: listed and counted."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from wavebreak.api import http
from wavebreak.api.requests import Hours, Limit, NextToken
from wavebreak.app import app
from wavebreak.domain.errors.record import Severity, Span
from wavebreak.error_category import Category

router = http.make_router()


@router.get("/errors", tags=["operations"])
def list_errors(
    severity: Annotated[Severity | None, Query()] = None,
    category: Annotated[Category | None, Query()] = None,
    service: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    error_type: Annotated[str | None, Query(alias="errorType", min_length=1, max_length=100)] = None,
    hours: Annotated[Hours, Query()] = 24,
    limit: Annotated[Limit, Query()] = http.DEFAULT_LIMIT,
    next_token: NextToken = None,
) -> Response[Any]:
    """List recorded errors, newest first."""
    wanted = {"severity": severity, "category": category, "service": service, "errorType": error_type}
    http.refuse_unknown_query(router, (*wanted, "hours", "limit", "nextToken"))
    filters = {name: str(value) for name, value in wanted.items() if value}
    found, token = app().recorded().get_errors(Span(hours, app().now()), filters, limit=limit, token=next_token)
    return http.json_response(200, http.listing(found, token))


@router.get("/errors/summary", tags=["operations"])
def summarise_errors(hours: Annotated[Hours, Query()] = 24) -> Response[Any]:
    """Count recorded errors by severity, category, service, type and hour; list the critical ones of the last hour."""
    http.refuse_unknown_query(router, ("hours",))
    store, now = app().recorded(), app().now()
    last_hour = Span(1, now)
    recent = {
        "lastHour": store.get_error_count_by_severity(last_hour),
        "critical": store.get_critical_errors(last_hour),
    }
    return http.json_response(200, store.get_error_summary(Span(hours, now)) | recent)


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request for recorded errors."""
    return http.serve(resolver, event, context)
