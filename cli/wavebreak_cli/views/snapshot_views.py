"""Recovery points as people see them: of each server the newest, or all of one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group

from wavebreak_cli.views.execution_card import listing
from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.views.terminal import Screen

_RED: Final = "bold red"


def newest(screen: Screen, items: Sequence[Mapping[str, Any]], before: datetime | None) -> RenderableType:
    """Show the newest point of each server, at most as late as a given moment, and its number of points."""
    if not items:
        return screen.text("no servers")
    limit = f" not later than {when(before.isoformat())}" if before else ""
    table = listing(screen, "Server", "Wave", "Newest", "Recovery point", "Points", foldable={"Server", "Wave"})
    for item in items:
        points = item.get("snapshots") or []
        first = points[0] if points else {}
        newest_text = when(first.get("at")) if points else str(item.get("error") or f"none{limit}")
        table.add_row(
            screen.text(_named(item), "bold"),
            screen.text(item.get("waveName")),
            screen.text(newest_text, "" if points else _RED),
            screen.text(first.get("snapshotId") or ""),
            screen.text(_count(item) if points else ""),
        )
    return Group(screen.text(f"Recovery points{limit}, the newest of each server"), table)


def of_one(screen: Screen, items: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Show every point of a server, the newest first, in the form that `run --snapshot` accepts."""
    lines: list[RenderableType] = []
    for item in items:
        lines.append(screen.text(f"{_named(item)}: {_count(item)}", "bold"))
        if item.get("error"):
            lines.append(screen.text(item["error"], _RED))
        lines += [
            screen.text(f"  {when(point.get('at'))}  {item.get('sourceServerId')}={point.get('snapshotId')}")
            for point in item.get("snapshots") or []
        ]
    return Group(*lines)


def _named(item: Mapping[str, Any]) -> str:
    name = item.get("name")
    return f"{name} ({item.get('sourceServerId')})" if name else str(item.get("sourceServerId"))


def _count(item: Mapping[str, Any]) -> str:
    count = len(item.get("snapshots") or [])
    return f"{count}{' and older ones' if item.get('more') else ''}"
