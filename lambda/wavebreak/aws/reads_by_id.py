"""Reads of many subjects by their ids, of which one that the service cannot report holds up no other.

A service answers for all ids of a call or for none. Ids that are refused together, or answered by a fault, are halved
until those are alone that it is about. They are remembered: the next reads leave them out, and ask for each alone when
its pause is over. A site that is silent or throttles is not searched: none of these ids is at fault then.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import FAULTS, error_code, may_be_of_subjects, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")

MOST_CALLS: Final = 150
"""Calls of one read: what is not isolated by then is isolated by the next reads, which leave out known ids."""
_PROBED_AFTER: Final = 3
"""Calls refused in a row from the first, after which single ids tell whether all are refused."""
_PROBES: Final = 5
_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 60.0


class PartialReadError(Unavailable, Generic[T]):
    """A service reported some subjects and not others."""

    def __init__(self, operation: str, found: list[T], troubles: Mapping[str, Exception]) -> None:
        """Keep the operation, its answers, and the fault of each id without an answer."""
        self.operation = operation
        self.found = found
        self.troubles = dict(troubles)
        first = next(iter(self.troubles))
        super().__init__(f"{operation} of {len(self.troubles)}, {first} the first: {self.words[first]}")

    @property
    def words(self) -> dict[str, str]:
        """Why the service does not report each, in its own words."""
        return {name: reason_of(error) for name, error in self.troubles.items()}


def partly(ask: Callable[[], Iterable[T]]) -> tuple[list[T], dict[str, str]]:
    """Ask; return what was reported, and by id why the others were not."""
    try:
        return list(ask()), {}
    except PartialReadError as error:
        return error.found, {name: f"{error.operation}: {words}" for name, words in error.words.items()}


def reported_only(ask: Callable[[], Iterable[T]]) -> list[T]:
    """Ask, and return what was reported; the others are left out."""
    return partly(ask)[0]


class _Refused(NamedTuple):
    """That a service refuses to report a subject: its words, until when it is not asked, and how often it was."""

    error: ClientError
    until: float
    times: int


class ReadsById:
    """The reads of one service in one account and Region, and the ids that it does not report."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with no refused ids; `clock` counts seconds."""
        self._clock = clock
        self._refused: dict[tuple[str, str], _Refused] = {}

    def read(
        self,
        operation: str,
        ids: Sequence[str],
        size: int,
        ask: Callable[[Sequence[str]], Iterable[T]],
        ask_again: Callable[[Sequence[str]], Iterable[T]],
    ) -> list[T]:
        """Read subjects, `size` of them a call; `ask_again` asks for fewer of those that `ask` was refused for.

        Raise PartialReadError where some are reported. Where none is, the request is refused or the service is ill:
        its own error.
        """
        known = {name: self._refused[operation, name] for name in ids if (operation, name) in self._refused}
        fresh = [name for name in ids if name not in known] or list(ids)
        reading = _Reading(ask, ask_again)
        for start in range(0, len(fresh), size):
            reading.read(fresh[start : start + size])
        if len(fresh) < len(ids):
            now = self._clock()
            reading.troubles |= {name: refused.error for name, refused in known.items() if now < refused.until}
            for name in known.keys() - reading.troubles.keys():
                reading.read_alone(name)
        if reading.troubles and not reading.reported:
            raise next(iter(reading.troubles.values()))
        self._remember(operation, reading)
        if reading.troubles:
            raise PartialReadError(operation, reading.found, reading.troubles)
        return reading.found

    def _remember(self, operation: str, reading: _Reading[T]) -> None:
        """Remember those that were refused alone, each longer than last time, and forget those that are reported."""
        for name in reading.reported:
            self._refused.pop((operation, name), None)
        for name, error in reading.alone.items():
            before = self._refused.get((operation, name))
            times = before.times + 1 if before else 0
            pause = min(_FIRST_PAUSE_SECONDS * 2.0**times, _LONGEST_PAUSE_SECONDS)
            self._refused[operation, name] = _Refused(error, self._clock() + pause, times)


class _Reading(Generic[T]):
    """One read."""

    def __init__(
        self, ask: Callable[[Sequence[str]], Iterable[T]], ask_again: Callable[[Sequence[str]], Iterable[T]]
    ) -> None:
        self.found: list[T] = []
        self.reported: set[str] = set()
        self.troubles: dict[str, Exception] = {}
        self.alone: dict[str, ClientError] = {}
        """Those of the troubled that were refused alone."""
        self._ask = ask
        self._ask_again = ask_again
        self._calls = 0

    def read(self, ids: Sequence[str]) -> None:
        """Read the ids of one call."""
        refusal = self._refusal(ids, self._ask)
        if refusal is not None:
            self._isolate(ids, refusal)

    def read_alone(self, name: str) -> None:
        """Read one id that was refused before; the outcome says nothing about other ids."""
        try:
            refusal = self._refusal([name], self._ask_again)
        except FAULTS as error:
            self.troubles[name] = error
            return
        if refusal is not None:
            self._blame(name, refusal)

    def _refusal(self, ids: Sequence[str], ask: Callable[[Sequence[str]], Iterable[T]]) -> ClientError | None:
        """Ask for ids; return the refusal or fault that may be due to one of them, and raise all others."""
        self._calls += 1
        try:
            self.found += list(ask(ids))
        except ClientError as error:
            if not may_be_of_subjects(error):
                raise
            return error
        self.reported.update(ids)
        return None

    def _blame(self, name: str, refusal: ClientError) -> None:
        self.troubles[name] = self.alone[name] = refusal

    def _isolate(self, ids: Sequence[str], refusal: ClientError) -> None:
        """Search refused ids for those that the refusal is about; raise it when it is about all of them."""
        left: list[Sequence[str]] = _halves(ids) if len(ids) > 1 else []
        if not left:
            self._blame(ids[0], refusal)
        words: Exception = refusal
        refused, probed = 1, False
        while left and self._calls < MOST_CALLS:
            group = [name for name in left.pop() if name not in self.reported and name not in self.alone]
            if not group:
                continue
            try:
                again = self._refusal(group, self._ask_again)
                refused += again is not None
                if again is not None and len(group) == 1:
                    self._blame(group[0], again)
                elif again is not None:
                    left += _halves(group)
                if refused >= _PROBED_AFTER and not self.reported and not probed and left:
                    probed = True
                    self._probe(ids, refusal)
            except FAULTS as error:
                if not self.reported:
                    raise
                words = error
                break
        self.troubles |= {name: words for name in ids if name not in self.reported and name not in self.alone}

    def _probe(self, ids: Sequence[str], refusal: ClientError) -> None:
        """Ask for some automatically; where none is reported, the refusal is the request's, and is raised."""
        for name in random.sample(list(ids), min(_PROBES, len(ids))):
            again = self._refusal([name], self._ask_again) if name not in self.alone else self.alone[name]
            if again is not None:
                self._blame(name, again)
        if not self.reported and {error_code(error) for error in self.alone.values()} == {error_code(refusal)}:
            raise refusal


def _halves(ids: Sequence[str]) -> list[Sequence[str]]:
    """Return two halves, the first one last: it is taken next."""
    middle = len(ids) // 2
    return [ids[middle:], ids[:middle]]
