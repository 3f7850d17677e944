"""Output of targets made bearable: decoded, and cut to a size that can be kept.

Requirement S1-12. Nothing that a target prints is trusted: it may be megabytes, no UTF-8, or made to act on the
terminal of the reader. Output is stored as it came and escaped when it is shown (`harmless_text`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.commands.results import ExecutionResult

MAX_OUTPUT_BYTES: Final = 10_240
"""Bytes of UTF-8 that are kept of each of stdout and stderr, the marker of what was left out included."""

_LEAST_LIMIT: Final = 64
_CONTINUATION: Final = frozenset(range(0x80, 0xC0))
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Shortened(NamedTuple):
    """A text and whether something of it was left out."""

    text: str
    truncated: bool


def decoded(output: bytes | str) -> str:
    """Read output as UTF-8; what is none, lone surrogates too, becomes U+FFFD. The answer can always be encoded."""
    if isinstance(output, bytes):
        return output.decode("utf-8", errors="replace")
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", output)


def shortened(text: str, limit: int = MAX_OUTPUT_BYTES) -> Shortened:
    """Cut a text to at most `limit` bytes of UTF-8: its head, a marker that says how much is missing, its tail.

    No character is split. A text that fits is given back unchanged (but for lone surrogates, see `decoded`).
    """
    if limit < _LEAST_LIMIT:
        raise ValueError(f"a limit of {limit} bytes leaves no room beside the marker")
    text = decoded(text)
    if len(text) <= limit // 4:  # No character has more than four bytes: most output is short and needs no encoding.
        return Shortened(text, truncated=False)
    data = text.encode()
    if len(data) <= limit:
        return Shortened(text, truncated=False)
    room = limit - len(_marker(len(data)).encode())
    head = data[: room // 2].decode(errors="ignore")
    start = len(data) - (room - room // 2)
    while data[start] in _CONTINUATION:
        start += 1
    tail = data[start:].decode()
    return Shortened(head + _marker(start - len(head.encode())) + tail, truncated=True)


def shortened_result(result: ExecutionResult, limit: int = MAX_OUTPUT_BYTES) -> ExecutionResult:
    """Cut both outputs of a result; once `truncated` it stays so."""
    stdout, stderr = shortened(result.stdout, limit), shortened(result.stderr, limit)
    truncated = result.truncated or stdout.truncated or stderr.truncated
    return replace(result, stdout=stdout.text, stderr=stderr.text, truncated=truncated)


def _marker(left_out: int) -> str:
    return f"\n… {left_out:,} bytes left out …\n"
