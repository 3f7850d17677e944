"""DRS looked at in several accounts and Regions within one round: at the same time, and none holds up the others.

All of them share the round's limit. A place that failed is not asked again in the same round; what it did not tell is
asked for in the next one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from wavebreak.clients import UnsupportedPlace
from wavebreak.errors import Severity
from wavebreak.resilience import FAULTS, Deadline, ending_in, series_seconds
from wavebreak.timeouts import log_expiry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wavebreak.app import App
    from wavebreak.drs import Drs
    from wavebreak.model import Place

T = TypeVar("T")

_AT_ONCE: Final = 8


class Places:
    """The places of one round."""

    def __init__(self, app: App) -> None:
        """Begin the round: no call is begun that might not end within it."""
        self.failed: set[Place] = set()
        self._app = app
        self._deadline = Deadline("observation_round")
        self._longest = min(series_seconds("drs_call"), self._deadline.seconds / 2)

    def ask(self, what: str, questions: Mapping[Place, Callable[[Drs], T]]) -> dict[Place, T]:
        """Ask each place its question and give the answers of those that answered; `what` is for the log."""
        ready = [(place, drs) for place in questions if (drs := self._adapter(what, place)) is not None]
        if not ready:
            return {}
        asked = {place: partial(self._one, what, place, drs, questions[place]) for place, drs in ready}
        if len(ready) == 1:
            answers = [question() for question in asked.values()]
        else:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="place") as pool:
                pending = [pool.submit(copy_context().run, question) for question in asked.values()]
            answers = [future.result() for future in pending]
        return {place: answer[0] for place, answer in zip(asked, answers, strict=True) if answer}

    def _adapter(self, what: str, place: Place) -> Drs | None:
        """Give the adapter of a place that has not failed. It is made in one thread: making several is not safe."""
        if place in self.failed:
            return None
        try:
            return self._app.drs_at(place)
        except (*FAULTS, UnsupportedPlace) as error:
            self._lost(what, place, error)
            return None

    def _one(self, what: str, place: Place, drs: Drs, question: Callable[[Drs], T]) -> tuple[T] | None:
        left = self._deadline.left
        if left < self._longest:
            log_expiry(self._deadline.operation, self._deadline.seconds, question=what, place=str(place))
            self.failed.add(place)
            return None
        try:
            with ending_in(left):
                return (question(drs),)
        except FAULTS as error:
            self._lost(what, place, error)
            return None

    def _lost(self, what: str, place: Place, error: Exception) -> None:
        self._app.errors.record_error(error, Severity.WARNING, question=what, place=str(place))
        self.failed.add(place)
