"""What an operator sees before a recovery starts: stack and plan, servers, and what it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from wavebreak_cli.client.answers import names_in
from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Execution, StoredPlan
    from wavebreak_cli.client.endpoint import Endpoint
    from wavebreak_cli.views.terminal import Screen

MOST_NAMES: Final = 12
"""Servers that are named one by one; the others are counted."""
_UNMATCHED: Final = "which servers the selectors match is not known"


@dataclass(frozen=True, slots=True)
class Replaced:
    """An execution whose recovery instances run now, and those of its servers that the plan has too."""

    execution: Execution
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a recovery is asked to be: whether it has drills give way, and the recovery points that it comes from."""

    preempts: bool = True
    before: datetime | None = None
    points: Mapping[str, str] = field(default_factory=dict)
    """Recovery points by source server."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """All that is shown before a recovery. `readiness` is the API's answer, or why there is none."""

    endpoint: Endpoint
    account: str
    plan: StoredPlan
    readiness: Mapping[str, Any] | str
    replaced: Sequence[Replaced] | str
    wanted: Wanted
    unseen: int = 0
    """Executions with instances left that nobody has looked into: those of these servers may run."""


def recovery(screen: Screen, briefing: Briefing) -> RenderableType:
    """Show what a recovery will do, in a few lines; the loudest are what it ends."""
    plan = briefing.plan.get("plan") or {}
    head = Text.assemble(screen.mode("RECOVERY"), " ", screen.text(f"{plan.get('planId')}", "bold"))
    head.append_text(screen.text(f"  {plan.get('name')}, version {briefing.plan.get('version')}"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bright_black")
    grid.add_column(overflow="fold")
    grid.add_row("stack", screen.text(briefing.endpoint.origin or briefing.endpoint.url))
    grid.add_row("account", screen.text(f"{briefing.account}, Region {briefing.endpoint.region}"))
    names = names_of(briefing.readiness)
    grid.add_row("servers", screen.text(_servers(plan, names)))
    grid.add_row("readiness", _readiness(screen, briefing.readiness))
    grid.add_row("runs now", _replaced(screen, briefing, names, _not_known(briefing, plan)))
    if briefing.wanted.before or briefing.wanted.points:
        grid.add_row("from", screen.text(_from(briefing.wanted), "bold"))
    if briefing.wanted.preempts:
        grid.add_row("drills", screen.text("those in its way are cancelled"))
    return Group(head, grid)


def stakes(screen: Screen, execution: Execution, running: Sequence[str]) -> RenderableType:
    """Show which recovery's servers a command is about to take away: the plan, where they run, and their names."""
    waves = execution.get("waves") or []
    places = sorted({f"{wave.get('accountId')}, Region {wave.get('region')}" for wave in waves if wave.get("region")})
    head = Text.assemble(screen.mode(execution.get("mode")), " ", screen.text(f"{execution.get('planId')}", "bold"))
    head.append_text(screen.text(f"  {execution.get('planName')}, started {when(execution.get('startedAt'))}"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bright_black")
    grid.add_column(overflow="fold")
    grid.add_row("account", screen.text("; ".join(places) or "not known"))
    grid.add_row(
        "servers", screen.text(f"{len(running)}: {_listed(running, names_in(execution))}" if running else "none runs")
    )
    return Group(head, grid)


def names_of(readiness: Mapping[str, Any] | str) -> Mapping[str, str]:
    """Return the names that DRS has for the plan's servers, including those that selectors match, where it has them."""
    return {} if isinstance(readiness, str) else readiness.get("names") or {}


def _unmatched(plan: Mapping[str, Any], readiness: Mapping[str, Any] | str) -> bool:
    """Return whether the plan has servers by selectors, and nobody has said which."""
    return isinstance(readiness, str) and any(wave.get("selector") for wave in plan.get("waves") or [])


def _from(wanted: Wanted) -> str:
    chosen = [f"{len(wanted.points)} server(s): the recovery points given"] if wanted.points else []
    every = f"each newest recovery point not later than {when(wanted.before.isoformat())}" if wanted.before else ""
    return "; ".join([*chosen, *([every] if every else ["the newest recovery point of the others"])])


def _not_known(briefing: Briefing, plan: Mapping[str, Any]) -> list[str]:
    """Return what of the instances that run nobody has told."""
    said = [_UNMATCHED] if _unmatched(plan, briefing.readiness) else []
    if briefing.unseen:
        said.append(
            f"{briefing.unseen} older execution(s) with instances left were not looked into: wavebreak instances"
        )
    return said


def _servers(plan: Mapping[str, Any], names: Mapping[str, str]) -> str:
    waves = plan.get("waves") or []
    ids = [str(server.get("sourceServerId")) for wave in waves for server in wave.get("servers") or []]
    chosen = [str(wave.get("name")) for wave in waves if wave.get("selector")]
    parts = [f"{len(ids)} in {len(waves)} wave{'' if len(waves) == 1 else 's'}: {_listed(ids, names)}"] if ids else []
    if chosen:
        parts.append(f"those that the selectors of {', '.join(chosen)} match")
    return "; and ".join(parts)


def _listed(ids: Sequence[str], names: Mapping[str, str]) -> str:
    shown = ", ".join(names.get(one) or one for one in ids[:MOST_NAMES])
    return f"{shown} and {len(ids) - MOST_NAMES} more" if len(ids) > MOST_NAMES else shown


def _readiness(screen: Screen, readiness: Mapping[str, Any] | str) -> Text:
    if isinstance(readiness, str):
        return screen.text(f"not known: {readiness}", "dark_orange")
    if readiness.get("ready"):
        warned = sum(check.get("status") == "WARN" for check in readiness.get("checks") or [])
        return screen.text(f"✓ ready{f', {warned} warnings' if warned else ''}", "green")
    failing = [check for check in readiness.get("checks") or [] if check.get("status") == "FAIL"]
    first = failing[0] if failing else {}
    more = f" (and {len(failing) - 1} more: wavebreak plan validate --live)" if len(failing) > 1 else ""
    return screen.text(f"✗ NOT READY: {first.get('subject')}: {first.get('message')}{more}", "bold red")


def _replaced(screen: Screen, briefing: Briefing, names: Mapping[str, str], not_known: Sequence[str]) -> Text:
    """Return what runs and will be ended; what is unknown is not denied."""
    if isinstance(briefing.replaced, str):
        return screen.text(f"not known: {briefing.replaced}", "dark_orange")
    unknown = [screen.text(said, "dark_orange") for said in not_known]
    if not briefing.replaced:
        nothing = screen.text("no instances of these servers that Wavebreak knows of")
        return Text("\n").join(unknown) if unknown else nothing
    lines = [
        f"{len(one.servers)} of {one.execution.get('executionId')} (since {when(one.execution.get('startedAt'))}): "
        f"{_listed(one.servers, names)}"
        for one in briefing.replaced
    ]
    warning = screen.text("THEY WILL BE ENDED, each as its server is launched anew", "bold red")
    return Text("\n").join([*(screen.text(line, "bold") for line in lines), warning, *unknown])
