"""One after the other, where one that fails does not keep the others from their turn."""

from __future__ import annotations

import pytest

from wavebreak.resilience.despite_faults import each_despite_faults


class Work:
    """Counts what it is given; some of it fails."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.done: list[str] = []
        self.noted: list[tuple[str, str]] = []

    def __call__(self, item: str) -> int:
        if item in self.failing:
            raise RuntimeError(f"{item} fails")
        self.done.append(item)
        return 2

    def note(self, error: Exception, item: str) -> None:
        self.noted.append((str(error), item))


def test_what_each_counts_is_added_up() -> None:
    work = Work()
    assert each_despite_faults("abc", work, work.note) == 6
    assert (work.done, work.noted) == (["a", "b", "c"], [])


def test_one_that_fails_is_noted_with_its_item_and_keeps_no_other_from_its_turn() -> None:
    work = Work("a", "c")
    with pytest.raises(RuntimeError, match="c fails"):
        each_despite_faults("abcd", work, work.note)
    assert work.done == ["b", "d"]
    assert work.noted == [("a fails", "a"), ("c fails", "c")]


def test_nothing_more_is_begun_once_it_is_over_and_a_fault_of_before_is_raised_all_the_same() -> None:
    work = Work("a")
    with pytest.raises(RuntimeError, match="a fails"):
        each_despite_faults("abcd", work, work.note, lambda: len(work.done) == 2)
    assert work.done == ["b", "c"]


def test_where_nothing_is_raised_the_others_are_counted_all_the_same() -> None:
    work = Work("b")
    assert each_despite_faults("abc", work, work.note, raises=False) == 4
    assert work.noted == [("b fails", "b")]
