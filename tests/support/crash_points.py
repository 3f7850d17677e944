"""A function that is killed at one of its writes: before DynamoDB took it, or after and before it knew."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.support.process_death import Killed

from wavebreak.store.table import Table
from wavebreak.store.wake_tokens import WakeStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITES: Final = ((Table, "transact"), (Table, "_write_batch"), (WakeStore, "_update"))
"""Every way in which the product writes to its table while it starts, ends, terminates and deletes."""


@dataclass
class Death:
    """The death at the n-th write, counted from 0; `after` it was carried out, or before."""

    write: int
    after: bool
    seen: int = 0

    def at(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Make a write that counts, and that is the last one when its turn has come."""
        mine = threading.get_ident()

        def written(*arguments: Any, **options: Any) -> Any:
            if threading.get_ident() != mine:
                return original(*arguments, **options)
            turn, self.seen = self.seen, self.seen + 1
            if turn == self.write and not self.after:
                raise Killed
            answer = original(*arguments, **options)
            if turn == self.write:
                raise Killed
            return answer

        return written


@contextmanager
def dying(death: Death) -> Iterator[None]:
    """Have what this thread does within the block die so."""
    with ExitStack() as patches:
        for owner, name in WRITES:
            patches.enter_context(patch.object(owner, name, death.at(getattr(owner, name))))
        yield


def each_death(work: Callable[[], Any]) -> Iterator[Death]:
    """Do `work` again and again, killed at every one of its writes in turn; ends when it was not killed any more.

    Whoever takes a death looks at what it left, and puts things back for the next.
    """
    for write in range(50):
        for after in (False, True):
            death = Death(write, after)
            try:
                with dying(death):
                    work()
            except Killed:
                yield death
            else:
                assert write > 0, "nothing was written"
                return
    raise AssertionError("the work never comes to its end")
