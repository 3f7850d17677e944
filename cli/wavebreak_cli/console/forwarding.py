"""Calls of the page to the API: only what the API has, signed, answered as the API answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

import httpx
from starlette.concurrency import run_in_threadpool

from wavebreak_cli.client.api import clock_problem, connected, object_of, timeout_of
from wavebreak_cli.client.request import CALL_SECONDS, Call, is_text, path_of
from wavebreak_cli.errors import CommandError, ConfigError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wavebreak_cli.client.endpoint import Endpoint
    from wavebreak_cli.console.signer import Signer

ASKED: Final = ("accept", "content-type", "if-match", "if-none-match", "idempotency-key")
ANSWERED: Final = ("content-type", "etag", "retry-after")
"""Headers that are passed on; no others are."""

_SEGMENT: Final = re.compile(r"[^/\x00-\x1f\x7f]{1,1024}\Z")
_EXPIRED: Final = re.compile(rb"expired", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of the API: `(method, path)` with names in braces."""

    known: frozenset[tuple[str, tuple[str, ...]]]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Routes:
        """Read methods and paths from the API's description."""
        return cls(frozenset((method, tuple(path.strip("/").split("/"))) for method, path in pairs))

    @classmethod
    def read(cls, file: Path) -> Routes:
        """Read the list that the page was built with."""
        return cls.of((entry["method"], entry["path"]) for entry in json.loads(file.read_text(encoding="utf-8")))

    def path_of(self, method: str, raw: str) -> str | None:
        """Return the path to call, each segment escaped as a whole; None for anything that the API does not have."""
        given = [unquote(segment, errors="surrogateescape") for segment in raw.split("/")]
        if not all(_SEGMENT.match(segment) and segment not in {".", ".."} and is_text(segment) for segment in given):
            return None
        if not any(known == method and _fits(template, given) for known, template in self.known):
            return None
        return path_of(*given)


def _fits(template: tuple[str, ...], given: list[str]) -> bool:
    pairs = zip(template, given, strict=False)
    return len(template) == len(given) and all(want.startswith("{") or want == got for want, got in pairs)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers that are passed on, content."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Forwarder:
    """Makes the page's calls, which end with the server even if the API does not answer."""

    def __init__(self, endpoint: Endpoint, signer: Signer) -> None:
        """Take where the API is and who signs; raise ConfigError."""
        self._endpoint = endpoint
        self._signer = signer
        self._http = connected(endpoint, lambda settings: httpx.AsyncClient(**settings))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Make one call; what could not be asked or answered becomes a problem document of this server's own."""
        try:
            return await self._called(method, path, query, headers, content)
        except ConfigError as failure:
            return problem(HTTPStatus.BAD_GATEWAY, "CREDENTIALS", str(failure))
        except CommandError as failure:
            return problem(HTTPStatus.BAD_GATEWAY, "UNREACHABLE", str(failure))
        except httpx.TimeoutException:
            return problem(HTTPStatus.GATEWAY_TIMEOUT, "UNREACHABLE", f"{self._endpoint.url}: no answer in time")
        except httpx.RequestError as error:
            why = str(error) or type(error).__name__
            return problem(HTTPStatus.BAD_GATEWAY, "UNREACHABLE", f"{self._endpoint.url}: {why}")

    async def items(self, path: str) -> list[dict[str, Any]]:
        """Read a whole list; raise CommandError."""
        found: list[dict[str, Any]] = []
        token: str | None = None
        while True:
            query = {"limit": "1000", **({"nextToken": token} if token else {})}
            answer = await self.call("GET", path, urlencode(query), {}, b"")
            document = object_of(answer.content) or {}
            if answer.status != HTTPStatus.OK:
                raise UnavailableError({**document, "status": answer.status})
            if not isinstance(document.get("items"), list):
                raise UnavailableError(
                    {"code": "UNEXPECTED_ANSWER", "detail": f"{self._endpoint.url} answers with no list"}
                )
            found += document["items"]
            token = document.get("nextToken")
            if not token:
                return found

    async def _called(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        keys = await run_in_threadpool(self._signer.keys)
        request = self._request(method, path, query, headers, content)
        self._signer.sign(request, headers, keys)
        response = await self._http.send(request)
        if response.status_code == HTTPStatus.FORBIDDEN:
            wrong = clock_problem(response, _words(response))
            if wrong:
                return problem(HTTPStatus.FORBIDDEN, "FORBIDDEN", wrong["detail"])
            others = await run_in_threadpool(self._signer.refused, keys, _expiry(response))
            if others is not None:  # a refusal has done nothing: it may be asked again with the keys there are now
                request = self._request(method, path, query, headers, content)
                self._signer.sign(request, headers, others)
                response = await self._http.send(request)
        if response.status_code == HTTPStatus.SEE_OTHER and method == "GET" and response.headers.get("location"):
            response = await self._http.get(response.headers["location"])  # a report too large for the API
        if response.status_code != HTTPStatus.FORBIDDEN:
            self._signer.accepted()
        kept = {name: response.headers[name] for name in ANSWERED if name in response.headers}
        return Answer(response.status_code, kept, response.content)

    def _request(self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes) -> httpx.Request:
        asked = urlencode(parse_qsl(query, keep_blank_values=True), quote_via=quote, safe="")
        url = self._endpoint.url + path + (f"?{asked}" if asked else "")
        large = CALL_SECONDS if path.endswith("/report") else None  # what is rendered takes its time, though it is read
        timeout = timeout_of(Call(method, path, patience=large))
        return self._http.build_request(method, url, headers=dict(headers), content=content, timeout=timeout)


def _words(response: httpx.Response) -> str:
    """Return the API's message of a refusal, in its own form or in API Gateway's; empty where it has none."""
    document = object_of(response.content) or {}
    return str(document.get("detail") or document.get("message") or "")


def _expiry(response: httpx.Response) -> str | None:
    """Return the API's words for a refusal because the credentials have expired; None for any other refusal."""
    if not _EXPIRED.search(response.content):
        return None
    return _words(response) or "The credentials have expired."


def problem(status: HTTPStatus, code: str, detail: str) -> Answer:
    """Return what is wrong on this side of the API, in the API's form."""
    document = {"type": "about:blank", "title": status.phrase, "status": int(status), "code": code, "detail": detail}
    return Answer(int(status), {"content-type": "application/problem+json"}, json.dumps(document).encode())
