"""The errors that end a command early, with their exit codes.

CommandError                  an error that is reported on stderr
├── ConfigError           3   no API, no Region, no credentials, or an option that does not fit
├── PlanUnreadableError   3   a plan file that is not a valid plan; lists every place
├── RefusedError          3   the API answered with a 4xx
└── UnavailableError      4   the API cannot be reached, or answered with a 5xx

Finished is no error: it ends a command that has told everything with the exit code of its outcome.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar, Final

EXIT_OK: Final = 0
EXIT_FAILURE: Final = 1
EXIT_PARTIAL: Final = 2
EXIT_USAGE: Final = 3
EXIT_UNAVAILABLE: Final = 4
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141
EXIT_TERMINATED: Final = 143


class Finished(Exception):  # noqa: N818  it is no error: the command is over and has an outcome
    """Ends a command with an exit code; nothing more is printed."""

    def __init__(self, exit_code: int) -> None:
        """Take the exit code of the outcome."""
        super().__init__(f"finished with exit code {exit_code}")
        self.exit_code = exit_code


class CommandError(Exception):
    """A command that cannot go on. `hint` tells people what there is to know or to do about it."""

    exit_code: ClassVar[int] = EXIT_USAGE

    def __init__(self, problem: dict[str, Any], *, retry_after: float | None = None) -> None:
        """Take the problem document (RFC 9457), and the seconds that the API asked to wait for, if it did."""
        super().__init__(str(problem.get("detail") or problem.get("title") or "unknown error"))
        self.problem = problem
        self.retry_after = retry_after
        self.hint: str | None = None
        self.why = str(self)
        """The reason alone, for a view that has no room for an address."""

    @property
    def status(self) -> int:
        """HTTP status of the answer; 0 if there was none."""
        status = self.problem.get("status")
        return status if isinstance(status, int) else 0

    @property
    def code(self) -> str:
        """Return the stable code of the problem."""
        return str(self.problem.get("code") or "")


class ConfigError(CommandError):
    """A setting is missing that the command needs."""

    @classmethod
    def because(cls, detail: str, hint: str | None = None) -> ConfigError:
        """Make the problem of a missing or wrong setting; `detail` says what is wrong, `hint` what to do."""
        made = cls({"title": "Configuration", "code": "CONFIGURATION", "detail": detail})
        made.hint = hint
        return made


class PlanUnreadableError(CommandError):
    """A plan file that is no plan: `errors` of its problem lists `{pointer, message, line?}`."""


class RefusedError(CommandError):
    """The API refused the call."""


class UnavailableError(CommandError):
    """The API did not answer, or failed."""

    exit_code: ClassVar[int] = EXIT_UNAVAILABLE
    may_have_arrived: ClassVar[bool] = True
    """Whether what was asked for may have been done."""

    @classmethod
    def unreachable(cls, address: str, why: str) -> UnavailableError:
        """Make the problem of an API that cannot be reached."""
        made = cls({"title": "API unreachable", "code": "UNREACHABLE", "detail": f"{address}: {why}"})
        made.why = why
        return made


def from_answer(status: int, document: dict[str, Any], retry_after: float | None) -> CommandError:
    """Make the failure that an HTTP status other than 2xx stands for."""
    kind = UnavailableError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else RefusedError
    return kind(document, retry_after=retry_after)
