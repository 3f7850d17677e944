"""How a command run went as a whole: counts, status, exit code and summary, which always agree.

Requirements S0-2 and S0-8 (exit codes), S0-9 (tracker), S0-10 and S0-12 (summary), S0-15 (bounded memory).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, TypedDict

from wavebreak.harmless_text import displayed_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wavebreak.domain.commands.results import ExecutionResult

FAILED_EVERYWHERE: Final = "did not succeed on any server"
"""What a required command fails its wave by, if no CRITICAL server is among its targets (contract 12)."""
_NAMED: Final = 3
_RULE: Final = "=" * 60


class RunStatus(IntEnum):
    """How a run ended; its value is the exit code, its name the status on the wire."""

    COMPLETE_SUCCESS = 0
    COMPLETE_FAILURE = 1
    PARTIAL_SUCCESS = 2

    @property
    def exit_code(self) -> int:
        """Exit code of the run."""
        return self.value

    @property
    def label(self) -> str:
        """The status for people: `PARTIAL SUCCESS`."""
        return self.name.replace("_", " ")


class CommandRunStatus(StrEnum):
    """Status of a run while it lives, and then the one it ended with."""

    IN_PROGRESS = "IN_PROGRESS"
    CANCELLING = "CANCELLING"
    COMPLETE_SUCCESS = "COMPLETE_SUCCESS"
    COMPLETE_FAILURE = "COMPLETE_FAILURE"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"

    @classmethod
    def ended(cls, status: RunStatus) -> CommandRunStatus:
        """Name the status of a run that ended."""
        return cls[status.name]

    @property
    def is_terminal(self) -> bool:
        """Whether every target has its result."""
        return self.name in RunStatus.__members__

    @property
    def exit_code(self) -> int | None:
        """Exit code of the run; None while it goes on."""
        return RunStatus[self.name].exit_code if self.is_terminal else None


def shortfall(succeeded: int, critical: int, critical_failed: Sequence[str]) -> str | None:
    """Return what a required command fails its wave by; None when it did what it is there for (contract 12).

    Takes how many targets succeeded, how many are CRITICAL, and the names of the CRITICAL ones that did not succeed.
    """
    if not critical:
        return None if succeeded else FAILED_EVERYWHERE
    if not critical_failed:
        return None
    named = ", ".join(critical_failed[:_NAMED])
    more = f" and {len(critical_failed) - _NAMED} more" if len(critical_failed) > _NAMED else ""
    return f"did not succeed on {len(critical_failed)} critical server(s): {named}{more}"


class Summary(TypedDict):
    """Counts of a run; `success_rate` is 0 to 1."""

    total: int
    succeeded: int
    failed: int
    success_rate: float
    has_failures: bool
    has_successes: bool


def run_status(total: int, succeeded: int) -> RunStatus:
    """Return how a run of `total` targets ended; one without targets has failed (S0-8)."""
    if not 0 <= succeeded <= total:
        raise ValueError(f"{succeeded} of {total} targets cannot have succeeded")
    if succeeded == 0:
        return RunStatus.COMPLETE_FAILURE
    return RunStatus.COMPLETE_SUCCESS if succeeded == total else RunStatus.PARTIAL_SUCCESS


def determine_exit_code(results: Iterable[ExecutionResult]) -> int:
    """Return the exit code of a run: 0 all succeeded, 1 none or no targets, 2 some."""
    return tracked(results).status.exit_code


def generate_summary(results: Iterable[ExecutionResult]) -> str:
    """Write the summary of results in the order of the targets: begins with a newline, ends without one."""
    return tracked(results).text()


def tracked(results: Iterable[ExecutionResult]) -> ResultTracker:
    """Count results that come in the order of the targets."""
    tracker = ResultTracker()
    for number, result in enumerate(results, start=1):
        tracker.add(number, result)
    return tracker


def summary_text(total: int, failed_targets: Sequence[str]) -> str:
    """Write the summary from the number of targets and the names of those that failed, in their order.

    Characters of a name that could act on a terminal are shown escaped.
    """
    failed = len(failed_targets)
    status = run_status(total, total - failed)
    lines = ["", _RULE, "EXECUTION SUMMARY", _RULE]
    lines += [f"Total repositories: {total}", f"Succeeded: {total - failed}", f"Failed: {failed}"]
    if failed_targets:
        lines += ["", "Failed repositories:", *(f"  • {displayed_line(target)}" for target in failed_targets)]
    return "\n".join([*lines, "", f"Status: {status.label}", _RULE])


class ResultTracker:
    """Counts results as they arrive, in any order, and keeps nothing of them but the names of failed targets.

    `number` is the place of the target in the order given. A second result of the same number is refused with
    ValueError: every target has exactly one.
    """

    def __init__(self) -> None:
        self._numbers: set[int] = set()
        self._failed: dict[int, str] = {}

    def add(self, number: int, result: ExecutionResult) -> None:
        """Count a result."""
        self.count(number, result.target, succeeded=result.success)

    def count(self, number: int, target: str, *, succeeded: bool) -> None:
        """Count a result of which only this much is at hand."""
        if number in self._numbers:
            raise ValueError(f"target {number} ({target}) has a result already")
        self._numbers.add(number)
        if not succeeded:
            self._failed[number] = target

    @property
    def total(self) -> int:
        """Number of results so far."""
        return len(self._numbers)

    @property
    def failed(self) -> int:
        """Number of failed results so far."""
        return len(self._failed)

    @property
    def succeeded(self) -> int:
        """Number of successful results so far."""
        return self.total - self.failed

    @property
    def failed_targets(self) -> list[str]:
        """Names of the failed targets in the order given, whatever order they failed in."""
        return [self._failed[number] for number in sorted(self._failed)]

    @property
    def has_failures(self) -> bool:
        """Whether any target failed."""
        return self.failed > 0

    @property
    def has_successes(self) -> bool:
        """Whether any target succeeded."""
        return self.succeeded > 0

    @property
    def status(self) -> RunStatus:
        """The final status of a run with these results."""
        return run_status(self.total, self.succeeded)

    def summary(self) -> Summary:
        """Return the counts."""
        return {
            "total": self.total,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "success_rate": self.succeeded / max(1, self.total),
            "has_failures": self.has_failures,
            "has_successes": self.has_successes,
        }

    def text(self) -> str:
        """Write the summary."""
        return summary_text(self.total, self.failed_targets)
