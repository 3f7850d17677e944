"""Several questions to DRS at a time, each with its answer or the trouble that stood in its way."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.drs import is_denied
from wavebreak.sightings import Trouble
from wavebreak.store.table import error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ASKING_SECONDS: Final = 8.0
"""How long questions are begun. The last one then takes 13 s at most (`clients.drs`, brief), so that whoever waits for
the API has an answer within 25 s."""
_AT_ONCE: Final = 8
"""Below the ten connections that a client keeps."""


class Asking:
    """Asks until its time is over; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin to count."""
        self._clock = clock
        self._until = clock() + ASKING_SECONDS

    @property
    def over(self) -> bool:
        """Whether nothing new may be asked."""
        return self._clock() >= self._until

    def all(self, questions: Sequence[tuple[str, Callable[[], Any]]]) -> list[Any]:
        """Ask questions, each an operation's name and the call, and give answers or Troubles in their order."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="asking") as pool:
            return list(pool.map(lambda question: self._ask(*question), questions))

    def _ask(self, operation: str, call: Callable[[], Any]) -> Any:
        if self.over:
            return Trouble(operation, "there was no time left to ask", asked=False)
        try:
            return call()
        except ClientError as error:
            code = error_code(error)
            message = error.response.get("Error", {}).get("Message")
            return Trouble(operation, f"{code}: {message}" if message else code, denied=is_denied(error))
        except BotoCoreError as error:
            return Trouble(operation, str(error))
