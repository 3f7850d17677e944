"""Several questions to DRS at a time, each with its answer or the trouble that stood in its way."""

from __future__ import annotations

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from wavebreak.faults import FAULTS, error_code, is_denied
from wavebreak.resilience import Deadline, series_seconds
from wavebreak.sightings import Trouble
from wavebreak.wire import BRIEF_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_AT_ONCE: Final = 8
"""Below the ten connections that a client keeps."""


class Question(NamedTuple):
    """A call of DRS: its operation's name, what makes it, and the place that is asked."""

    operation: str
    call: Callable[[], Any]
    place: Hashable = None


class Asking:
    """Asks until its time is over; `clock` counts seconds.

    Begun are questions for the limit `asking`, and the last one then takes a brief call of DRS (13 s), so that whoever
    waits for the API has an answer in time. Places are asked side by side, and one that gives no answer at all is asked
    nothing more.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count."""
        longest = series_seconds("drs_brief_call", BRIEF_ATTEMPTS)
        self._deadline = Deadline("asking", reserve=longest, clock=clock)
        self._failed: dict[Hashable, str] = {}

    @property
    def over(self) -> bool:
        """Whether nothing new may be asked."""
        return self._deadline.over

    def all(self, questions: Sequence[Question]) -> list[Any]:
        """Ask questions and give answers or Troubles in their order."""
        by_place: dict[Hashable, list[Question]] = defaultdict(list)
        for question in questions:
            by_place[question.place].append(question)
        width = max(1, _AT_ONCE // max(1, len(by_place)))
        with ExitStack() as pools:
            asked = {
                place: pools.enter_context(ThreadPoolExecutor(width, thread_name_prefix="asking")) for place in by_place
            }
            pending = [asked[each.place].submit(copy_context().run, self._ask, each) for each in questions]
            wait(pending)
        return [future.result() for future in pending]

    def _ask(self, question: Question) -> Any:
        operation = question.operation
        if question.place in self._failed:
            return Trouble(operation, f"not asked after {self._failed[question.place]} failed", asked=False)
        if self.over:
            return Trouble(operation, "there was no time left to ask", asked=False)
        try:
            return question.call()
        except ClientError as error:
            code = error_code(error)
            message = error.response.get("Error", {}).get("Message")
            return Trouble(operation, f"{code}: {message}" if message else code, denied=is_denied(error))
        except FAULTS as error:
            self._failed[question.place] = operation
            return Trouble(operation, str(error))
