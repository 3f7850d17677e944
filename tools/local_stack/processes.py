"""Programs in the background that outlive their starter, and are recognised again by process id and start time.

A process id alone may belong to another program by the time it is read from a file; together with the time at which the
process started it does not.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOPBACK: Final = "127.0.0.1"

_GRACE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02
_PROBE_SECONDS: Final = 2.0
_STATE, _START_TIME = 0, 19
"""Fields of /proc/PID/stat after the program's name (proc(5), fields 3 and 22)."""

_own_children: dict[int, subprocess.Popen[bytes]] = {}
"""Kept so that a stopped child is reaped by the process that started it."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process in the background, the leader of its own session."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        """Whether the very process that was started still runs."""
        return _start_of(self.pid) == self.started

    def stop(self) -> bool:
        """End the process and what it started; False when it was gone already."""
        if not self.is_alive():
            self._reap()
            return False
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self.is_alive() and time.monotonic() < deadline:
            self._reap()
            time.sleep(_POLL_SECONDS)
        self._signal(signal.SIGKILL)
        self._reap()
        return True

    def _signal(self, number: signal.Signals) -> None:
        """Signal the whole session: workers that outlive their leader go with it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _reap(self) -> None:
        child = _own_children.get(self.pid)
        if child is not None and child.poll() is not None:
            del _own_children[self.pid]


def launch(command: Sequence[str], *, environment: Mapping[str, str], directory: Path, log: Path) -> Process:
    """Start a program in a session of its own, without any descriptor of this process; output goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _own_children[child.pid] = child
    return Process(child.pid, _start_of(child.pid) or "")


def _start_of(pid: int) -> str | None:
    """When a process started, in the system's own words; None when it is gone or only waits to be reaped."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[_STATE] == "Z" else fields[_START_TIME]
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, started = answer.partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def port_is_free(port: int) -> bool:
    """Whether a server could bind to this port of the loopback interface now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return different ports of the loopback interface that nothing is bound to."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def answers(port: int, path: str) -> bool:
    """Whether a server on this port answers a GET of the path with 200."""
    with closing(HTTPConnection(LOOPBACK, port, timeout=_PROBE_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
