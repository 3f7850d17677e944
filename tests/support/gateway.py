"""API Gateway in this process: turns a call into the proxy event of the route's function, and its answer back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.blueprint import ACCOUNT
from tests.support.openapi_promises import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.blueprint import Route

CALLER = f"arn:aws:iam::{ACCOUNT}:user/operator"


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        document = self.json
        assert document["status"] == self.status, self
        return str(document["code"])


class Gateway:
    """The routes of the API, and how their functions are invoked."""

    def __init__(self, routes: list[Route], invoke: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self._routes = routes
        self._invoke = invoke
        self.caller = CALLER
        """The principal that signs the requests."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        text: str | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        encoded: bool = False,
    ) -> Answer:
        """Call a route; `text` is a body that is sent as it is. LookupError for a route that the template lacks.

        Fails when the answer is not one that the OpenAPI document describes.
        """
        route, parameters = self._route(method, path)
        sent = text if text is not None else (None if body is None else json.dumps(body))
        event = _event(route, path, parameters, sent, query, headers) | {"isBase64Encoded": encoded}
        event["requestContext"]["identity"]["userArn"] = self.caller
        answer = self._invoke(route.function, event)
        flat = dict(answer.get("headers") or {})
        flat |= {name: values[0] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        given = Answer(int(answer["statusCode"]), flat, answer.get("body") or "")
        check(route, given)
        return given

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        for route in self._routes:
            parameters = route.parameters(path) if route.method == method else None
            if parameters is not None:
                return route, parameters
        raise LookupError(f"the template has no route {method} {path}")


def _event(
    route: Route,
    path: str,
    parameters: dict[str, str],
    body: str | None,
    query: dict[str, str] | None,
    headers: dict[str, str] | None,
) -> dict[str, Any]:
    sent = {"Host": "api.test", **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
    return {
        "resource": route.path,
        "path": path,
        "httpMethod": route.method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "api",
            "stage": "v1",
            "httpMethod": route.method,
            "path": f"/v1{path}",
            "resourcePath": route.path,
            "requestId": "99999999-8888-7777-6666-555555555555",
            "identity": {"userArn": CALLER, "caller": "AIDA", "sourceIp": "127.0.0.1", "accountId": ACCOUNT},
        },
        "body": body,
        "isBase64Encoded": False,
    }
