"""Recorded errors as people see them. Pure, like `execution_card`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group

from wavebreak_cli.views.execution_card import listing
from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from wavebreak_cli.views.terminal import Screen

_ROOM_FOR_TABLE: Final = 110
_QUIET: Final = "bright_black"
_STYLES: Final[Mapping[str, str]] = {"CRITICAL": "bold red", "ERROR": "red", "WARNING": "dark_orange"}
_GROUPS: Final = (("Category", "byCategory"), ("Service", "byService"), ("Type", "byType"))
_MOST: Final = 8
_SAME: Final = ("severity", "category", "service", "errorType", "message", "executionId")
"""What makes two errors say the same."""


def grouped(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put errors that say the same of the same into one, the newest, with their number as `times`."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for error in found:
        groups.setdefault(tuple(error.get(name) for name in _SAME), []).append(error)
    return [{**same[0], "times": len(same)} for same in groups.values()]


def errors(screen: Screen, listed: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Show errors, equal ones once: in a table if there is room, else in three lines each."""
    if not listed:
        return screen.text("no errors")
    found = grouped(listed)
    return _table(screen, found) if screen.width >= _ROOM_FOR_TABLE else _blocks(screen, found)


def _table(screen: Screen, found: Sequence[Mapping[str, Any]]) -> RenderableType:
    foldable = {"Message", "Service", "Execution"}
    table = listing(screen, "At", "Severity", "Category", "Service", "Message", "Execution", foldable=foldable)
    for error in found:
        table.add_row(
            screen.text(when(error.get("at"))),
            _severity(screen, error),
            screen.text(error.get("category")),
            screen.text(error.get("service")),
            screen.text(_message(error)),
            screen.text(error.get("executionId")),
        )
    return table


def _blocks(screen: Screen, found: Sequence[Mapping[str, Any]]) -> RenderableType:
    lines: list[RenderableType] = []
    for error in found:
        where = "  ".join(str(error[name]) for name in ("category", "service", "executionId") if error.get(name))
        lines += [
            _severity(screen, error) + screen.text(f"  {_message(error)}"),
            screen.text(f"  {when(error.get('at'))}  {where}", _QUIET),
            screen.text(f"  {error.get('errorId')}", _QUIET),
        ]
    return Group(*lines)


def _severity(screen: Screen, error: Mapping[str, Any]) -> Text:
    return screen.text(error.get("severity"), _STYLES.get(str(error.get("severity")), ""))


def _message(error: Mapping[str, Any]) -> str:
    kind, message = str(error.get("errorType") or ""), str(error.get("message") or "")
    times = f"x{error['times']}  " if error.get("times", 1) > 1 else ""
    return times + (f"{kind}: {message}" if message else kind)


def summary(screen: Screen, counted: Mapping[str, Any]) -> RenderableType:
    """Show how many errors there were: by severity, with those of the last hour, then by what they are about."""
    total, hours = counted.get("total") or 0, counted.get("hours")
    heading = screen.text(f"{total} error{'' if total == 1 else 's'} in {hours} h", "bold")
    severities = listing(screen, "Severity", "Errors", "Last hour")
    recent = counted.get("lastHour") or {}
    for severity, count in reversed((counted.get("bySeverity") or {}).items()):
        severities.add_row(
            screen.text(severity, _STYLES.get(severity, "") if count else _QUIET),
            screen.text(count),
            screen.text(recent.get(severity, 0)),
        )
    parts: list[RenderableType] = [heading, severities]
    for title, name in _GROUPS:
        counts = counted.get(name) or {}
        if counts:
            table = listing(screen, title, "Errors", foldable={title})
            for value, count in list(counts.items())[:_MOST]:
                table.add_row(screen.text(value), screen.text(count))
            parts.append(table)
    critical = counted.get("critical") or []
    if critical:
        parts += [screen.text("Critical in the last hour", "bold red"), errors(screen, critical)]
    return Group(*parts)
