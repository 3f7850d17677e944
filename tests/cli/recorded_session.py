"""Somebody at a terminal, whose session is recorded as asciinema does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from tests.cli.conftest import START, Clock
from tests.cli.screen import Screen

from wavebreak_cli.main import invoke
from wavebreak_cli.session import Environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.live import Live
    from tests.cli.fake_api import FakeApi, Json

ADDRESS = "http://127.0.0.1:4566/v1"


class _Recorder:
    """A file that keeps what is written to it, with the time."""

    encoding = "utf-8"

    def __init__(self, clock: Clock, screen: Screen) -> None:
        self.clock, self.screen = clock, screen
        self.events: list[tuple[float, str]] = []

    def write(self, text: str) -> int:
        """Keep a piece of text."""
        self.screen.write(text)
        self.events.append(((self.clock.at - START).total_seconds(), text.replace("\n", "\r\n")))
        return len(text)

    def flush(self) -> None:
        """Do nothing: all is kept at once."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


@dataclass
class Session:
    """Somebody at a terminal: runs commands, types answers, and looks at the screen."""

    api: FakeApi
    clock: Clock
    directory: Path
    size: tuple[int, int]
    lives: list[Live] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)
    others: list[Session] = field(default_factory=list)
    frozen_until: datetime | None = None
    pictures: list[str] = field(default_factory=list)
    """What stood on the screen at each reading that came too late."""
    broken: list[AssertionError] = field(default_factory=list)
    """What failed while the API was asked: in another thread, where nothing else tells of it."""

    def __post_init__(self) -> None:
        """Begin with an empty screen."""
        self.screen = Screen(*self.size)
        self.recorder = _Recorder(self.clock, self.screen)
        self.console = Console(
            file=self.recorder,  # type: ignore[arg-type]  # all of a file that rich uses
            width=self.size[0],
            height=self.size[1],
            force_terminal=True,
            color_system="256",
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={"TERM": "xterm-256color"},
        )

    def run(self, line: str) -> int:
        """Type a command line and wait for its end."""
        self.recorder.write(f"$ {line}\n")
        around = Environment(
            out=self.console,
            err=self.console,
            directory=self.directory,
            now=self.clock.now,
            sleep=self.clock.sleep,
            new_key=lambda: "key-1",
            ask=self._ask,
        )
        code = invoke(line.removeprefix("wavebreak ").split(), around)
        self.recorder.write("\n")
        return code

    def _ask(self, question: str) -> str:
        answer = self.typed.pop(0)
        self.recorder.write(f"{question}{answer}\n")
        return answer

    def another(self) -> Session:
        """Sit down at a second terminal of the same size."""
        self.others.append(Session(self.api, self.clock, self.directory, self.size))
        return self.others[-1]

    def meanwhile(self, do: Callable[[], object], waits: Json) -> Callable[[], Json]:
        """Do something while a reading is waited for; what fails in it fails the session."""

        def reading() -> Json:
            try:
                do()
            except AssertionError as failed:
                self.broken.append(failed)
            return waits

        return reading

    def hold(self, request: httpx.Request) -> None:
        """Let a request wait for as long as the API is frozen, or as it waits itself; the view is drawn meanwhile."""
        until = self.clock.at + timedelta(seconds=request.extensions["timeout"]["read"])
        while self.frozen_until is not None and self.clock.at < min(until, self.frozen_until):
            self.clock.at += timedelta(seconds=1)
            for live in self.lives[-1:]:
                live.refresh()
        if self.frozen_until is not None and self.clock.at < self.frozen_until:
            self.pictures.append("\n".join(self.screen.shown))
            raise httpx.ReadTimeout("timed out", request=request)

    def sees(self, *texts: str) -> None:
        """Fail unless all of it stands on the screen."""
        shown = "\n".join(self.screen.shown)
        for text in texts:
            assert text in shown, f"{text!r} is not on the screen:\n{shown}"

    def recording(self) -> str:
        """Write the session as asciinema does, without what differs from run to run."""
        width, height = self.size
        header = {"version": 2, "width": width, "height": height}
        written = [json.dumps(header), *(json.dumps([at, "o", text]) for at, text in self.recorder.events)]
        return "\n".join(written).replace(self.api.url, ADDRESS) + "\n"
