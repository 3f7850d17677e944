"""Work in threads, each piece in a copy of the context of what began it: its log fields and its deadline go along."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

P = ParamSpec("P")
T = TypeVar("T")


def begin(pool: ThreadPoolExecutor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin work in a thread of a pool, in a copy of the present context."""
    return pool.submit(partial(copy_context().run, work, *args, **kwargs))


def side_by_side(works: Iterable[Callable[[], T]], at_once: int, name: str) -> list[T]:
    """Do works, so many at once, and return what they return in their order; a fault is raised when all are over."""
    with ThreadPoolExecutor(at_once, thread_name_prefix=name) as pool:
        pending = [begin(pool, work) for work in works]
    return [future.result() for future in pending]
