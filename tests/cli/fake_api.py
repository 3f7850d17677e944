"""A Wavebreak API in memory, answering over real HTTP on the loopback interface."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from wavebreak.domain.commands.result_documents import result_document
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import Asked, CommandRun
from wavebreak.domain.commands.summary import CommandRunStatus, ResultTracker
from wavebreak.execution_utils import (
    ExecutionStatus,
    WaveStatus,
    can_terminate_execution,
    display_of_execution,
    display_of_wave,
)

Json = dict[str, Any]
Reading = Json | Callable[[], Json]
RunReading = tuple[Json, list[Json]]
"""A command run as the API shows it, and the results that it has by then."""

DRILL = "drill-01k000000000000000000000aa"
RECOVERY = "recovery-01k000000000000000000000aa"
COMMAND = "cmd-01k000000000000000000000aa"


def server(number: int, status: str = "LAUNCHED", **more: Any) -> Json:
    """Make a server of a wave; a launched one has a recovery instance."""
    instance = f"i-{number:017}" if status == "LAUNCHED" else None
    return {
        "sourceServerId": f"s-{number:017}",
        "impact": "CRITICAL",
        "launchStatus": status,
        "recoveryInstanceId": instance,
        "error": None,
        **more,
    }


def wave_command(command: str, status: str, phase: str = "AFTER", *, required: bool = False) -> Json:
    """Make a command of a wave; one that has begun has a run."""
    name = None if status == "NOT_STARTED" else f"{COMMAND}-w003a01r1"
    return {
        "kind": "command",
        "phase": phase,
        "name": command,
        "required": required,
        "status": status,
        "commandId": name,
    }


def wave(number: int, name: str, status: str, servers: list[Json], **more: Any) -> Json:
    """Make a wave that took 38 seconds if it has ended."""
    ended = status in {"COMPLETED", "FAILED"}
    started = ended or status == "IN_PROGRESS"
    return {
        "waveNumber": number,
        "name": name,
        "status": status,
        "display": display_of_wave(WaveStatus(status)),
        "dependsOn": [],
        "jobId": f"drsjob-{number:017}" if started else None,
        "attempt": 1,
        "startedAt": "2026-11-21T12:00:00.000Z" if started else None,
        "endedAt": "2026-11-21T12:00:38.000Z" if ended else None,
        "durationSeconds": 38 if ended else None,
        "error": None,
        "servers": servers,
        **more,
    }


def execution(status: str, waves: list[Json], **more: Any) -> Json:
    """Make an execution as the API shows it, its display and counts fitting its waves."""
    done = [w["status"] for w in waves].count("COMPLETED")
    over = status in {"COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"}
    made: Json = {
        "executionId": DRILL,
        "planId": "three-tier",
        "planName": "3TierRecoveryPlan",
        "planVersion": 1,
        "mode": "DRILL",
        "status": status,
        "display": display_of_execution(ExecutionStatus(status), completed_waves=done, total_waves=len(waves)),
        "requestedBy": "arn:aws:iam::111122223333:user/ana",
        "reason": None,
        "startedAt": "2026-11-21T12:00:00.000Z",
        "endedAt": "2026-11-21T12:01:20.000Z" if over else None,
        "durationSeconds": 80 if over else None,
        "totalWaves": len(waves),
        "completedWaves": done,
        "waves": waves,
        "termination": {"status": "NOT_REQUESTED", "terminated": 0, "remaining": [], "unknown": []},
        "instancesTerminated": False,
        "factors": {},
        "version": 1,
        **more,
    }
    made["terminationMetadata"] = can_terminate_execution(made)
    return made


def left(instance: str, reason: str | None = None) -> Json:
    """Make an instance that a termination left."""
    return {"recoveryInstanceId": instance, "sourceServerId": "s-00000000000000001", "reason": reason}


def run_reading(
    results: Mapping[int, ExecutionResult], total: int, *, over: bool = False, asked: Asked | None = None, **more: Any
) -> RunReading:
    """Make how a command run stands: results by number, and as the API shows it, its counts and summary fitting."""
    tracker = ResultTracker()
    for number, result in results.items():
        tracker.add(number, result)
    asked = asked or Asked("status")
    made = CommandRun(
        command_id=COMMAND,
        execution_id=DRILL,
        command=asked.command,
        args=asked.args,
        requested_by="arn:aws:iam::111122223333:user/ana",
        started_at=datetime(2026, 11, 21, 12, 3, 0, tzinfo=UTC),
        timeout_seconds=300,
        total=total,
        status=CommandRunStatus.ended(tracker.status) if over else CommandRunStatus.IN_PROGRESS,
        succeeded=tracker.succeeded,
        failed=tracker.failed,
        summary=tracker.text() if over else None,
    )
    documents = [{**result_document(result), "number": number} for number, result in sorted(results.items())]
    return {**made.view(), **more}, documents


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> Json:
    """Make a problem document."""
    return {"type": "about:blank", "status": status, "code": code, "title": title, "detail": detail, **more}


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """An answer that is given instead of the next one. Status 0 drops the connection."""

    status: int
    body: Json | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeApi:
    """What the API knows, what it was asked, and how it misbehaves next.

    Every read of an execution gives the next of its readings, the last one for ever; so does every read of the command
    run, whose results are those of the reading given last, and every read of its lines the next of their pages.
    """

    url: str = ""
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, Json]] = field(default_factory=dict)
    listed: dict[str, list[Json]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    page: int = 1000
    runs: list[RunReading] = field(default_factory=list)
    lines: list[list[Json]] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)
    delay: float = 0
    """Seconds that an answer takes, once it has been asked for."""

    def answer(self, request: Request) -> Fault:
        """Decide the answer to a request."""
        self.requests.append(request)
        if self.faults:
            return self.faults.pop(0)
        known = self.answers.get((request.method, request.path))
        if known:
            return Fault(*known)
        if request.method == "GET" and request.path in self.listed:
            return Fault(200, self._page(request, self.listed[request.path]))
        if request.method == "GET" and self.runs and request.path.startswith(f"/commands/{COMMAND}"):
            return Fault(200, self._of_run(request))
        name = request.path.removeprefix("/executions/")
        if request.method == "GET" and name in self.readings:
            left = self.readings[name]
            reading = left.pop(0) if len(left) > 1 else left[0]
            return Fault(200, reading() if callable(reading) else reading)
        return Fault(404, problem(404, "NOT_FOUND", "Not found", f"there is no {request.path}"))

    def _of_run(self, request: Request) -> Json:
        match request.path.rpartition("/")[2]:
            case "results":
                return self._page(request, self.results)
            case "lines":
                at = int(request.query.get("nextToken", "0"))
                token = str(at + 1) if at + 1 < len(self.lines) else None
                return {"items": self.lines[at], "nextToken": token}
            case _:
                shown, self.results = self.runs.pop(0) if len(self.runs) > 1 else self.runs[0]
                return shown

    def _page(self, request: Request, items: list[Json]) -> Json:
        start = int(request.query.get("nextToken", "0"))
        end = start + min(self.page, int(request.query.get("limit", "50")))
        return {"items": items[start:end], "nextToken": str(end) if end < len(items) else None}


class _Doorway(BaseHTTPRequestHandler):
    api: ClassVar[FakeApi]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: two would wait for a delayed acknowledgement

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length", "0"))
        text = self.rfile.read(length)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(parts.path).removeprefix("/v1")
        is_json = headers.get("content-type") == "application/json"
        body = json.loads(text) if is_json else text.decode()
        given = self.api.answer(Request(self.command, path, query, headers, body))
        time.sleep(self.api.delay)
        if given.status == 0:
            self.close_connection = True
            return
        content = b"" if given.body == "" else json.dumps(given.body).encode()
        if isinstance(given.body, str):
            content = given.body.encode()
        (self.send_response_only if "Date" in given.headers else self.send_response)(given.status)
        for name, value in {**given.headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def serving(api: FakeApi, port: int = 0, tls: SSLContext | None = None) -> Iterator[FakeApi]:
    """Serve an API until the block is left, encrypted if told how; its `url` has the stage at its end."""
    doorway = type("Doorway", (_Doorway,), {"api": api})
    with ThreadingHTTPServer(("127.0.0.1", port), doorway) as http:
        http.daemon_threads = True
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        api.url = f"http{'s' if tls else ''}://127.0.0.1:{http.server_address[1]}/v1"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            http.shutdown()
            thread.join()
