"""The answers of many targets to one query as one list, best first.

Requirement S1-14. A target answers with JSON lines `{"score": 0.92, "text": "..."}`. What is kept is bounded by the
limit and by a number of bytes, however many targets there are (S0-15).
"""

from __future__ import annotations

import heapq
import json
import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from wavebreak.domain.commands.safe_output import decoded

if TYPE_CHECKING:
    from wavebreak.domain.commands.results import ExecutionResult

DEFAULT_LIMIT: Final = 10
"""Rows of a merge by default; 0 is all."""


class MergedRow(TypedDict):
    """One answer and the target that it came from."""

    target: str
    score: float
    text: str


class QueryAnswer(NamedTuple):
    """What one target answered: rows of score and text in the order printed, and how many lines were none.

    `cut` says that it printed more than there is here: rows may be missing, the best ones too.
    """

    rows: tuple[tuple[float, str], ...] = ()
    skipped: int = 0
    cut: bool = False


class _Ranked(NamedTuple):
    """A row that sorts as it ranks: the better one is greater. Target and line, negated, decide between equals."""

    score: float
    position: int
    line: int
    target: str
    text: str


def parse_answer(stdout: str) -> QueryAnswer:
    """Read the JSON lines of one target. Blank lines are nothing; a line that is no row is skipped and counted.

    A row is an object with a finite number `score` and a string `text`; further members are ignored.
    """
    rows: list[tuple[float, str]] = []
    skipped = 0
    for line in stdout.split("\n"):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line.strip():
            skipped += 1
    return QueryAnswer(tuple(rows), skipped)


def _row(line: str) -> tuple[float, str] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # Numbers of thousands of digits and lines nested beyond reason, too.
        return None
    score = _score(found.get("score"))
    text = found.get("text")
    return None if score is None or not isinstance(text, str) else (score, decoded(text))


def _score(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        score = float(value)
    except OverflowError:
        return None
    return score if math.isfinite(score) else None


class QueryMerger:
    """Merges answers as they arrive, in any order: score descending, then order of targets, then order of lines.

    `number` is the place of the target in the order given. Failed targets are listed beside, and whatever they had
    printed is left out: half an answer ranks as if it were whole.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT, room: int | None = None) -> None:
        """Keep how many rows to keep over all targets, 0 for all, and how many bytes of JSON they may have together."""
        if limit < 0:
            raise ValueError(f"a limit of {limit} rows")
        self._limit = limit
        self._room = room
        self._best: list[_Ranked] = []
        self._bytes = 0
        self._rows = 0
        self._worse_than_all: _Ranked | None = None
        """The best row that was let go: what ranks below it has no place either."""
        self._failed: dict[int, str] = {}
        self.skipped = 0
        self.cut = 0
        """Targets that printed more than was read of them."""

    def add(self, number: int, result: ExecutionResult) -> None:
        """Add the result of one target, with its whole output: cutting it before would cost a row."""
        if result.success:
            self.add_answer(number, result.target, parse_answer(result.stdout))
        else:
            self._failed[number] = result.target

    def add_answer(self, number: int, target: str, answer: QueryAnswer) -> None:
        """Add an answer that was read before."""
        self.skipped += answer.skipped
        self.cut += answer.cut
        self._rows += len(answer.rows)
        for line, (score, text) in enumerate(answer.rows):
            self._take(_Ranked(score, -number, -line, target, text))

    def _take(self, row: _Ranked) -> None:
        if self._worse_than_all is not None and row < self._worse_than_all:
            return
        heapq.heappush(self._best, row)
        self._bytes += _size(row)
        while self._is_over():
            worst = heapq.heappop(self._best)
            self._bytes -= _size(worst)
            self._worse_than_all = worst

    def _is_over(self) -> bool:
        too_many = bool(self._limit) and len(self._best) > self._limit
        return too_many or (self._room is not None and self._bytes > self._room)

    @property
    def left_out(self) -> int:
        """Rows within the limit for which there was no room."""
        return min(self._rows, self._limit or self._rows) - len(self._best)

    @property
    def failed_targets(self) -> list[str]:
        """Targets that failed, in the order given."""
        return [self._failed[number] for number in sorted(self._failed)]

    def merged(self) -> list[MergedRow]:
        """Return the best rows so far, best first."""
        return [_merged_row(row) for row in sorted(self._best, reverse=True)]


def _merged_row(row: _Ranked) -> MergedRow:
    return {"target": row.target, "score": row.score, "text": row.text}


def _size(row: _Ranked) -> int:
    return len(json.dumps(_merged_row(row), ensure_ascii=False).encode()) + 1
