"""Who may come in: the operator's browser on this machine, and nobody who speaks through it.

The first address holds a random token; it is answered once, with a cookie that no script can read and no other site's
request carries, and is void from then on: who finds it later, in a history or a log, gets nothing by it. `Host` must
be this server's own (a name that was bound to 127.0.0.1 afterwards is another one), `Origin` too where a browser sends
it, and it must where something is changed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""No script, style or font but the page's own files."""
DATA_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""What the API says is data: opened as a page it may do nothing."""
REPORT_POLICY: Final = f"{DATA_POLICY}; style-src 'unsafe-inline'; img-src data:"
"""A report brings its own style, and no script."""

_EVERYWHERE: Final = [
    (name.encode(), value.encode())
    for name, value in {
        "cache-control": "no-store",
        "content-security-policy": PAGE_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }.items()
]
_READING: Final = frozenset({"GET", "HEAD"})
_TOKEN: Final = "token"  # noqa: S105 - a name
_SAME: Final = frozenset({"same-origin", "none"})
"""What a browser calls requests of this page and addresses that a person opened (Sec-Fetch-Site)."""


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Keys:
    """The credentials of the page: the token of the first address, and the cookie that replaces it."""

    port: int
    token: str = field(default_factory=_secret, repr=False)
    cookie: str = field(default_factory=_secret, repr=False)

    @property
    def address(self) -> str:
        """The first address."""
        return f"http://127.0.0.1:{self.port}/?{_TOKEN}={self.token}"

    @property
    def cookie_name(self) -> str:
        """The cookie's name: browsers keep cookies by host alone, so that the port must stand in it."""
        return f"wavebreak-console-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The accepted values of the `Host` header."""
        return frozenset({f"127.0.0.1:{self.port}", f"localhost:{self.port}"})


_ON: Final = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>Wavebreak</title>'
"""A page of this site that leads on: a browser that comes from a file sends a strict cookie only to what this opens."""


class Door:
    """Passes permitted requests on to the application, and answers all others with 403."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        """Take what stands behind the door, and its keys."""
        self._app = app
        self._keys = keys
        self._is_used = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on; every answer gets the headers that keep it to this page."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _EVERYWHERE if name not in given]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        if scope["type"] == "http":
            answer = self._answer(Request(scope))
            await (answer or self._app)(scope, receive, guarded)

    def _answer(self, request: Request) -> Response | None:
        """Refuse, or let in with a cookie; None where the request may pass."""
        refusal = self._foreign(request)
        if refusal:
            return _refused(refusal)
        if request.method == "GET" and request.url.path == "/" and _TOKEN in request.query_params:
            return self._entered(request)
        if not self._is_inside(request):
            return _refused("open the address that `wavebreak console` printed")
        return None

    def _foreign(self, request: Request) -> str | None:
        """Return why a request is foreign; None if it is not."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._keys.hosts:
            return "this server has another name"
        origin = request.headers.get("origin")
        if origin is not None and origin != f"http://{hosts[0]}":
            return "requests of other sites are refused"
        if request.method not in _READING and origin is None:
            return "what changes something must name its origin"
        opened = request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET"
        if request.headers.get("sec-fetch-site", "none") not in _SAME and not opened:
            return "requests of other sites are refused"
        return None

    def _is_inside(self, request: Request) -> bool:
        return _same(request.cookies.get(self._keys.cookie_name, ""), self._keys.cookie)

    def _entered(self, request: Request) -> Response:
        """Answer the first address: once to anybody, later only to those that it admitted."""
        if not _same(request.query_params[_TOKEN], self._keys.token):
            return _refused("this token is not the one of this server")
        if self._is_used and not self._is_inside(request):
            return _refused("this address was used already; start `wavebreak console` again")
        self._is_used = True
        foreign = request.headers.get("sec-fetch-site", "none") not in _SAME
        answer: Response = HTMLResponse(_ON) if foreign else RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(self._keys.cookie_name, self._keys.cookie, httponly=True, samesite="strict", path="/")
        return answer


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())


def _refused(why: str) -> Response:
    return PlainTextResponse(f"Refused: {why}.\n", HTTPStatus.FORBIDDEN)
