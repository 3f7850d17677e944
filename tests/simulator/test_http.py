"""Requests that no client library would send, as bytes."""

from __future__ import annotations

import socket
from http.client import HTTPResponse
from typing import Any

import pytest
from tests.simulator.clients import AUTHORIZATION, server_id, signed

from drs_simulator.client import ControlError, SimulatorControl
from drs_simulator.drs import operations
from drs_simulator.http.server import SimulatorError, SimulatorServer
from drs_simulator.manners import STRICT

_PUT = f"PUT /_simulator/source-servers/{server_id(1)} HTTP/1.1\r\n"
_SETTINGS = '{"lagSeconds": 5}'


def sent(simulator: SimulatorServer, text: str) -> tuple[int, str, bytes]:
    """Send a request on a connection of its own; returns status, body and what else came before it was closed."""
    host, port = simulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(text.encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode(), connection.recv(1)


@pytest.mark.parametrize(
    ("text", "status", "complaint"),
    [
        (f"{_PUT}Transfer-Encoding: chunked\r\n\r\n11\r\n{_SETTINGS}\r\n0\r\n\r\n", 411, "Content-Length"),
        (f"{_PUT}Content-Length: some\r\n\r\n{_SETTINGS}", 400, "some"),
        (f"{_PUT}Content-Length: -1\r\n\r\n{_SETTINGS}", 400, "-1"),
        (f"{_PUT}Content-Length: {'9' * 5000}\r\n\r\n{_SETTINGS}", 400, "Content-Length"),
        (f"POST http://[ HTTP/1.1\r\nAuthorization: {AUTHORIZATION.format('drs')}\r\n\r\n", 400, "http://["),
    ],
    ids=["chunks", "no number", "negative", "endless", "no target"],
)
def test_a_request_whose_place_or_end_is_unknown_is_refused_and_has_no_effect(
    simulator: SimulatorServer, control: SimulatorControl, text: str, status: int, complaint: str
) -> None:
    answered, body, more = sent(simulator, text)
    assert (answered, more) == (status, b"")
    assert complaint in body
    assert control.state()["sourceServers"] == []


def test_a_failure_of_the_simulator_is_told_to_both_kinds_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setitem(operations.OPERATIONS, "DescribeJobs", broken)
    server = SimulatorServer(manners=STRICT).start()
    answer = signed(server, "DescribeJobs", {})
    monkeypatch.setattr(server.simulation, "state", broken)
    with pytest.raises(ControlError, match="500: a bug"):
        SimulatorControl(server.url).state()
    with pytest.raises(SimulatorError, match="a bug"):
        server.close()
    assert (answer.status_code, answer.json()) == (500, {"message": "a bug"})
