"""The checks of an execution and the factors that they came to, as people see them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Execution, ExecutionCheck
    from wavebreak_cli.views.terminal import Screen

_QUIET: Final = "bright_black"
_OWN: Final = "f_"
"""What the factors of a plan's checks begin with; the built-in ones have views of their own."""
_LONGEST_VALUE: Final = 60
_WORDS: Final = {"NOT_STARTED": "not started", "IN_PROGRESS": "in progress", "SKIPPED": "skipped"}


def check_lines(screen: Screen, execution: Execution, *, most: int = 20) -> list[RenderableType]:
    """Show each check with how many of its executions succeeded, and the factors; nothing of a plan without checks."""
    checks = execution.get("checks") or []
    if not checks:
        return []
    lines: list[RenderableType] = [Text(), screen.text("Checks", "bold")]
    grid = _grid()
    for check in checks[:most]:
        mark, style = _mark(check)
        over = f"wave {check['waveNumber']}" if check.get("waveNumber") else "the execution"
        grid.add_row(
            screen.text(f"  {mark} ", style) + screen.text(check.get("name")),
            screen.text(over),
            _outcome(screen, check),
        )
    lines.append(grid)
    if len(checks) > most:
        lines.append(screen.text(f"    … {len(checks) - most} more, see them with --json", _QUIET))
    factors = {name: value for name, value in (execution.get("factors") or {}).items() if name.startswith(_OWN)}
    if factors:
        factor_grid = _grid()
        for name, value in list(factors.items())[:most]:
            factor_grid.add_row(screen.text(f"  {name}"), screen.text(_value(value)))
        lines += [Text(), screen.text("Factors", "bold"), factor_grid]
        if len(factors) > most:
            lines.append(screen.text(f"    … {len(factors) - most} more, see them with --json", _QUIET))
    return lines


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _mark(check: ExecutionCheck) -> tuple[str, str]:
    if check.get("status") != "COMPLETED":
        return "-", _QUIET
    if not check.get("failed") and not check.get("error"):
        return "✓", "green"
    return ("⚠", "dark_orange") if check.get("succeeded") else ("✗", "red")


def _outcome(screen: Screen, check: ExecutionCheck) -> Text:
    """Return the progress or the outcome of a check, and why a factor is missing."""
    status = check.get("status") or ""
    counted = f"{check.get('succeeded', 0)} of {check.get('active', 0)} succeeded"
    words = [_WORDS.get(status) or counted]
    words += [str(why) for why in (check.get("error"), check.get("note")) if why]
    return screen.text("; ".join(words))


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
