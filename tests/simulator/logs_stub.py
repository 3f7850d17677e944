"""A CloudWatch Logs that keeps what is put on it."""

from __future__ import annotations

import json
from collections import defaultdict
from http.server import HTTPServer
from typing import Any

from tests.simulator.clients import QuietHandler


class LogsStub(HTTPServer):
    """Keeps groups, streams and events, and every batch; ``failing`` answers everything with an error."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), LogsHandler)
        self.groups: set[str] = set()
        self.streams: dict[tuple[str, str], list[str]] = {}
        self.batches: list[list[Any]] = []
        self.credentials: set[str] = set()
        self.calls: dict[str, int] = defaultdict(int)
        self.failing = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls[operation] += 1
        if self.failing:
            return 400, {"__type": "AccessDeniedException"}
        match operation:
            case "CreateLogGroup":
                known = asked["logGroupName"] in self.groups
                self.groups.add(asked["logGroupName"])
                return (400, {"__type": "ResourceAlreadyExistsException"}) if known else (200, {})
            case "CreateLogStream":
                assert asked["logGroupName"] in self.groups
                self.streams[asked["logGroupName"], asked["logStreamName"]] = []
                return 200, {}
        assert operation == "PutLogEvents"
        events = asked["logEvents"]
        self.batches.append(events)
        self.streams[asked["logGroupName"], asked["logStreamName"]] += [event["message"] for event in events]
        return 200, {"nextSequenceToken": "1"}


class LogsHandler(QuietHandler):
    server: LogsStub

    def do_POST(self) -> None:  # noqa: N802 - http.server looks for this name
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        scope = self.headers["Authorization"].split("Credential=")[1].split("/")
        self.server.credentials.add(f"{scope[0]}/{scope[2]}")
        status, answer = self.server.take(self.headers["X-Amz-Target"].split(".")[1], asked)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
