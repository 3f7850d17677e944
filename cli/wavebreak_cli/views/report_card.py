"""A report in a few lines: what it was measured against, what is left, and that it is whole. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group

from wavebreak.timing import duration
from wavebreak_cli.views.execution_card import verdict_told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text

    from wavebreak_cli.views.terminal import Look

_MET: Final = {True: ("✓ met", "green"), False: ("✗ missed", "red"), None: ("not known", "bright_black")}


def report_card(look: Look, report: Mapping[str, Any]) -> Group:
    """Show a report's summary."""
    plan, objectives = report.get("plan") or {}, report.get("objectives") or {}
    final = "" if report.get("final") else " (not ended yet)"
    lines = [
        look.text(plan.get("name") or plan.get("planId"), "bold"),
        look.text(f"{report.get('mode')}  {report.get('status')}{final}  {report.get('executionId')}"),
        _objective(look, "recovery time", objectives.get("rto") or {}),
        _objective(look, "recovery point", objectives.get("rpo") or {}),
        _verdict(look, report.get("verdict")),
        *_open_ends(look, report),
        _chain(look, report.get("chain") or {}),
        look.text(f"  reportHash {report.get('reportHash')}", "bright_black"),
    ]
    return Group(*lines)


def _objective(look: Look, name: str, told: Mapping[str, Any]) -> Text:
    word, style = _MET.get(told.get("met"), _MET[None])
    achieved, wanted = told.get("achievedSeconds"), told.get("objectiveSeconds")
    return look.text(f"{name}: {duration(achieved)} of {duration(wanted)}  ") + look.text(word, style)


def _verdict(look: Look, verdict: Mapping[str, Any] | None) -> Text:
    if not verdict:
        return look.text("verdict: none given", "bright_black")
    style = "green" if verdict.get("verdict") == "PASSED" else "red"
    return look.text(f"verdict: {verdict_told(verdict)}", style)


def _open_ends(look: Look, report: Mapping[str, Any]) -> list[Text]:
    """Return what was not done and what is still there, where there is any."""
    left_out = report.get("notExecuted") or {}
    waves, servers = len(left_out.get("waves") or ()), len(left_out.get("servers") or ())
    leftovers = len(report.get("leftovers") or ())
    lines = []
    if waves or servers:
        lines.append(look.text(f"not executed: {waves} wave(s), and {servers} server(s) of others", "dark_orange"))
    if leftovers:
        lines.append(look.text(f"left running: {leftovers} instance(s)", "dark_orange"))
    return lines


def _chain(look: Look, chain: Mapping[str, Any]) -> Text:
    whole = bool(chain.get("intact"))
    told = f"{'✓' if whole else '✗'} trail of {chain.get('length')} events is {'intact' if whole else 'broken'}"
    return look.text(told, "green" if whole else "bold red")
