"""What every command shares: its environment, its configuration, and how answers and failures are reported."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from wavebreak_cli.client.endpoint import GlobalOptions, resolve
from wavebreak_cli.errors import ConfigError
from wavebreak_cli.follow_loop import Time
from wavebreak_cli.option_words import as_typed
from wavebreak_cli.views.execution_views import JsonView, LineView, LiveView
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Execution
    from wavebreak_cli.client.api import Api
    from wavebreak_cli.errors import CommandError
    from wavebreak_cli.follow_loop import View

PIPE_WIDTH: Final = 200
"""Cells of a line when the output is no terminal and COLUMNS does not say otherwise."""

_HINTS: Final[Mapping[str, str]] = {
    "FORBIDDEN": "check credentials, Region and permissions: --profile, --region, aws sts get-caller-identity",
    "CONFIRMATION_REQUIRED": "repeat the id of the execution with --confirm ID",
    "PRECONDITION_FAILED": "somebody changed the plan: see wavebreak plan show, then apply again with its version",
}

_NO_WAVE: Final = re.compile(r"(?:Execution )?((?:drill|recovery)-[0-9a-z]+) has no wave ")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def wall_clock() -> datetime:
    """Tell the time in UTC."""
    return datetime.now(UTC)


def console_on(stream: TextIO) -> Console:
    """Make a console; where there is no terminal, lines are long enough not to be broken."""
    wide = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(
        file=stream,
        highlight=False,
        emoji=False,
        markup=False,
        width=PIPE_WIDTH if wide else None,
        force_interactive=None if stream.isatty() else False,  # FORCE_COLOR is for colours: nothing moves in a pipe
    )


def present_directory() -> Path:
    """Return the working directory, even if it was deleted meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def is_deleted() -> bool:
    """Return whether the directory that this runs in was deleted: what is written there goes nowhere."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


@dataclass
class Environment:
    """The world around a command: consoles, time, the directory it runs in, the source of its idempotency keys.

    `ask` puts a question to a person and returns the answer; it is None where nobody can answer.
    """

    out: Console = field(default_factory=lambda: console_on(sys.stdout))
    err: Console = field(default_factory=lambda: console_on(sys.stderr))
    directory: Path = field(default_factory=present_directory)
    now: Callable[[], datetime] = wall_clock
    sleep: Callable[[float], None] = time.sleep
    new_key: Callable[[], str] = lambda: str(uuid.uuid4())
    ask: Callable[[str], str] | None = None


@dataclass
class Shell:
    """One run of the command line."""

    around: Environment
    given: GlobalOptions = field(default_factory=GlobalOptions)
    json: bool = False
    debug: bool = False
    is_followed: bool = False
    """Whether a view tells by itself how long there has been no answer."""
    _api: Api | None = None

    @property
    def screen(self) -> Screen:
        """How things look on standard output."""
        return Screen.of(self.around.out)

    @property
    def api(self) -> Api:
        """The API; the first use looks for it and may raise ConfigError or UnavailableError."""
        if self._api is None:
            from wavebreak_cli.client.api import Api  # noqa: PLC0415 - the HTTP client is slow to load; help needs none

            endpoint = resolve(self.given, self.around.directory)
            report = self._debug_line if self.debug else None
            self._api = Api(endpoint, sleep=self.around.sleep, report=report, waits=self._waits)
        return self._api

    def _waits(self, message: str) -> None:
        if not (self.is_followed or self.json):
            self.note(message)

    def _debug_line(self, line: str) -> None:
        self.note(f"debug: {line}")

    def close(self) -> None:
        """Close the API's connections, if there are any."""
        if self._api is not None:
            self._api.close()

    def print_result(self, document: object, render: Callable[[], RenderableType]) -> None:
        """Print an answer: the document itself with --json, else rendered for people."""
        if self.json:
            self.around.out.file.write(json.dumps(document, indent=2) + "\n")
        else:
            self.around.out.print(render())

    def note(self, message: str) -> None:
        """Write a note to standard error."""
        self.around.err.print(Screen.of(self.around.err).text(message), soft_wrap=True)

    def view(self, known: Execution | None = None) -> View[Execution]:
        """Choose how a watch is shown: JSON lines, live on a terminal, else plain lines.

        What is `known` already is not told again line by line.
        """
        out, now = self.around.out, self.around.now
        self.is_followed = True
        if self.json:
            return JsonView(out, self.screen, now, known)
        if out.is_interactive:
            return LiveView(out, now)
        return LineView(out, self.screen, now, known)

    @property
    def time(self) -> Time:
        """Clock and waiting."""
        return Time(self.around.now, self.around.sleep)

    def question(self, text: str) -> str | None:
        """Ask a person; return None where nobody is there, or nothing is answered."""
        if self.around.ask is None:
            return None
        try:
            return self.around.ask(Screen.of(self.around.err).plain(text) + " ").strip()
        except EOFError:
            return None

    def fail(self, failure: CommandError) -> int:
        """Tell a failure on standard error, as its problem document with --json, and return its exit code."""
        if self.json:
            self.around.err.file.write(json.dumps(failure.problem) + "\n")
            return failure.exit_code
        problem = as_typed(failure.problem)
        self.note(_headline(problem))
        for error in _beside_headline(problem):
            self.note(_place(problem, error))
        status = f" (HTTP {failure.status})" if failure.status else ""
        self.note(f"  code: {failure.code or 'none'}{status}")
        for hint in (_HINTS.get(failure.code), _next_step(failure), failure.hint):
            for line in (hint or "").splitlines():
                self.note(f"  {line}" if line.startswith(" ") else f"  hint: {line}")
        return failure.exit_code


def open_shell(context: typer.Context, as_json: bool) -> Shell:
    """Get the shell that a command runs in; `--json` may stand before or behind the command."""
    shell = context.find_object(Shell)
    if shell is None:
        raise ConfigError.because("the command was started without its environment")
    shell.json = shell.json or as_json
    return shell


def _beside_headline(problem: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List the faults of a problem except the one that its headline names already."""
    errors: list[Mapping[str, Any]] = [error for error in problem.get("errors") or [] if isinstance(error, dict)]
    if len(errors) == 1 and not errors[0].get("line"):
        pointer, message = str(errors[0].get("pointer") or ""), str(errors[0].get("message"))
        detail = str(problem.get("detail"))
        return [] if detail.endswith(message) and pointer in detail else errors
    return errors


def _next_step(failure: CommandError) -> str | None:
    """Return the command for what the problem names."""
    holder = failure.problem.get("executionId")
    if failure.code in {"PLAN_BUSY", "SERVER_BUSY"} and holder:
        return f"wavebreak watch {holder}\nto wait for its end, or to end it: wavebreak cancel {holder}"
    of_wave = _NO_WAVE.match(str(failure.problem.get("detail")))
    if of_wave:
        return f"wavebreak show {of_wave[1]}"
    if failure.code == "NOT_FOUND":
        return "wavebreak plan list, wavebreak executions"
    return None


def _headline(problem: Mapping[str, Any]) -> str:
    parts = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    return "error: " + (": ".join(parts) or "unknown error")


def _place(problem: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """Return where an error is: `file:line: pointer: message` for files, as editors read it, else the pointer."""
    message = ": ".join(str(word) for word in (error.get("pointer"), error.get("message")) if word)
    if problem.get("file") and error.get("line"):
        return f"{problem['file']}:{error['line']}: {message}"
    return f"  {message}"
