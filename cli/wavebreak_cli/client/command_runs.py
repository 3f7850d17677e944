"""Command runs as they are read from the API: how a run stands, the results so far, and the lines of a `watch`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from wavebreak.domain.commands.catalogue import CommandName
from wavebreak.domain.commands.result_documents import result_of
from wavebreak.domain.commands.summary import CommandRunStatus
from wavebreak.values import Value, field, replace
from wavebreak_cli.client.answers import named
from wavebreak_cli.client.request import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.commands.results import ExecutionResult
    from wavebreak_cli.client.answers import CommandLine, CommandRun
    from wavebreak_cli.client.api import Api

_RESULTS_A_PAGE: Final = 50
"""A result is up to 20 KB, so this many fit any answer."""
_LINES_A_PAGE: Final = 1000
_LISTED: Final = re.compile(r"^( +• )(\S+)", re.MULTILINE)
"""A target in the list of those that failed, in a summary."""
_PAGES_A_READING: Final = 20
"""Pages of lines read before what they hold is shown."""


class Entry(Value):
    """The result of one target: its position in the given order, from 1, the API's document and the parsed result."""

    number: int
    document: dict[str, Any]
    result: ExecutionResult


class RunReading(Value):
    """The state of a run: `entries` are all results so far in the given order, `lines` only the new ones."""

    run: CommandRun
    entries: tuple[Entry, ...] = ()
    lines: tuple[CommandLine, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return CommandRunStatus(self.run["status"]).is_terminal

    @property
    def is_watch(self) -> bool:
        """Whether the run follows its targets' logs."""
        return self.run.get("command") == CommandName.WATCH


def with_names(reading: RunReading, names: Mapping[str, str]) -> RunReading:
    """Return a reading whose targets have their names before their ids, for people; its documents stay as they are."""
    if not names:
        return reading
    entries = tuple(
        replace(one, result=replace(one.result, target=named(one.result.target, names))) for one in reading.entries
    )
    lines = tuple(
        cast("CommandLine", {**line, "target": named(str(line.get("target")), names)}) for line in reading.lines
    )
    merged = [{**row, "target": named(str(row.get("target")), names)} for row in reading.run.get("merged") or []]
    changed: dict[str, Any] = {"merged": merged} if merged else {}
    if reading.run.get("summary"):
        changed["summary"] = _LISTED.sub(lambda line: line[1] + named(line[2], names), str(reading.run["summary"]))
    return RunReading(cast("CommandRun", {**reading.run, **changed}), entries, lines)


class RunReader(Struct):
    """Reads a run and those of its results that are new."""

    api: Api
    command_id: str
    _known: dict[int, Entry] = field(default_factory=dict)
    _counted: int = 0
    _token: str | None = None
    """Where the first result stands that may still be missing; all before it are known."""

    def read(self) -> RunReading:
        """Take a reading; its calls are made once each, repeats are the watch's business."""
        run = cast("CommandRun", self.api.get(path_of("commands", self.command_id), attempts=1))
        counted = run.get("succeeded", 0) + run.get("failed", 0)
        over = CommandRunStatus(run["status"]).is_terminal
        if counted != self._counted or over:
            self._read_results()
            if over and len(self._known) < run.get("total", 0):
                self._token = None
                self._read_results()
            self._counted = counted
        return RunReading(run, tuple(self._known[number] for number in sorted(self._known)))

    def _read_results(self) -> None:
        token = self._token
        while True:
            query = {"limit": _RESULTS_A_PAGE, "nextToken": token}
            page = self.api.get(path_of("commands", self.command_id, "results"), query, attempts=1)
            items = page.get("items") or []
            for document in items:
                number = int(document["number"])
                self._known.setdefault(number, Entry(number, document, result_of(document)))
            before, token = token, page.get("nextToken")
            if not token:
                return
            if before == self._token and len(items) == _RESULTS_A_PAGE and self._known_up_to(items[-1]["number"]):
                self._token = token

    def _known_up_to(self, number: int) -> bool:
        return all(before in self._known for before in range(1, number + 1))


class LineReader(Struct):
    """Reads the lines that the targets of a run write, and the results once no more lines will come."""

    results: RunReader
    started: CommandRun
    _token: str | None = None
    _complete: bool = False
    _lines: list[CommandLine] = field(default_factory=list)

    def read(self) -> RunReading:
        """Take a reading: lines that came since the last one, oldest first, and the end once all are there."""
        for _ in range(_PAGES_A_READING):
            if self._complete or not self._read_page():
                break
        reading = self.results.read() if self._complete else RunReading(self.started)
        lines, self._lines = sorted(self._lines, key=lambda line: line.get("at", "")), []
        return RunReading(reading.run, reading.entries, tuple(lines))

    def _read_page(self) -> bool:
        """Read one page and keep it even if the next call fails; return whether it was not empty."""
        query = {"limit": _LINES_A_PAGE, "nextToken": self._token}
        page = self.results.api.get(path_of("commands", self.results.command_id, "lines"), query, attempts=1)
        found = page.get("items") or []
        self._lines += found
        self._token = page.get("nextToken")
        self._complete = self._token is None
        return bool(found)
