"""The command line against a fake API: one call runs a command as a process would, and returns what it printed."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.fake_api import FakeApi, serving

from wavebreak_cli.main import invoke
from wavebreak_cli.session import Environment

START = datetime(2026, 11, 21, 12, 3, 4, tzinfo=UTC)


@dataclass
class Outcome:
    """What a command line left behind."""

    exit_code: int
    out: str
    err: str


@dataclass
class Clock:
    """A wall clock that only moves when somebody sleeps; at `interrupt_at` sleeps, Ctrl-C is pressed."""

    at: datetime = START
    slept: list[float] = field(default_factory=list)
    interrupt_at: int = 0

    def now(self) -> datetime:
        """Tell the time."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        if len(self.slept) == self.interrupt_at:
            raise KeyboardInterrupt
        self.at += timedelta(seconds=seconds)


@dataclass
class Terminal:
    """Somebody's terminal: its width, whether it is one at all, its encoding, and what is typed."""

    directory: Path
    clock: Clock
    capsys: pytest.CaptureFixture[str]
    width: int = 80
    live: bool = False
    encoding: str = "utf-8"
    typed: str | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Outcome:
        """Run one command line."""
        out, err = self._stream(), self._stream()
        around = Environment(
            out=self._console(out),
            err=Console(file=err, width=200, highlight=False, markup=False, emoji=False),
            directory=self.directory,
            now=self.clock.now,
            sleep=self.clock.sleep,
            new_key=lambda: "key-1",
            ask=self._asker(),
        )
        code = invoke(arguments, around)
        printed = self.capsys.readouterr()  # what typer prints of its own
        return Outcome(code, _text(out) + printed.out, _text(err) + printed.err)

    def _asker(self) -> Callable[[str], str] | None:
        typed = self.typed
        if typed is None:
            return None

        def ask(question: str) -> str:
            self.asked.append(question)
            return typed

        return ask

    def _stream(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(), encoding=self.encoding, write_through=True, newline="\n")

    def _console(self, stream: io.TextIOWrapper) -> Console:
        return Console(
            file=stream,
            width=self.width,
            height=50,
            force_terminal=self.live,
            color_system="256" if self.live else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={"TERM": "xterm-256color"},
        )


def _text(stream: io.TextIOWrapper) -> str:
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode(stream.encoding)


def lines(text: str) -> Sequence[str]:
    """Split into lines without blanks at their ends."""
    return [line.rstrip() for line in text.splitlines()]


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours = ("WAVEBREAK_API_URL", "WAVEBREAK_STACK")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_CA_BUNDLE", *ours, "COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # nobody is there


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """Serve a fake API that the environment points at."""
    with serving(FakeApi()) as served:
        monkeypatch.setenv("WAVEBREAK_API_URL", served.url)
        yield served


@pytest.fixture
def cloudformation(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """Answer as CloudFormation; no API is configured."""
    monkeypatch.delenv("WAVEBREAK_API_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", api.url.removesuffix("/v1"))
    return api


@pytest.fixture
def wavebreak(tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Give the command, run in an empty directory with its output in a pipe."""
    return Terminal(tmp_path, clock, capsys)
