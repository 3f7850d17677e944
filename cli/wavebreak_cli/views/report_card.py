"""A report in a few lines: its objectives, what is left, and whether it is intact. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group

from wavebreak.timing import duration
from wavebreak_cli.views.execution_card import verdict_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

    from wavebreak_cli.views.terminal import Screen

_MET: Final = {True: ("✓ met", "green"), False: ("✗ missed", "red"), None: ("not known", "bright_black")}


def report_card(screen: Screen, report: Mapping[str, Any]) -> Group:
    """Show a report's summary."""
    plan, objectives = report.get("plan") or {}, report.get("objectives") or {}
    final = "" if report.get("final") else " (not ended yet)"
    lines = [
        screen.text(plan.get("name") or plan.get("planId"), "bold"),
        screen.text(f"{report.get('mode')}  {report.get('status')}{final}  {report.get('executionId')}"),
        _objective(screen, "recovery time", objectives.get("rto") or {}),
        _objective(screen, "recovery point", objectives.get("rpo") or {}),
        _verdict(screen, report.get("verdict")),
        *_open_ends(screen, report),
        _chain(screen, report.get("chain") or {}),
        screen.text(f"  reportHash {report.get('reportHash')}", "bright_black"),
    ]
    return Group(*lines)


def _objective(screen: Screen, name: str, figures: Mapping[str, Any]) -> Text:
    word, style = _MET.get(figures.get("met"), _MET[None])
    achieved, wanted = figures.get("achievedSeconds"), figures.get("objectiveSeconds")
    return screen.text(f"{name}: {duration(achieved)} of {duration(wanted)}  ") + screen.text(word, style)


def _verdict(screen: Screen, verdict: Mapping[str, Any] | None) -> Text:
    if not verdict:
        return screen.text("verdict: none given", "bright_black")
    style = "green" if verdict.get("verdict") == "PASSED" else "red"
    return screen.text(f"verdict: {verdict_text(verdict)}", style)


def _open_ends(screen: Screen, report: Mapping[str, Any]) -> list[Text]:
    """Return what was not done and what is still there, where there is any."""
    left_out = report.get("notExecuted") or {}
    waves, servers = len(left_out.get("waves") or ()), len(left_out.get("servers") or ())
    leftovers = len(report.get("leftovers") or ())
    lines = []
    if waves or servers:
        lines.append(screen.text(f"not executed: {waves} wave(s), and {servers} server(s) of others", "dark_orange"))
    if leftovers:
        lines.append(screen.text(f"left running: {leftovers} instance(s)", "dark_orange"))
    return lines


def _chain(screen: Screen, chain: Mapping[str, Any]) -> Text:
    whole = bool(chain.get("intact"))
    figures = f"{'✓' if whole else '✗'} trail of {chain.get('length')} events is {'intact' if whole else 'broken'}"
    return screen.text(figures, "green" if whole else "bold red")
