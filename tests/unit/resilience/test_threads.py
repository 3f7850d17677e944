"""Work in threads: in the context of what began it, its answers in their order."""

from contextvars import ContextVar
from functools import partial
from threading import Barrier

import pytest

from wavebreak.resilience.threads import side_by_side

asked_by: ContextVar[str] = ContextVar("asked_by", default="nobody")


def test_work_knows_the_context_of_what_began_it_and_changes_none_but_its_own() -> None:
    def work(name: str) -> str:
        before = asked_by.get()
        asked_by.set(name)
        return f"{name} of {before}"

    asked_by.set("the caller")
    assert side_by_side([partial(work, name) for name in "abc"], 2, "test") == [
        "a of the caller",
        "b of the caller",
        "c of the caller",
    ]
    assert asked_by.get() == "the caller"


def test_works_run_at_once() -> None:
    both = Barrier(2, timeout=30)
    assert sorted(side_by_side([both.wait, both.wait], 2, "test")) == [0, 1]


def test_a_fault_is_raised_when_all_are_over() -> None:
    done: list[str] = []

    def failing() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        side_by_side((failing, partial(done.append, "b")), 1, "test")
    assert done == ["b"]
