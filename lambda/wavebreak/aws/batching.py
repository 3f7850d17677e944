"""How large the next call to DRS is, and what it leaves out: one that DRS refuses must not hold up the others. Pure.

StartRecovery and TerminateRecoveryInstances take all of a batch or nothing of it. A batch that is refused for one of
its members, or for its size, is halved; a member that is refused alone is set aside until the next invocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wavebreak.aws.unrepeated import CallRejectedError

BATCHES_A_CALL: Final = 8
"""Batches that one invocation starts, so that it ends well within its timeout; the next look starts the rest."""


class Batches:
    """The batches of one invocation."""

    def __init__(self) -> None:
        """Begin with nothing refused."""
        self._limit: int | None = None
        self._aside: set[str] = set()

    @property
    def left_out(self) -> bool:
        """Whether anything was set aside: it waits for a later invocation."""
        return bool(self._aside)

    def leaves_out(self, subject: str) -> bool:
        """Whether this one was set aside."""
        return subject in self._aside

    def choose(self, subjects: Iterable[str], room: int) -> tuple[str, ...]:
        """Take the next batch from what is due, in its order, of at most `room`."""
        free = tuple(subject for subject in subjects if subject not in self._aside)
        return free[: room if self._limit is None else min(room, self._limit)]

    def narrow(self, subjects: Sequence[str], refusal: CallRejectedError) -> bool:
        """Halve a refused batch; False when it has one member, or when a smaller one would be refused as well."""
        if len(subjects) == 1 or not (refusal.may_concern_one or refusal.smaller_may_fit):
            return False
        self._limit = len(subjects) // 2
        return True

    def set_aside(self, subjects: Iterable[str]) -> None:
        """Leave out what was refused alone: without it the others may fit one call again."""
        self._aside.update(subjects)
        self._limit = None
