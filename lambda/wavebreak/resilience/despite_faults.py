"""One after the other, where one that fails does not keep the others from their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def each_despite_faults(
    items: Iterable[T],
    work: Callable[[T], int],
    on_fault: Callable[[Exception, T], object],
    is_over: Callable[[], bool] = lambda: False,
    *,
    raises: bool = True,
) -> int:
    """Do the work for each item and return the sum of what it counts.

    `on_fault` is given each fault with its item; the last one is raised in the end, where `raises` says so. Nothing
    more is begun once `is_over` does.
    """
    count = 0
    fault: Exception | None = None
    for item in items:
        if is_over():
            break
        try:
            count += work(item)
        except Exception as error:  # noqa: BLE001  the doorway of each item: raised below
            on_fault(error, item)
            fault = error
    if fault is not None and raises:
        raise fault
    return count
