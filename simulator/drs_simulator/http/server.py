"""The HTTP server, for a process of its own and for tests inside theirs."""

from __future__ import annotations

import logging
import re
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from drs_simulator.errors import ConnectionDroppedError
from drs_simulator.http.control_api import PREFIX, ControlApi
from drs_simulator.http.service import Services
from drs_simulator.simulation import Simulation
from drs_simulator.wire.messages import JSON_TYPE, Answer, Request, dump

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from types import TracebackType

    from drs_simulator.clockwork.clock import Clock
    from drs_simulator.clockwork.timing import Timing
    from drs_simulator.drs.model import LaunchResult
    from drs_simulator.manners import Manners
    from drs_simulator.ssm.settings import RunCommand

logger = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"

# How long closing waits at most for the accepting loop to notice.
_POLL_SECONDS = 0.02


class SimulatorError(Exception):
    """The simulator itself failed while it answered; ``SimulatorServer.close`` raises it in the test's thread."""


class SimulatorServer:
    """A running simulator on the loopback interface; a context manager.

    ``port`` 0 takes a free one; ``url`` says where it answers. ``clock``, ``timing`` and ``randomness`` are for
    tests, ``listener`` gets launch results, ``account_of`` resolves access keys that do not name their account.
    ``run_command`` is how commands are run. ``manners`` None are those of the services, under a seed of their own.
    Closing it raises SimulatorError if the simulator ever broke its own service model.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, given by name
        self,
        *,
        port: int = 0,
        clock: Clock | None = None,
        timing: Timing | None = None,
        randomness: Random | None = None,
        listener: Callable[[LaunchResult], None] | None = None,
        account_of: Callable[[str], str | None] | None = None,
        run_command: RunCommand | None = None,
        manners: Manners | None = None,
    ) -> None:
        self.simulation = Simulation(
            clock=clock,
            timing=timing,
            randomness=randomness,
            listener=listener,
            run_command=run_command,
            manners=manners,
        )
        self._closing = Event()
        services = Services(self.simulation, account_of or _unknown, self._closing.wait)
        self._http = _HttpServer(port, services, ControlApi(self.simulation, services.operation_names()))
        self._thread = Thread(
            target=self._http.serve_forever, args=(_POLL_SECONDS,), name="drs-simulator-http", daemon=True
        )

    @property
    def url(self) -> str:
        """Return where boto3 and the control client find the simulator."""
        return f"http://{LOOPBACK}:{self._http.server_address[1]}"

    def start(self) -> Self:
        """Answer from now on, in threads of its own."""
        self.simulation.start()
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop answering, close every connection and wait for all threads."""
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()
        self.simulation.stop()
        if self._http.failures:
            raise SimulatorError("; ".join(self._http.failures))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _unknown(_access_key: str) -> str | None:
    return None


class _HttpServer(ThreadingHTTPServer):
    """Keeps its open connections, so that closing does not wait for a client."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, services: Services, control: ControlApi) -> None:
        self._services = services
        self._control = control
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self.failures: list[str] = []
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name, as http.server would: a resolver may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        if isinstance(request, socket.socket):
            with self._lock:
                self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every open connection; their threads then end automatically."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(
        self,
        request: socket.socket | tuple[bytes, socket.socket],  # noqa: ARG002 - the signature of socketserver
        client_address: tuple[str, int],
    ) -> None:
        """Log what a connection thread ended with; a client that went away is no failure."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            logger.error("connection of %s failed: %r", client_address, error)

    def answer(self, request: Request) -> Answer:
        """Answer a control call or an API call; the entry point at which the simulator's own faults end."""
        try:
            if request.target.startswith(PREFIX):
                return self._control.answer(request)
            return self._services.answer(request)
        except ConnectionDroppedError:
            raise
        except Exception as error:
            logger.exception("the simulator failed at %s %s", request.method, request.target)
            self.failures.append(f"{request.method} {request.target}: {error!r}")
            headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": SimulatorError.__name__}
            return Answer(500, dump({"message": str(error)}), headers)


def _refused(status: int, message: str) -> Answer:
    return Answer(status, dump({"message": message}), {"Content-Type": JSON_TYPE})


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    server: _HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One write for head and body together.
    wbufsize = -1

    def _handle(self) -> None:
        refusal = self._unreadable()
        if refusal:
            # It is unknown where the next request would begin.
            self.close_connection = True
            self._send(refusal)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        try:
            answer = self.server.answer(request)
        except ConnectionDroppedError:
            self.close_connection = True
            return
        self._send(answer)

    def _unreadable(self) -> Answer | None:
        """Refuse what has no place or no end that is known; None if the request can be read."""
        if "Transfer-Encoding" in self.headers:
            return _refused(HTTPStatus.LENGTH_REQUIRED, "A request has a Content-Length: chunks are not read")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,15}", length):
            return _refused(HTTPStatus.BAD_REQUEST, f"{length!r} is no Content-Length")
        try:
            urlsplit(self.path)
        except ValueError as error:
            return _refused(HTTPStatus.BAD_REQUEST, f"{self.path!r} is no target of a request: {error}")
        return None

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if answer.status != 204:  # noqa: PLR2004 - 204 No Content has neither body nor length (RFC 9110)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _handle  # noqa: N815 - http.server looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Send the access log to logging, where it is off unless asked for."""
        logger.debug(format, *args)
