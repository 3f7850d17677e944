"""Scripts run as real processes, with their output in bounded memory and an end for everything that they started."""

from __future__ import annotations

import codecs
import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    LineSink = Callable[[str, list[str]], None]

STDOUT: Final = "stdout"
STDERR: Final = "stderr"
# What GetCommandInvocation returns, in characters; the agent ends what is longer with these words.
KEPT: Final = {STDOUT: 24_000, STDERR: 8_000}
TRUNCATED: Final = "--output truncated--"

_RESULT: Final = "result"
_CHUNK: Final = 1 << 16
# A line that never ends is reported in pieces; four bytes a character stay below the largest event of CloudWatch Logs.
_LONGEST_LINE: Final = 32_768
_GUARD: Final = Path(__file__).with_name("guard.py")
# A file that is open for writing while another thread forks cannot be executed until that child has execed: whoever
# writes what is to be run holds this lock too.
starting = Lock()


class Ending(Enum):
    """Why a script has ended."""

    EXIT = auto()
    TIMEOUT = auto()
    STOPPED = auto()


@dataclass(frozen=True)
class Outcome:
    """How a script ended; ``code`` is its exit code, -1 if a signal ended it, None if it was killed for its ending."""

    ending: Ending
    code: int | None
    stdout: str
    stderr: str
    seconds: float


class Output:
    """One stream of a script: its beginning is kept, and its lines are passed on as they are complete."""

    def __init__(self, name: str, sink: LineSink | None) -> None:
        self._name = name
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept: list[str] = []
        self._length = 0
        self._line = ""

    def take(self, data: bytes) -> None:
        """Collect what was read; no data is the end of the stream."""
        text = self._decoder.decode(data, final=not data)
        room = KEPT[self._name] - self._length
        # One character more than there is room for shows that something was cut.
        if room >= 0 and text:
            self._kept.append(text[: room + 1])
            self._length += len(self._kept[-1])
        if self._sink:
            self._pass_on(text, self._sink, ended=not data)

    def text(self) -> str:
        """Return the beginning of the stream, as long as the service reports it."""
        text, limit = "".join(self._kept), KEPT[self._name]
        return text if len(text) <= limit else text[: limit - len(TRUNCATED)] + TRUNCATED

    def _pass_on(self, text: str, sink: LineSink, *, ended: bool) -> None:
        *lines, rest = (self._line + text).split("\n")
        if ended and rest:
            lines, rest = [*lines, rest], ""
        elif len(rest) > _LONGEST_LINE:
            whole = len(rest) - len(rest) % _LONGEST_LINE
            lines, rest = [*lines, rest[:whole]], rest[whole:]
        self._line = rest
        pieces = [
            line[start : start + _LONGEST_LINE]
            for line in lines
            for start in range(0, max(1, len(line)), _LONGEST_LINE)
        ]
        if pieces:
            sink(self._name, pieces)


class Script:
    """One script, run once by ``run`` in the calling thread; ``stop`` ends it from any other.

    ``seconds`` are real. A script is over when it has exited and no process holds its outputs open, as with the
    agent; what it leaves in the background then lives on until ``stop``, and ``linger`` waits for it.
    """

    def __init__(
        self, path: Path, directory: Path, environment: Mapping[str, str], seconds: float, sink: LineSink | None = None
    ) -> None:
        self._path = path
        self._directory = directory
        self._environment = dict(environment)
        self._seconds = seconds
        self._outputs = {name: Output(name, sink) for name in (STDOUT, STDERR)}
        self._lock = Lock()
        self._stopped = False
        self._guard: subprocess.Popen[bytes] | None = None

    def run(self) -> Outcome:
        """Run the script to its end; raise OSError if no process can be started."""
        begun = time.monotonic()
        reader, writer = os.pipe()
        try:
            self._start(writer)
            os.close(writer)
            ending, report = self._watch(reader, begun + self._seconds)
        finally:
            os.close(reader)
        code = int(report.removeprefix(b"exit ")) if report else None
        return Outcome(
            ending,
            None if code is None or ending is not Ending.EXIT else max(code, -1),
            self._outputs[STDOUT].text(),
            self._outputs[STDERR].text(),
            time.monotonic() - begun,
        )

    def stop(self) -> None:
        """Kill everything that the script started; one that has not begun yet ends as it begins."""
        with self._lock:
            self._stopped = True
            self._let_go()

    def linger(self) -> None:
        """Wait until none of the script's processes is left."""
        if self._guard:
            self._guard.wait()
            with self._lock:
                self._let_go()

    def _let_go(self) -> None:
        """Close the guard's standard input, upon which it kills."""
        if self._guard and self._guard.stdin:
            with suppress(OSError):
                self._guard.stdin.close()

    def _start(self, result: int) -> None:
        command = [sys.executable, "-I", "-S", str(_GUARD), str(result), str(self._path)]
        with self._lock, starting:
            self._guard = subprocess.Popen(  # noqa: S603 - this interpreter; the script comes from a checked document
                command,
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[result],
            )
            if self._stopped:
                self._let_go()

    def _watch(self, result: int, deadline: float) -> tuple[Ending, bytes]:
        """Read everything until all is over, or kill it when time is up; returns why it ended and what was reported."""
        guard, report, timed_out = self._guard, b"", False
        if guard is None or guard.stdout is None or guard.stderr is None:
            raise RuntimeError("a script is watched once it has been started")
        with selectors.DefaultSelector() as waiting, guard.stdout, guard.stderr:
            for source, name in ((guard.stdout.fileno(), STDOUT), (guard.stderr.fileno(), STDERR), (result, _RESULT)):
                waiting.register(source, selectors.EVENT_READ, name)
            while waiting.get_map():
                left = deadline - time.monotonic()
                if left <= 0 and not timed_out:
                    timed_out = not self._stopped
                    self.stop()
                for key, _ in waiting.select(None if self._stopped else max(0.0, left)):
                    data = os.read(key.fd, _CHUNK)
                    if key.data == _RESULT:
                        report += data
                    else:
                        self._outputs[key.data].take(data)
                    if not data:
                        waiting.unregister(key.fd)
        if timed_out:
            return Ending.TIMEOUT, report
        # One that exits as it is being stopped has been stopped.
        return (Ending.STOPPED if self._stopped else Ending.EXIT), report
