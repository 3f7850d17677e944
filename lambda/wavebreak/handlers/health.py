"""The health of the product, for those who operate it."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from wavebreak.api import http
from wavebreak.observability.health import health

router = http.make_router()


@router.get("/health", tags=["operations"])
def get_health() -> Response[Any]:
    """Return the state of every circuit breaker; 503 while a critical one is open."""
    answer = health()
    status = HTTPStatus.SERVICE_UNAVAILABLE if answer["critical_circuits_open"] else HTTPStatus.OK
    return http.json_response(status, answer, {"Cache-Control": "no-store"})


resolver = http.make_app(router)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request about the product itself."""
    return http.serve(resolver, event, context)
