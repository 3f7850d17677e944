"""Functions that timed out, ran out of memory, crashed or never started, found by Lambda's own lines in their logs.

Such a function can record nothing. CloudWatch Logs delivers the lines that its subscription filters (infra/monitoring)
let through; this looks closely, because a log line of our own may quote one of them.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.errors.record import Severity
from wavebreak.error_category import Category
from wavebreak.observability.error_tracker import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak.ports.capabilities import HasErrors

    class Ports(HasErrors, Protocol):
        """What recording crashes needs."""


_TIMEOUT: Final = re.compile(r"^\S+ (?P<request>[0-9a-f-]{36}) (?P<message>Task timed out after [\d.]+ seconds)")
_EXIT: Final = re.compile(r"^RequestId: (?P<request>[0-9a-f-]{36}) Error: (?P<message>.*)", re.DOTALL)
_RUNTIME: Final = re.compile(r"^\[ERROR\]\s+(?P<type>Runtime\.\w+): (?P<message>.*)", re.DOTALL)
_LARGEST: Final = 8 * 1024 * 1024
"""Bytes that a delivery may have when unpacked; CloudWatch Logs sends a fraction of it."""


def record(app: Ports, data: str) -> int:
    """Record what a delivery of log lines tells (base64 of gzip of JSON); return how many errors it reported."""
    batch = _unpacked(data)
    group = str(batch.get("logGroup") or "")
    service = service_of(group.rpartition("/")[2])
    recorded = 0
    for line in batch.get("logEvents") or []:
        for kind, name, message, request_id in failures_in(str(line.get("message") or "")):
            severity = Severity.ERROR if kind is Category.TIMEOUT else Severity.CRITICAL
            where = {"requestId": request_id, "logGroup": group, "logStream": batch.get("logStream")}
            app.errors.record_failure(severity, kind, (name, message), service=service, **where)
            recorded += 1
    return recorded


def failures_in(line: str) -> Iterator[tuple[Category, str, str, str | None]]:
    """Return category, type, message and request id of the failure that a line of Lambda reports, if it does."""
    if found := _TIMEOUT.match(line):
        yield Category.TIMEOUT, "Sandbox.Timedout", found["message"], found["request"]
    elif found := _EXIT.match(line):
        message, _, name = found["message"].strip().rpartition("\n")
        yield (
            Category.CRASH,
            name if name.startswith("Runtime.") else "Runtime.ExitError",
            message or name,
            found["request"],
        )
    elif found := _RUNTIME.match(line):
        yield Category.CRASH, found["type"], found["message"].strip(), None


def _unpacked(data: str) -> dict[str, Any]:
    unpacked = zlib.decompressobj(wbits=31).decompress(base64.b64decode(data), _LARGEST)
    batch: dict[str, Any] = json.loads(unpacked)
    return batch
