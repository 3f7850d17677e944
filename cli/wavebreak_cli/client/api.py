"""The REST API's client: signed requests, retries, and answers or failures decoded once."""

from __future__ import annotations

import json
import ssl
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies

import httpx

from wavebreak.timing import duration
from wavebreak_cli.client.endpoint import ca_bundle, credentials_of, signing_keys
from wavebreak_cli.client.request import ATTEMPTS, CALL_SECONDS, Call, is_text
from wavebreak_cli.client.signing import sign
from wavebreak_cli.client.waiting import report_while_waiting
from wavebreak_cli.errors import CommandError, ConfigError, RefusedError, UnavailableError, from_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from wavebreak_cli.client.endpoint import Endpoint

T = TypeVar("T")

_CONNECT_SECONDS: Final = 5.0
_TIMEOUT: Final = httpx.Timeout(CALL_SECONDS, connect=_CONNECT_SECONDS)
_REQUEST_IDS: Final = ("x-amzn-requestid", "apigw-requestid", "x-amz-apigw-id")
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 10.0
_PAGE: Final = 1000
"""The most items that the API gives in one answer."""

_CLOCK_SECONDS: Final = 300
"""How far the clock of a signature may be off before AWS refuses it."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Api:
    """Calls the API of one endpoint. `sleep` takes seconds; `transport` replaces the network."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None = None,
        report: Callable[[str], None] | None = None,
        waits: Callable[[str], None] | None = None,
    ) -> None:
        """Take the endpoint; credentials are looked up at the first call.

        `report` gets every call (--debug), `waits` each call that has no answer yet.
        """
        self._report = report
        self._waits = waits
        self.endpoint = endpoint
        self._sleep = sleep
        self._credentials: Any = None
        self._http = connected(endpoint, lambda settings: httpx.Client(transport=transport, **settings))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(
        self,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        attempts: int = ATTEMPTS,
        patience: float | None = None,
    ) -> dict[str, Any]:
        """Send a GET request; a query value of None is left out."""
        return self.answer(Call("GET", path, query=query, attempts=attempts, patience=patience))

    def post(
        self,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        key: str | None = None,
        patience: float | None = None,
    ) -> dict[str, Any]:
        """Ask for something; with an idempotency `key` a lost answer is asked for again. None in `body` is left out."""
        given = {name: value for name, value in (body or {}).items() if value is not None}
        return self.answer(Call("POST", path, body=given, key=key, patience=patience))

    def items(
        self,
        path: str,
        *,
        limit: int | None = None,
        attempts: int = ATTEMPTS,
        patience: float | None = None,
        **query: object,
    ) -> Iterator[dict[str, Any]]:
        """Read a list page by page, at most `limit` items of it.

        Each page is asked for at most `attempts` times, and waited for as long as `patience` has seconds.
        """
        token: object = None
        left = limit
        while left is None or left > 0:
            asked = {**query, "limit": min(left or _PAGE, _PAGE), "nextToken": token}
            page = self.get(path, asked, attempts=attempts, patience=patience)
            found = page.get("items") or []
            yield from found[:left]
            left = None if left is None else left - len(found)
            token = page.get("nextToken")
            if not token:
                return

    def answer(self, call: Call) -> dict[str, Any]:
        """Make a call and return its JSON object, `{}` for an empty answer; raise RefusedError or UnavailableError."""
        return self._repeated(call, lambda: _decode(self._once(call)))

    def content(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """Read something as it is; where the API names another address for it, it is fetched from there."""
        call = Call("GET", path, query=query, patience=CALL_SECONDS)

        def once() -> bytes:
            response = self._once(call)
            if response.status_code == HTTPStatus.SEE_OTHER and response.headers.get("location"):
                response = self._sent(self._http.build_request("GET", response.headers["location"]))
            if not response.is_success:
                _decode(response)
            return response.content

        return self._repeated(call, once)

    def _repeated(self, call: Call, once: Callable[[], T]) -> T:
        """Do something once, or again where that may do better; whoever waits for it is informed."""
        _refuse_what_is_no_text([*(call.query or {}).values(), call.body])
        with report_while_waiting(self._waits, "trying again" if call.repeatable else "still waiting"):
            return self._tried(call, once)

    def _tried(self, call: Call, once: Callable[[], T]) -> T:
        delay = _FIRST_DELAY
        for attempt in range(1, call.attempts + 1):
            try:
                return once()
            except CommandError as failure:
                if attempt == call.attempts or not _worth_repeating(failure, call, attempt):
                    raise
                self._sleep(min(failure.retry_after or delay, _LONGEST_DELAY))
                delay *= 2
        raise AssertionError("a call is made at least once")

    def _once(self, call: Call) -> httpx.Response:
        return self._sent(self._signed(call))

    def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._answered(request)
        except httpx.ProxyError as error:
            raise NotConnectedError.unreachable(
                self.endpoint.url, f"the proxy {_proxy_of(request)} refuses: {error}"
            ) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotConnectedError.unreachable(self.endpoint.url, str(error) or "no connection") from error
        except httpx.TimeoutException as error:
            raise UnavailableError.unreachable(self.endpoint.url, "no answer in time") from error
        except httpx.RequestError as error:
            raise UnavailableError.unreachable(self.endpoint.url, str(error) or type(error).__name__) from error

    def _answered(self, request: httpx.Request) -> httpx.Response:
        if self._report is None:
            return self._http.send(request)
        begun, outcome = time.monotonic(), "no answer"
        try:
            response = self._http.send(request)
            named = [response.headers[name] for name in _REQUEST_IDS if name in response.headers]
            outcome = f"{response.status_code}{''.join(f', request {name}' for name in named[:1])}"
        finally:
            self._report(f"{request.method} {request.url}: {outcome}, {time.monotonic() - begun:.2f} s")
        return response

    def _signed(self, call: Call) -> httpx.Request:
        """Build a request and sign exactly what will be sent."""
        headers = {"accept": "application/json", **(call.headers or {})}
        content = b""
        if call.body is not None:
            content = json.dumps(call.body).encode()
            headers["content-type"] = "application/json"
        if call.key:
            headers["idempotency-key"] = call.key
        url = self.endpoint.url + call.path
        query = {name: value for name, value in (call.query or {}).items() if value is not None}
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe="")
        timeout = timeout_of(call)
        request = self._http.build_request(call.method, url, content=content, headers=headers, timeout=timeout)
        if self._credentials is None:
            self._credentials = credentials_of(self.endpoint)
        sign(request, headers, signing_keys(self._credentials), self.endpoint.region)
        return request


def timeout_of(call: Call) -> httpx.Timeout:
    """Return the timeouts of a connection and of the answer to a call."""
    return httpx.Timeout(call.seconds, connect=min(call.seconds, _CONNECT_SECONDS))


def connected(endpoint: Endpoint, make: Callable[[dict[str, Any]], T]) -> T:
    """Make an HTTP client from its settings; raise ConfigError if address, proxy or TLS settings allow none."""
    try:
        address = httpx.URL(endpoint.url)
        loopback = address.host in _LOOPBACK
        encrypted = not loopback or address.scheme == "https"  # reading certificates takes a twelfth of a second
        believed = _believed(ca_bundle(endpoint)) if encrypted else False
        return make({"timeout": _TIMEOUT, "trust_env": not loopback, "verify": believed})
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise ConfigError.because(f"no connection to {endpoint.url} can be made: {error}") from error


def _believed(bundle: str | None) -> ssl.SSLContext | bool:
    """Make what judges certificates: those of the AWS configuration go before SSL_CERT_FILE, which httpx reads."""
    if bundle is None:
        return True
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=bundle)
    except OSError as error:
        message = f"certificates of AWS_CA_BUNDLE or ca_bundle, {bundle!r}, cannot be read: {error}"
        raise ConfigError.because(message) from error
    return context


def _proxy_of(request: httpx.Request) -> str:
    """Name the proxy that the environment sets for an address, without a password."""
    found = getproxies()
    address = urlsplit(found.get(request.url.scheme) or found.get("all") or "")
    return f"{address.hostname}:{address.port}" if address.hostname and address.port else address.hostname or ""


class NotConnectedError(UnavailableError):
    """The request never left: it may be made again, whatever it asks for."""

    may_have_arrived: ClassVar[bool] = False


def _refuse_what_is_no_text(values: Iterable[object]) -> None:
    """Refuse words of the command line that are no text: neither an address nor JSON can hold them."""
    for value in values:
        if isinstance(value, str) and not is_text(value):
            raise ConfigError.because(f"{value!r} is no UTF-8")
        if isinstance(value, (list, dict)):
            _refuse_what_is_no_text(value.values() if isinstance(value, dict) else value)


def _worth_repeating(failure: CommandError, call: Call, attempt: int) -> bool:
    """Return whether the same call may do better, and does no harm if it was already carried out."""
    if isinstance(failure, NotConnectedError) or failure.code == "THROTTLED":
        return True
    if not call.repeatable:
        return False
    if failure.code == "IDEMPOTENCY_CONFLICT":
        return attempt > 1  # our own first call, whose answer was lost, is still running
    return isinstance(failure, UnavailableError) and failure.status != HTTPStatus.NOT_IMPLEMENTED


def _decode(response: httpx.Response) -> dict[str, Any]:
    """Turn an answer into its object; anything but a 2xx raises."""
    document = object_of(response.content)
    if response.is_success:
        if document is None:
            raise RefusedError(_not_the_api(response))
        return document
    if response.status_code < HTTPStatus.BAD_REQUEST:
        raise RefusedError(_not_the_api(response))
    problem = {**(document or {}), "status": response.status_code}
    problem.setdefault("title", response.reason_phrase or f"HTTP {response.status_code}")
    if "detail" not in problem and isinstance(problem.get("message"), str):
        problem["detail"] = problem["message"]  # API Gateway's own form
    if response.status_code == HTTPStatus.FORBIDDEN:
        problem |= clock_problem(response, str(problem.get("detail")))
    raise from_answer(response.status_code, problem, _retry_after(response))


def clock_problem(response: httpx.Response, detail: str) -> dict[str, str]:
    """Return by how much this machine's clock is off, where a signature was refused for its time; else `{}`."""
    try:
        theirs = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):
        return {}
    if theirs.tzinfo is None:
        return {}
    off = (datetime.now(UTC) - theirs).total_seconds()
    if abs(off) < _CLOCK_SECONDS and "Signature expired" not in detail and "not yet current" not in detail:
        return {}
    message = f"this machine's clock is {duration(abs(off))} {'ahead' if off > 0 else 'behind'}: set it, then try again"
    return {"detail": f"{detail}; {message}"}


def object_of(content: bytes) -> dict[str, Any] | None:
    """Read the JSON object of an answer, `{}` of an empty one; None for anything else."""
    if not content.strip():
        return {}
    try:
        document = json.loads(content)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _not_the_api(response: httpx.Response) -> dict[str, Any]:
    return {
        "title": "Unexpected answer",
        "status": response.status_code,
        "code": "UNEXPECTED_ANSWER",
        "detail": f"{response.url} does not answer as a Wavebreak API does; is the address right?",
    }


def _retry_after(response: httpx.Response) -> float | None:
    """Read Retry-After in seconds; dates and nonsense are left to the usual delays."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
