"""A door between the functions and DynamoDB that counts who goes through, and may refuse."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Self

from tools.local_stack.processes import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

_SECONDS = 30


class CountingProxy:
    """Hands DynamoDB's calls on to the emulator at `port`, and counts them by operation while it is open."""

    def __init__(self, port: int) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = Lock()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler(port))
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where DynamoDB is to be found."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def counts(self) -> Counter[str]:
        """Return the calls so far by operation."""
        with self._lock:
            return Counter(self._counts)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def refusal(self, operation: str) -> bytes | None:
        """Return the refusal of a call, as DynamoDB words it; None lets it through."""
        del operation
        return None

    def _count(self, operation: str) -> None:
        with self._lock:
            self._counts[operation] += 1

    def _handler(self, port: int) -> type[BaseHTTPRequestHandler]:
        count, refusal = self._count, self.refusal

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                count(operation)
                refused = refusal(operation)
                if refused is not None:
                    self._answer(HTTPStatus.BAD_REQUEST, [("Content-Type", "application/x-amz-json-1.0")], refused)
                    return
                connection = HTTPConnection(LOOPBACK, port, timeout=_SECONDS)
                try:
                    connection.request("POST", self.path, body, dict(self.headers.items()))
                    answer = connection.getresponse()
                    content = answer.read()
                finally:
                    connection.close()
                self._answer(answer.status, answer.getheaders(), content)

            def _answer(self, status: int, headers: Iterable[tuple[str, str]], content: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked has given up waiting
                    self.wfile.write(content)

            def log_message(self, *_arguments: Any) -> None:
                """Keep quiet."""

        return Handler
