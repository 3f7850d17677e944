"""A console as a process of its own, and a browser's way to it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
PROGRAM = """
import signal
# A shell that runs the tests in the background has it ignored, and the process would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
import sys
from pathlib import Path
from wavebreak_cli.commands import console
from wavebreak_cli.main import run
console.BUILT = Path(sys.argv.pop(1))
run()
"""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Served:
    """A console that runs, and a browser's way to it."""

    process: subprocess.Popen[str]
    address: str
    cookie: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    def ask(
        self, method: str, path: str, body: Any = None, *, origin: str | None = None, **headers: str | None
    ) -> Answer:
        """Make a request with what a browser on this page would send; a header of None is left out."""
        given: dict[str, str | None] = {"host": self.host, "cookie": self.cookie or None}
        if method not in {"GET", "HEAD"}:
            given |= {"origin": f"http://{self.host}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            given["origin"] = origin
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**given, "content-length": str(len(content))}.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(content)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def enter(self) -> None:
        """Open the first address."""
        path = self.address.removeprefix(f"http://{self.host}")
        self.cookie = self.ask("GET", path).headers["set-cookie"].split(";")[0]


def start(page: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    given = {**os.environ, "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}", **environment}
    command = [sys.executable, "-c", PROGRAM, str(page), *arguments, "console", "--no-browser", "--json"]
    return subprocess.Popen(  # noqa: S603 - our own program
        command, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=page.parent
    )


def address_of(process: subprocess.Popen[str]) -> str:
    """Read what the console says first; fails with what it says instead."""
    assert process.stdout is not None
    output = ""
    while not output.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        output += line
    return str(json.loads(output)["address"])


@contextmanager
def running(page: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """Run a console until the block is left."""
    process = start(page, *arguments, **environment)
    try:
        yield Served(process, address_of(process))
    finally:
        process.kill()
        process.communicate(timeout=10)


def refused(page: Path, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run a console that cannot start; `before` is run in its process first."""
    command = [sys.executable, "-c", before + PROGRAM, str(page), "console", "--no-browser", *arguments]
    given = {**os.environ, "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}"}
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603 - ours
