"""What the scheduled checks of plans found, as people see it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group

from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from wavebreak_cli.views.terminal import Screen


def word(screen: Screen, found: Mapping[str, Any] | None) -> Text:
    """Return the readiness of a checked plan in a word."""
    if found is None:
        return screen.text("not checked yet", "bright_black")
    return screen.text("✓ ready", "green") if found.get("ready") else screen.text("✗ not ready", "red")


def history(screen: Screen, found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Show what checks found, newest first: when, whether ready, and what failed."""
    if not found:
        return screen.text("not checked yet: a plan is checked within minutes after it was stored")
    lines: list[RenderableType] = []
    for each in found:
        heading = screen.text(f"{when(each.get('checkedAt'))}  version {each.get('planVersion')}  ")
        lines.append(heading + word(screen, each))
        lines += failing(screen, each)
    return Group(*lines)


def failing(screen: Screen, found: Mapping[str, Any]) -> list[RenderableType]:
    """Show the checks that failed."""
    return [
        screen.text(f"   {check.get('check')} {check.get('subject')}: {check.get('message')}", "red")
        for check in found.get("failing") or []
    ]
