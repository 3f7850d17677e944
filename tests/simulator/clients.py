"""What the simulator's tests call DRS with."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import HTTPServer

    from drs_simulator.clockwork.clock import ManualClock
    from drs_simulator.http.server import SimulatorServer

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MakeClient(Protocol):
    def __call__(self, service: str = ..., *, key: str = ..., region: str = ..., read_timeout: float = ...) -> Any: ...


class Drs:
    """A DRS client with the few steps that most tests share."""

    def __init__(self, client: Any, clock: ManualClock) -> None:
        self.client = client
        self._clock = clock

    def start(self, *servers: str, drill: bool = True, **more: Any) -> str:
        job = self.client.start_recovery(
            sourceServers=[{"sourceServerID": server} for server in servers], isDrill=drill, **more
        )["job"]
        return str(job["jobID"])

    def job(self, job_id: str) -> Any:
        [job] = self.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
        return job

    def launch_statuses(self, job_id: str) -> dict[str, str]:
        return {each["sourceServerID"]: each["launchStatus"] for each in self.job(job_id)["participatingServers"]}

    def recover(self, *servers: str, drill: bool = True, **more: Any) -> Any:
        job_id = self.start(*servers, drill=drill, **more)
        self._clock.advance(60)
        return self.job(job_id)

    def log(self, job_id: str) -> list[tuple[str, str | None]]:
        pages = self.client.get_paginator("describe_job_log_items").paginate(jobID=job_id)
        return [
            (item["event"], item.get("eventData", {}).get("sourceServerID")) for page in pages for item in page["items"]
        ]

    def instances(self, **filters: Any) -> list[Any]:
        items: list[Any] = self.client.describe_recovery_instances(filters=filters)["items"]
        return items


def server_id(number: int) -> str:
    return f"s-{number:017d}"


def signed(simulator: SimulatorServer, operation: str, document: Any, *, service: str = "drs") -> httpx.Response:
    """Send what boto3 itself would refuse to send."""
    return httpx.post(
        f"{simulator.url}/{operation}",
        json=document,
        headers={"Authorization": AUTHORIZATION.format(service)},
        trust_env=False,
    )


class QuietHandler(BaseHTTPRequestHandler):
    """What the stubs answer with: HTTP without an access log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of http.server
        """Say nothing."""


@contextmanager
def serving(stub: HTTPServer) -> Iterator[None]:
    """Let a stub answer in a thread until the block ends."""
    thread = Thread(target=stub.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        stub.shutdown()
        thread.join()
