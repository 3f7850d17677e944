"""Requests that come at the same time, each with an environment of its own, as Lambda has it.

The framework of the API keeps the request that it answers for the whole process: there is never more than one in an
environment of Lambda. In this process there may be several, each in a thread, and one may come while another is
answered.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver

if TYPE_CHECKING:
    import pytest

_RESOLVE = ApiGatewayResolver.resolve


class _Request(threading.local):
    """What the framework keeps of the request that this thread answers."""

    current_event: Any = None
    lambda_context: Any = None

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}


_request = _Request()


def _kept(name: str) -> property:
    return property(lambda _: getattr(_request, name), lambda _, value: setattr(_request, name, value))


def _resolve(resolver: Any, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request, and then go on with the one that was being answered."""
    before = dict(vars(_request))
    _request.current_event, _request.lambda_context = resolver._to_proxy_event(event), context
    _request.context = {}
    try:
        answer: dict[str, Any] = _RESOLVE(resolver, event, context)
    finally:
        vars(_request).clear()
        vars(_request).update(before)
    return answer


def keep_requests_apart(patches: pytest.MonkeyPatch) -> None:
    """Have the framework keep what it answers for each thread by itself."""
    for name in ("current_event", "lambda_context", "context"):
        patches.setattr(ApiGatewayResolver, name, _kept(name), raising=False)
    patches.setattr(ApiGatewayResolver, "resolve", _resolve)
