"""The control API under ``/_simulator/``: JSON in, JSON out, and a precise 4xx for what makes no sense."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from drs_simulator.http.control_calls import ControlCalls
from drs_simulator.http.control_requests import ControlError, control_request
from drs_simulator.wire.messages import JSON_TYPE, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.http.control_requests import ControlRequest
    from drs_simulator.simulation import Simulation
    from drs_simulator.wire.messages import Request

    Call = Callable[[ControlRequest], tuple[int, Any]]

PREFIX = "/_simulator/"


@dataclass(frozen=True)
class _Route:
    """A method and a path; ``placed`` calls take an account and a Region in the query."""

    method: str
    path: re.Pattern[str]
    call: Call
    placed: bool = False


class ControlApi:
    """Answers control calls; ``operations`` are the API operations that a fault may name."""

    def __init__(self, simulation: Simulation, operations: frozenset[str]) -> None:
        calls = ControlCalls(simulation, operations)

        def route(method: str, path: str, call: Call, *, placed: bool = False) -> _Route:
            return _Route(method, re.compile(path.replace("{}", "([^/]+)")), call, placed)

        self._routes = (
            route("GET", "health()", calls.health),
            route("POST", "reset()", calls.reset),
            route("GET", "calls()", calls.calls),
            route("GET", "state()", calls.state),
            route("GET", "manners()", calls.manners),
            route("PUT", "manners()", calls.put_manners),
            route("POST", "faults()", calls.add_fault),
            route("DELETE", "faults()", calls.clear_faults),
            route("PUT", "source-servers/{}", calls.put_source_server, placed=True),
            route("PUT", "instances/{}", calls.put_instance),
            route("DELETE", "instances/{}/record", calls.forget_record),
            route("PUT", "recovery-plans/{}", calls.put_recovery_plan, placed=True),
            route("PUT", "documents/{}", calls.put_document),
            route("PUT", "automations/{}", calls.put_automation),
            route("PUT", "commands()", calls.put_commands),
            route("PUT", "quotas()", calls.put_quotas),
            route("PUT", "events()", calls.put_events),
            route("PUT", "subnets/{}", calls.put_subnet, placed=True),
            route("DELETE", "subnets/{}", calls.delete_subnet, placed=True),
            route("PUT", "security-groups/{}", calls.put_security_group, placed=True),
            route("DELETE", "security-groups/{}", calls.delete_security_group, placed=True),
            route("PUT", "instance-types/{}", calls.put_instance_type, placed=True),
            route("PUT", "existing-instances/{}", calls.put_existing_instance, placed=True),
        )

    def answer(self, request: Request) -> Answer:
        """Answer one control call."""
        try:
            status, document = self._dispatch(request)
        except ControlError as error:
            status, document = error.status, {"message": str(error), "errors": error.errors}
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        return Answer(status, body, {"Content-Type": JSON_TYPE} if body else {})

    def _dispatch(self, request: Request) -> tuple[int, Any]:
        path = urlsplit(request.target).path.removeprefix(PREFIX)
        matches = [(route, found) for route in self._routes if (found := route.path.fullmatch(path))]
        for route, found in matches:
            if route.method == request.method:
                return route.call(control_request(request, unquote(found[1]), placed=route.placed))
        if matches:
            raise ControlError(405, f"{path} takes {', '.join(sorted(route.method for route, _ in matches))}")
        raise ControlError(404, f"There is no control call {path}")
