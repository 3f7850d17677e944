"""The server of the operator's page: its files, the API behind it, and what it does itself; loopback only."""

from __future__ import annotations

import json
import logging
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wavebreak_cli.client.request import path_of
from wavebreak_cli.console import door, files, helpers
from wavebreak_cli.console.door import Door, Keys
from wavebreak_cli.console.forwarding import ASKED, Forwarder, Routes, problem
from wavebreak_cli.console.signer import Signer
from wavebreak_cli.errors import CommandError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from wavebreak_cli.client.endpoint import Endpoint
    from wavebreak_cli.console.forwarding import Answer

LARGEST_BODY: Final = 2 * 1024 * 1024
"""Bytes of a request; a plan has at most 300 KB, and YAML of it at most 1 MB."""

USUAL_PORT: Final = 8700
"""Where the page is served unless it is taken or another one is asked for."""

_LOOPBACK: Final = "127.0.0.1"
_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
_PLACES: Final = ("plans", "executions", "commands", "operations")
"""First words of the page's own addresses: each is the page, so that a reload keeps the place."""


@dataclass(slots=True)
class Opened:
    """A server that listens, and serves once it is started."""

    address: str
    _app: ASGIApp
    _forwarder: Forwarder
    _socket: socket.socket

    def serve(self) -> None:
        """Serve until a signal ends it, which then does what it would have done without a server."""
        config = uvicorn.Config(
            self._app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        _Server(config, self._forwarder).run(sockets=[self._socket])


class _Server(uvicorn.Server):
    """A server that ends quietly: calls that nobody waits for any more are no errors."""

    def __init__(self, config: uvicorn.Config, forwarder: Forwarder) -> None:
        """Take whose connections end with it."""
        super().__init__(config)
        self._forwarder = forwarder

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End requests, then connections."""
        await super().shutdown(sockets)
        await self._forwarder.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


@contextmanager
def opened(endpoint: Endpoint, page: Path, port: int | None) -> Iterator[Opened]:
    """Listen on the loopback interface; raise ConfigError when the port is taken or the page is not built.

    Without a port it is the usual one, so that a browser finds again what it keeps by address, or any that is free.
    """
    listening = _listen_somewhere() if port is None else _listen(port)
    try:
        forwarder = Forwarder(endpoint, signer := Signer(endpoint))
        keys = Keys(listening.getsockname()[1])
        app = application(endpoint, page, keys, forwarder, signer)
        yield Opened(keys.address, app, forwarder, listening)
    finally:
        listening.close()


def _listen_somewhere() -> socket.socket:
    with suppress(ConfigError):
        return _listen(USUAL_PORT)
    return _listen(0)


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_LOOPBACK, port))
        listening.listen(128)  # a browser that gets the address at once waits, and is not refused
    except OSError as error:
        listening.close()
        raise ConfigError.because(f"port {port} of {_LOOPBACK} cannot be had: {error.strerror}") from error
    return listening


def application(endpoint: Endpoint, page: Path, keys: Keys, forwarder: Forwarder, signer: Signer) -> ASGIApp:
    """Put the server together; raise ConfigError when the page is not built."""
    console = Console(endpoint, files.read_page(page), Routes.read(page / files.ROUTES), forwarder, signer)
    routes = [
        Route("/api/{path:path}", console.forward, methods=_METHODS),
        Route("/local/session", console.session),
        Route("/local/plan-faults", console.plan_faults, methods=["POST"]),
        Route("/local/plan-text", console.plan_text, methods=["POST"]),
        Route("/local/executions/{execution_id}/chain", console.chain),
        Route("/{path:path}", console.file),
    ]
    return Door(Starlette(routes=routes), keys)


class Console:
    """Answers the permitted requests."""

    def __init__(
        self,
        endpoint: Endpoint,
        page: Mapping[str, files.File],
        routes: Routes,
        forwarder: Forwarder,
        signer: Signer,
    ) -> None:
        """Take the API, the page's files and what makes the calls."""
        self._endpoint = endpoint
        self._page = page
        self._routes = routes
        self._forwarder = forwarder
        self._signer = signer

    async def forward(self, request: Request) -> Response:
        """Hand a call on to the API."""
        raw = request.scope["raw_path"].decode("latin-1").removeprefix("/api/")
        path = self._routes.path_of(request.method, raw)
        if path is None:
            return _sent(problem(HTTPStatus.NOT_FOUND, "NOT_FOUND", "the API has no such call"))
        content = await _body(request)
        if content is None:
            return _sent(problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the request is too large"))
        headers = {name: request.headers[name] for name in ASKED if name in request.headers}
        query = request.scope["query_string"].decode("latin-1")
        return _sent(await self._forwarder.call(request.method, path, query, headers, content))

    async def session(self, _request: Request) -> Response:
        """Return which API this is and how the credentials stand."""
        session = {"apiUrl": self._endpoint.url, "region": self._endpoint.region, "credentials": self._signer.state()}
        return JSONResponse(session, headers={"Content-Security-Policy": door.DATA_POLICY})

    async def plan_faults(self, request: Request) -> Response:
        """Judge the text of a plan."""
        asked = await _json(request)
        text, plan_id, faults = asked.get("text"), asked.get("planId"), asked.get("faults") or []
        if not isinstance(text, str) or not isinstance(faults, list):
            return _sent(problem(HTTPStatus.BAD_REQUEST, "VALIDATION_FAILED", "text is missing"))
        named = plan_id if isinstance(plan_id, str) else None
        return JSONResponse(await run_in_threadpool(helpers.judged, text, named, faults))

    async def plan_text(self, request: Request) -> Response:
        """Write a plan as YAML."""
        asked = await _json(request)
        return JSONResponse({"text": await run_in_threadpool(helpers.plan_text, asked.get("plan"))})

    async def chain(self, request: Request) -> Response:
        """Check the chain of an execution's trail."""
        try:
            path = path_of("executions", request.path_params["execution_id"], "events")
            trail = await self._forwarder.items(path)
        except CommandError as failure:
            code = HTTPStatus(failure.status or HTTPStatus.BAD_GATEWAY)
            return _sent(problem(code, failure.code or "UNAVAILABLE", str(failure)))
        return JSONResponse(await run_in_threadpool(helpers.chain_of, trail))

    async def file(self, request: Request) -> Response:
        """Return a file of the page; its own addresses are all the page."""
        path = request.path_params["path"]
        name = files.INDEX if not path or path.split("/")[0] in _PLACES else path
        found = self._page.get(name)
        if found is None:
            return Response("Not found.\n", HTTPStatus.NOT_FOUND, media_type="text/plain")
        if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(found.zipped, headers=headers, media_type=found.media_type)
        return Response(found.content, media_type=found.media_type)


async def _body(request: Request) -> bytes | None:
    """Read what a request holds; None when that is too much."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_BODY:
            return None
    return bytes(content)


async def _json(request: Request) -> dict[str, Any]:
    content = await _body(request)
    try:
        document = json.loads(content or b"")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _sent(answer: Answer) -> Response:
    html = answer.headers.get("content-type", "").startswith("text/html")
    policy = door.REPORT_POLICY if html else door.DATA_POLICY
    headers = {**answer.headers, "Content-Security-Policy": policy}
    return Response(answer.content, answer.status, headers)
