"""What SSM Run Command says of a target, read as a result.

The words of `StatusDetails` are those of "Understanding command statuses" in the Systems Manager User Guide and of the
GetCommandInvocation reference; `Status` is coarser and is not read. The guide spells them with spaces, the service
mostly without: both are read. A word that is not known means keep watching and warn; it never means success.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, assert_never

from wavebreak.domain.commands.results import NO_EXIT_CODE, ExecutionResult
from wavebreak.domain.commands.safe_output import decoded
from wavebreak.json_pointers import quoted
from wavebreak.timing import parse_duration, parse_iso
from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_STDOUT_CHARACTERS: Final = 24_000
MAX_STDERR_CHARACTERS: Final = 8_000
"""What GetCommandInvocation returns at most; output of this size may have had more."""


class _Meaning(Enum):
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    TIMED_OUT = auto()
    TIMED_OUT_SOMEWHERE = auto()
    NOT_DELIVERED = auto()
    NOT_REACHED = auto()
    CANCELLED = auto()
    REFUSED = auto()


_MEANINGS: Final[Mapping[str, _Meaning]] = {
    "pending": _Meaning.RUNNING,
    "inprogress": _Meaning.RUNNING,
    "delayed": _Meaning.RUNNING,
    "cancelling": _Meaning.RUNNING,
    "success": _Meaning.SUCCEEDED,
    "failed": _Meaning.FAILED,
    "executiontimedout": _Meaning.TIMED_OUT,
    # The plain word of `Status`: whether the command had been delivered is reported by the response code.
    "timedout": _Meaning.TIMED_OUT_SOMEWHERE,
    "deliverytimedout": _Meaning.NOT_DELIVERED,
    "undeliverable": _Meaning.NOT_DELIVERED,
    # SSM gave the command up before this target's turn, because others had failed: it never got there.
    "terminated": _Meaning.NOT_REACHED,
    "noresponse": _Meaning.NOT_REACHED,
    "cancelled": _Meaning.CANCELLED,
    "invalidplatform": _Meaning.REFUSED,
    "accessdenied": _Meaning.REFUSED,
}
_AGENTS_LAST_WORDS: Final = re.compile(r"(?:^|\n)failed to run commands: exit status \d+\s*\Z")
"""The SSM Agent adds this line to the stderr of every script that fails; it is no word of the script."""


class InvocationReading(Value):
    """What an answer of SSM means: the result, or None while the command runs; `warning` is for the log.

    `undelivered` says that the command never got there and never will: it may be sent again.
    """

    result: ExecutionResult | None
    warning: str | None = None
    undelivered: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the target has to be read again."""
        return self.result is None


def read_invocation(target: str, answer: Mapping[str, Any], timeout_seconds: int) -> InvocationReading:
    """Read an answer of GetCommandInvocation; `timeout_seconds` is the limit that the command ran under.

    The result has all the output that SSM gave: `shortened_result` cuts it for keeping.
    """
    details = answer.get("StatusDetails")
    meaning = _MEANINGS.get(re.sub(r"[\s_-]", "", details).lower()) if isinstance(details, str) else None
    if meaning is None:
        return InvocationReading(None, f"SSM says {quoted(details)} of {quoted(target)}, which is not known")
    stdout, stderr = _text(answer, "StandardOutputContent"), _text(answer, "StandardErrorContent")
    warning = None
    undelivered = _never_began(answer) and (
        meaning is _Meaning.NOT_DELIVERED
        or (meaning is _Meaning.TIMED_OUT_SOMEWHERE and _exit_code(answer) == NO_EXIT_CODE)
    )
    match meaning:
        case _Meaning.RUNNING:
            return InvocationReading(None)
        case _Meaning.SUCCEEDED:
            result = _succeeded(target, _exit_code(answer), stdout, stderr)
        case _Meaning.FAILED:
            result = _failed(target, _exit_code(answer), stdout, _AGENTS_LAST_WORDS.sub("", stderr))
        case _Meaning.TIMED_OUT_SOMEWHERE if _exit_code(answer) == NO_EXIT_CODE:
            result = ExecutionResult.unreachable(target)
        case _Meaning.TIMED_OUT | _Meaning.TIMED_OUT_SOMEWHERE:
            result = ExecutionResult.timed_out(target, timeout_seconds, stdout)
        case _Meaning.NOT_REACHED | _Meaning.NOT_DELIVERED:
            result = ExecutionResult.unreachable(target)
            warning = f"SSM says {quoted(details)} of {quoted(target)}"
        case _Meaning.CANCELLED:
            result = ExecutionResult.cancelled(target, stdout)
        case _Meaning.REFUSED:
            result = ExecutionResult.refused(target, str(details))
        case _:
            assert_never(meaning)
    cut = len(stdout) >= MAX_STDOUT_CHARACTERS or len(stderr) >= MAX_STDERR_CHARACTERS
    timed = replace(result.timed(_started(answer), _elapsed(answer)), truncated=cut)
    return InvocationReading(timed, warning, undelivered)


def _never_began(answer: Mapping[str, Any]) -> bool:
    """Return whether a command that did not arrive did not begin either: one whose instance went away may have."""
    return not answer.get("ExecutionStartDateTime")


def _succeeded(target: str, exit_code: int, stdout: str, stderr: str) -> ExecutionResult:
    """Make the result of a Success: the exit code decides, and a success has one."""
    if exit_code == NO_EXIT_CODE:
        return ExecutionResult.unexpected(target, "SSM says Success without an exit code")
    return ExecutionResult.completed(target, exit_code, stdout, stderr)


def _failed(target: str, exit_code: int, stdout: str, stderr: str) -> ExecutionResult:
    """Make the result of a Failed: without an exit code that says so, the script itself is not what failed."""
    if exit_code in (0, NO_EXIT_CODE):
        return ExecutionResult.unexpected(target, stderr or f"SSM says Failed with response code {exit_code}")
    return ExecutionResult.completed(target, exit_code, stdout, stderr)


def _exit_code(answer: Mapping[str, Any]) -> int:
    code = answer.get("ResponseCode", NO_EXIT_CODE)
    return code if isinstance(code, int) else NO_EXIT_CODE


def _text(answer: Mapping[str, Any], name: str) -> str:
    return decoded(answer.get(name) or "")


def _started(answer: Mapping[str, Any]) -> datetime | None:
    return _moment(answer.get("ExecutionStartDateTime"))


def _moment(value: object) -> datetime | None:
    """Read one of SSM's times; it is empty for a command that never started."""
    try:
        return parse_iso(str(value)) if value else None
    except ValueError:
        return None


def _elapsed(answer: Mapping[str, Any]) -> float | None:
    """Return the seconds that the command ran: SSM's own figure, or else what lies between its start and its end.

    The figure goes first, because the end of a short run is often reported as equal to its start.
    """
    elapsed = parse_duration(str(answer.get("ExecutionElapsedTime") or ""))
    if elapsed is not None:
        return elapsed
    start, end = _started(answer), _moment(answer.get("ExecutionEndDateTime"))
    return max(0.0, (end - start).total_seconds()) if start and end else None
