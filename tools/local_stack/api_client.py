"""A client of the REST API that signs its requests, and can send what no well-meaning client would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEM = "application/problem+json"


class UnexpectedError(AssertionError):
    """The product did not do what was expected of it: in a test a failure, on a bad day a wrong outcome."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and JSON of an answer; the document is None when there is no body."""

    status: int
    headers: httpx.Headers
    document: Any

    @property
    def code(self) -> str | None:
        """The stable code of a problem document."""
        return self.document.get("code") if isinstance(self.document, dict) else None


class Client:
    """Calls one deployed API; `description` is the content of stack.json."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._url = str(description["apiUrl"])
        keys = description["credentials"]
        credentials = Credentials(keys["accessKeyId"], keys["secretAccessKey"])
        self._auth = SigV4Auth(credentials, "execute-api", description["region"])
        self._http = httpx.Client(timeout=40, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
    ) -> Answer:
        """Make a call; a body of bytes is sent as it is, anything else as JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        given = {"Content-Type": "application/json", **(headers or {})}
        if signed:
            request = AWSRequest(method, url, data=content, headers=given)
            self._auth.add_auth(request)
            given = dict(request.headers.items())
        answer = self._http.request(method, url, content=content, headers=given)
        return Answer(answer.status_code, answer.headers, answer.json() if answer.content else None)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read something that is there."""
        document: dict[str, Any] = self.done("GET", path, query=query)
        return document

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """Ask for something that is accepted."""
        document: dict[str, Any] = self.done("POST", path, body)
        return document

    def done(self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None) -> Any:
        """Make a call that succeeds, and return its document."""
        answer = self.call(method, path, body, query=query)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise UnexpectedError(f"{method} {path}: {answer.status} {answer.document}")
        return answer.document

    def pages(self, path: str, **query: Any) -> list[list[dict[str, Any]]]:
        """Read a list page by page to its end."""
        pages, token = [], None
        while True:
            page = self.get(path, **query, **({"nextToken": token} if token else {}))
            if set(page) != {"items", "nextToken"}:
                raise UnexpectedError(f"no list: {sorted(page)}")
            pages.append(page["items"])
            token = page["nextToken"]
            if token is None:
                return pages
