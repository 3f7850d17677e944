"""What became of a command on one target.

Requirements S0-1 (a result), S0-5 and S0-7 (any fault becomes one), S0-6 (timeout), S1-8 (a target out of reach). The
words of each failure are fixed: scripts look for them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Self

from wavebreak.values import Value, replace

if TYPE_CHECKING:
    from datetime import datetime

NO_EXIT_CODE: Final = -1
"""The exit code of a command that did not end by itself."""
REFUSED_BY_SSM: Final = "SSM refused the command"


class FailureKind(StrEnum):
    """Why a target failed."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    EXCEPTION = "exception"
    CIRCUIT_OPEN = "circuit_open"


class ExecutionResult(Value):
    """The one result of one target; ValueError if its parts contradict each other.

    It succeeded exactly if its exit code is 0. `failure_kind` is None for a success, and for a failure of which
    nothing but the exit code is known. `started_at` is aware; `duration_seconds` is the run time on the target.
    `truncated` says that the output is not all that the command wrote.
    """

    target: str
    success: bool
    stdout: str
    stderr: str
    exit_code: int
    failure_kind: FailureKind | None = None
    started_at: datetime | None = None
    duration_seconds: float | None = None
    truncated: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if not self.target:
            raise ValueError("a result needs the target that it is of")
        if self.success and (self.exit_code != 0 or self.failure_kind is not None):
            raise ValueError(f"{self.target}: a success has exit code 0 and no failure kind, not {self._shown()}")
        if not self.success and self.exit_code == 0:
            raise ValueError(f"{self.target}: a failure has another exit code than 0")
        if self.failure_kind not in (None, FailureKind.EXIT) and self.exit_code != NO_EXIT_CODE:
            raise ValueError(f"{self.target}: the exit code of a failure of this kind is -1, not {self._shown()}")
        if self.started_at is not None and self.started_at.tzinfo is None:
            raise ValueError(f"{self.target}: a naive datetime tells no moment")
        if self.duration_seconds is not None and not self.duration_seconds >= 0:
            raise ValueError(f"{self.target}: a duration of {self.duration_seconds} seconds")

    def _shown(self) -> str:
        return f"{self.exit_code} and {self.failure_kind}"

    @classmethod
    def completed(cls, target: str, exit_code: int, stdout: str = "", stderr: str = "") -> Self:
        """Make the result of a command that ended by itself, well or not."""
        kind = None if exit_code == 0 else FailureKind.EXIT
        return cls(target, exit_code == 0, stdout, stderr, exit_code, kind)

    @classmethod
    def timed_out(cls, target: str, seconds: int, stdout: str = "") -> Self:
        """Make the result of a command that was killed at its limit, with what it had printed by then."""
        message = f"Command timed out after {seconds} seconds"
        return cls._failed(target, FailureKind.TIMEOUT, message, stdout)

    @classmethod
    def unreachable(cls, target: str) -> Self:
        """Make the result of a target that the command never got to."""
        return cls._failed(target, FailureKind.UNREACHABLE, f"Cannot access repository {target}")

    @classmethod
    def cancelled(cls, target: str, stdout: str = "", reason: str = "Command was cancelled") -> Self:
        """Return the result of a command that was stopped, or not run at all, by request."""
        return cls._failed(target, FailureKind.CANCELLED, reason, stdout)

    @classmethod
    def unexpected(cls, target: str, error: BaseException | str) -> Self:
        """Make the result of any other fault; an error without a message is shown by its type."""
        message = str(error) or type(error).__name__
        return cls._failed(target, FailureKind.EXCEPTION, f"Unexpected error: {message}")

    @classmethod
    def refused(cls, target: str, reason: str) -> Self:
        """Make the result of a command that Systems Manager refused; `reason` begins with its error code."""
        return cls.unexpected(target, f"{REFUSED_BY_SSM}: {reason}")

    @classmethod
    def circuit_open(cls, target: str, service: str) -> Self:
        """Make the result of a target that was spared the call because the service's circuit is open."""
        message = f"Unexpected error: the circuit of {service} is open"
        return cls._failed(target, FailureKind.CIRCUIT_OPEN, message)

    def of_watch(self) -> Self:
        """Return the same result as that of a watch, which its limit, or its caller, ends well (contract 6)."""
        if self.failure_kind not in {FailureKind.TIMEOUT, FailureKind.CANCELLED}:
            return self
        return replace(self, success=True, exit_code=0, failure_kind=None, stderr="")

    @classmethod
    def _failed(cls, target: str, kind: FailureKind, stderr: str, stdout: str = "") -> Self:
        return cls(target, success=False, stdout=stdout, stderr=stderr, exit_code=NO_EXIT_CODE, failure_kind=kind)

    def timed(self, started_at: datetime | None, duration_seconds: float | None) -> Self:
        """Return the same result with its times."""
        return replace(self, started_at=started_at, duration_seconds=duration_seconds)
