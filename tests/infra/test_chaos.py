"""What `make chaos` makes of the outcomes of its days."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tools.chaos import __main__ as chaos
from tools.chaos.outcomes import Day, Outcome, between, same
from tools.local_stack.api_client import UnexpectedError
from tools.template import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


class QuietProduct:
    """A product that records two errors between any two looks, and counts how often its faults were cleared."""

    def __init__(self) -> None:
        self.api = self.control = self
        self.reads = self.cleared = 0

    def get(self, _path: str) -> dict[str, Any]:
        self.reads += 1
        return {"byCategory": {"DRS": 2 * self.reads, "DATABASE": 1}}

    def clear_faults(self) -> None:
        self.cleared += 1


@pytest.fixture
def product(monkeypatch: pytest.MonkeyPatch) -> QuietProduct:
    quiet = QuietProduct()

    @contextmanager
    def local_product(_seed: int) -> Iterator[QuietProduct]:
        yield quiet

    monkeypatch.setattr(chaos, "_local_product", local_product)
    return quiet


def day(*outcomes: Outcome, error: Exception | None = None) -> Day:
    def play(_product: object) -> Iterator[Outcome]:
        yield from outcomes
        if error is not None:
            raise error

    return Day("a-day", "something breaks", play)


GOOD = same("the drill ends", "COMPLETED", "COMPLETED")
BAD = between("calls", 12, 0, 9)


def test_days_that_come_out_as_expected_end_with_0_and_tell_the_errors_recorded(
    product: QuietProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos.rehearse([day(GOOD), day(GOOD)]) == 0
    reported = capsys.readouterr().out
    assert reported.count("✓ the drill ends: COMPLETED") == 2
    assert reported.count("errors recorded: DRS 2;") == 2
    assert "✓ 2 bad days, all as expected" in reported
    assert product.cleared == 2


def test_one_wrong_outcome_ends_with_1_and_the_other_days_are_played(
    product: QuietProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos.rehearse([day(GOOD, BAD), day(GOOD)]) == 1
    reported = capsys.readouterr().out
    assert "✗ calls: 12 (expected: 0 to 9)" in reported
    assert "different from what is expected: a-day" in reported
    assert product.cleared == 2


def test_a_day_that_breaks_off_is_wrong_and_leaves_no_fault_behind(
    product: QuietProduct, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chaos.rehearse([day(GOOD, error=UnexpectedError("not within 30 s"))]) == 1
    assert "✗ the day: not within 30 s" in capsys.readouterr().out
    assert product.cleared == 1


def test_f27_a_day_that_there_is_not_is_refused_and_those_that_there_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", "rainy"])
    with pytest.raises(SystemExit) as ended:
        chaos.main()
    assert ended.value.code == 2
    reported = capsys.readouterr().err
    assert "no such day: rainy; there are " in reported
    assert all(day.name in reported for day in chaos.CATALOGUE)


def test_every_day_of_the_catalogue_is_documented() -> None:
    text = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert [one.name for one in chaos.CATALOGUE if f"| `{one.name}` |" not in text] == []
