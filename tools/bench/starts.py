"""What the command line costs before it does anything: the processor time of `--version`, and of a list it is given.

Absolute times report this machine; the ratio to importing what it cannot do without describes the code. The limits are
half as much again as the ratios of the day on which they were set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import TYPE_CHECKING, Final

from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RUNS: Final = 9
SOURCES: Final = (ROOT / "cli", ROOT / "lambda")
_TYPING: Final = "import typer, rich.console"
_CALLING: Final = f"{_TYPING}, httpx, botocore.session; botocore.session.Session().get_credentials()"
_PROGRAM: Final = "import sys; from wavebreak_cli.main import run; sys.argv[1:] = {words!r}; run()"
MEASURED: Final = (
    (("--version",), _TYPING, 1.5 * 2.1),
    (("plan", "list"), _CALLING, 1.5 * 1.48),
)
"""Command lines, what each is related to, and the largest ratio."""


@dataclass(frozen=True, slots=True)
class StartCost:
    """Median processor seconds of a command line, relative to what it is related to."""

    words: str
    seconds: float
    ratio: float
    limit: float

    @property
    def is_too_high(self) -> bool:
        """Whether the limit is exceeded."""
        return self.ratio > self.limit


def measure(sources: Sequence[Path] = SOURCES) -> list[StartCost]:
    """Measure each command line; each run is related to one of its baseline just before it."""
    with _empty_api() as address:
        return [_cost(words, baseline, limit, sources, address) for words, baseline, limit in MEASURED]


def _cost(words: Sequence[str], baseline: str, limit: float, sources: Sequence[Path], address: str) -> StartCost:
    program = _PROGRAM.format(words=list(words))
    for code in (baseline, program):
        _seconds(code, sources, address)  # compiles
    pairs = [(_seconds(baseline, sources, address), _seconds(program, sources, address)) for _ in range(RUNS)]
    spent, ratio = median(after for _, after in pairs), median(after / before for before, after in pairs)
    return StartCost("wavebreak " + " ".join(words), spent, ratio, limit)


def _seconds(code: str, sources: Sequence[Path], address: str) -> float:
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "WAVEBREAK_API_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    before = os.times()
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


class _Empty(BaseHTTPRequestHandler):
    """Answers every list with nothing."""

    def do_GET(self) -> None:
        """Answer."""
        content = json.dumps({"items": [], "nextToken": None}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep the table clean."""


@contextmanager
def _empty_api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v1"
        finally:
            http.shutdown()
