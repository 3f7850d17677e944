"""Results as lines for people, and as one text for pipes. Colours are added where they are shown.

Requirements S0-11 (successes and failures are both shown), S1-6 (combined output), S1-10 (each as it arrives), S1-14
(progress, hint, time and duration of an error).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wavebreak.domain.commands.hints import hint_for
from wavebreak.harmless_text import displayed, displayed_line
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wavebreak.domain.commands.results import ExecutionResult

SUCCEEDED: Final = "✓"
FAILED: Final = "✗"
_INDENT: Final = "  "


def error_text(result: ExecutionResult) -> str:
    """Return why a target failed: its stderr, or its exit code when it said nothing."""
    return result.stderr.strip("\r\n") or f"exit code {result.exit_code}"


def combined_output(results: Iterable[ExecutionResult]) -> str:
    """Join the outputs in the order of the results, as they are; what failed adds `ERROR in {target}: {stderr}`.

    Each part begins on a line of its own. The stderr of a success is left out.
    """
    parts: list[str] = []
    for result in results:
        if result.stdout:
            parts.append(result.stdout.removesuffix("\n"))
        if not result.success:
            parts.append(f"ERROR in {result.target}: {error_text(result)}")
    return "\n".join(parts)


def result_text(result: ExecutionResult) -> str:
    """Show one result: its mark and target, its output indented, and of a failure the error, a hint and the time.

    Everything that came from the target is safe to show.
    """
    lines = [f"{SUCCEEDED if result.success else FAILED} {displayed_line(result.target)}"]
    lines += _indented(result.stdout)
    if not result.success:
        first, *rest = _indented(error_text(result))
        lines += [f"{_INDENT}Error: {first.strip()}", *rest]
        hint = hint_for(result)
        lines += [f"{_INDENT}Hint: {hint}"] if hint else []
        when = _when(result)
        lines += [f"{_INDENT}{when}"] if when else []
    return "\n".join(lines)


def progress_text(number: int, total: int, target: str) -> str:
    """Show how far a sequential run is: `[2/3] target`, before the target runs."""
    return f"[{number}/{total}] {displayed_line(target)}"


def duration_text(seconds: float) -> str:
    """Write a run time: tenths of a second below ten, whole seconds above."""
    return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"  # noqa: PLR2004  stands in the sentence above


def _indented(text: str) -> list[str]:
    shown = displayed(text).strip("\n")
    return [f"{_INDENT}{line}" if line else "" for line in shown.split("\n")] if shown else []


def _when(result: ExecutionResult) -> str:
    """Return the time and duration of a failure, as far as they are known."""
    began = f"Started {iso(result.started_at)}" if result.started_at else ""
    took = f"took {duration_text(result.duration_seconds)}" if result.duration_seconds is not None else ""
    said = ", ".join(part for part in (began, took) if part)
    return said[:1].upper() + said[1:]
