"""The table of docs/aws-behaviour.md: one row for each behaviour of AWS that the product relies on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE: Final = ROOT / "docs" / "aws-behaviour.md"
NOT_ESTABLISHED: Final = "not established"
BUT_NOT: Final = "; not "
"""What stands in a source before the part of a behaviour that it does not report."""
NONE: Final = "\N{EN DASH}"
READ: Final = "read"
DRILL: Final = "drill"

HEADINGS: Final = "| id | behaviour | source | simulator's test | product's test | verified |"

_RULE: Final = "|---|---|---|---|---|---|"
_CELLS: Final = 6
_NAME: Final = re.compile(r"`([a-z0-9-]+)`")
_TEST: Final = re.compile(r"\btest_\w+")


class MalformedError(ValueError):
    """A row of the table has another form than the others; the message quotes it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One behaviour: what it is, where that comes from, which tests hold the simulator and the product to it."""

    id: str
    behaviour: str
    source: str
    simulator_tests: tuple[str, ...]
    product_tests: tuple[str, ...]
    verified: str
    """`read` or `drill`, by what `make verify-aws` sees it; an en dash where it does not look."""

    @property
    def established(self) -> bool:
        """Whether something public says so, and says all of it."""
        return not self.source.startswith(NOT_ESTABLISHED) and BUT_NOT not in self.source


def read(path: Path = TABLE) -> list[Row]:
    """Read every row, in order; raise MalformedError."""
    return list(_rows(path.read_text(encoding="utf-8")))


def _rows(text: str) -> Iterator[Row]:
    for line in _lines(text):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        name = _NAME.fullmatch(cells[0])
        if len(cells) != _CELLS or name is None or cells[5] not in {READ, DRILL, NONE}:
            raise MalformedError(line)
        simulator, product = (tuple(_TEST.findall(cell)) for cell in cells[3:5])
        yield Row(name[1], cells[1], cells[2], simulator, product, cells[5])


def _lines(text: str) -> Iterator[str]:
    """Return the lines of the tables that have the headings of this one."""
    inside = False
    for line in text.splitlines():
        inside = line == HEADINGS or (inside and line.startswith("|"))
        if inside and line not in {HEADINGS, _RULE}:
            yield line
