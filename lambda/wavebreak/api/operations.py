"""Answers to the calls of operators: each changes an execution and is answered with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.api import http
from wavebreak.domain.checks.whole_execution import whole_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.event_handler.api_gateway import Router

    from wavebreak.domain.executions.model.attribution import Attribution
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.identifiers import RequestKey
    from wavebreak.timing import Timing

    class Clock(Protocol):
        """The members of the app that an answer needs."""

        @property
        def now(self) -> Callable[[], datetime]:
            """The present moment."""

        @property
        def timing(self) -> Timing:
            """The engine's waits and deadlines."""


def answer_operation(
    router: Router, app: Clock, reason: str | None, operate: Callable[[Attribution], Execution], key: str | None = None
) -> Response[str]:
    """Answer 202 with the execution that `operate` returns: once for an Idempotency-Key, each time without one.

    `operate` gets the attribution of the request: its caller, the present moment and the given reason.
    """
    act = http.act_of(router, app.now(), reason)

    def work(_request: RequestKey | None) -> dict[str, Any]:
        return whole_view(operate(act), http.caller_of(router), app.now(), app.timing)

    return http.answer_once(router, key, work)
