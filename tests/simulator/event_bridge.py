"""An EventBridge that keeps what is put on it."""

from __future__ import annotations

import json
from http.server import HTTPServer
from threading import Condition
from typing import Any

from tests.simulator.clients import QuietHandler


class EventBridgeStub(HTTPServer):
    """Keeps the entries of every PutEvents; ``status`` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), EventBridgeHandler)
        self.batches: list[list[Any]] = []
        self.status = 200
        self.refuses = False
        self.came = Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def entries(self, count: int) -> list[Any]:
        """Wait until ``count`` entries have come and return them."""
        with self.came:
            arrived = self.came.wait_for(lambda: sum(map(len, self.batches)) >= count, timeout=5)
            assert arrived, f"{sum(map(len, self.batches))} of {count} entries came"
            return [entry for batch in self.batches for entry in batch]


class EventBridgeHandler(QuietHandler):
    server: EventBridgeStub

    def do_POST(self) -> None:  # noqa: N802 - http.server looks for this name
        assert self.headers["X-Amz-Target"] == "AWSEvents.PutEvents"
        entries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Entries"]
        refused = [{"ErrorCode": "NotAuthorizedForSource", "ErrorMessage": "no"}] if self.server.refuses else []
        body = json.dumps({"FailedEntryCount": len(refused), "Entries": refused}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with self.server.came:
            self.server.batches.append(entries)
            self.server.came.notify_all()
