"""What is asked of the API: one value for each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from wavebreak_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTEMPTS: Final = 4
"""Calls made in all where a repeat is harmless."""
READ_SECONDS: Final = 8.0
"""How long the answer to a read is waited for: an operator soon sees that nobody answers."""
CALL_SECONDS: Final = 35.0
"""How long the answer to anything else is waited for; API Gateway itself gives up after 29 seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `key` makes a POST repeatable, `attempts` limits how often it is sent."""

    method: str
    path: str
    body: object | None = None
    query: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None
    key: str | None = None
    attempts: int = ATTEMPTS
    patience: float | None = None
    """Seconds for the answer; READ_SECONDS of a GET, CALL_SECONDS of anything else."""

    @property
    def seconds(self) -> float:
        """How long the answer is waited for."""
        return self.patience or (READ_SECONDS if self.method == "GET" else CALL_SECONDS)

    @property
    def repeatable(self) -> bool:
        """Whether a second call does no more than one."""
        return self.method == "GET" or self.key is not None


def path_of(*segments: str | int) -> str:
    """Join path segments, each escaped as a whole; raise ConfigError for one that is no name of anything."""
    for segment in segments:
        if str(segment) in {"", ".", ".."} or not is_text(str(segment)):
            raise ConfigError.because(f"{segment!r} is no id")
    return "/" + "/".join(quote(str(segment), safe="") for segment in segments)


def is_text(value: str) -> bool:
    """Return whether a word of the command line is text: bytes that are no UTF-8 stand in it as half characters."""
    return not any("\ud800" <= character <= "\udfff" for character in value)
