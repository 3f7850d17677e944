"""DynamoDB over HTTP for several processes: moto in this one, one action at a time, as its conditions need it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError
from moto import mock_aws
from tests.support.blueprint import REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class _Doorway(BaseHTTPRequestHandler):
    client: Any
    lock: threading.Lock
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        """Carry out an action of the JSON protocol."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        action = getattr(self.client, xform_name(self.headers["x-amz-target"].rpartition(".")[2]))
        status = 200
        try:
            with self.lock:
                answer = action(**asked)
            answer.pop("ResponseMetadata")
        except ClientError as error:
            status, answer = 400, {"__type": error.response["Error"]["Code"], "message": str(error)}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def dynamodb_server(*tables: dict[str, Any]) -> Iterator[str]:
    """Serve these tables (arguments of CreateTable) on the loopback interface, and give the address."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name=REGION, **_CREDENTIALS)
        for table in tables:
            client.create_table(**table)
        doorway = type("Doorway", (_Doorway,), {"client": client, "lock": threading.Lock()})
        with ThreadingHTTPServer(("127.0.0.1", 0), doorway) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()
