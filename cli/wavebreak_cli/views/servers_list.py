"""The servers of an execution: what runs, as which instance, and what failed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from wavebreak_cli.client.answers import members
from wavebreak_cli.views.execution_card import listing
from wavebreak_cli.views.phases import phase_of
from wavebreak_cli.views.terminal import when

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Execution, Server
    from wavebreak_cli.views.terminal import Screen

_ROOM_FOR_TABLE: Final = 110
_QUIET: Final = "bright_black"
_DASH: Final = "\N{EN DASH}"
_ENDINGS: Final = {"TERMINATED": "terminated", "REPLACED": "replaced since", "UNKNOWN": "gone from DRS"}
"""What became of an instance that was launched, in place of LAUNCHED: it runs no more."""


def servers(screen: Screen, execution: Execution, now: datetime) -> RenderableType:
    """Show every server with its wave, launch and recovery instance: a table where there is room, else two lines."""
    return _table(screen, execution, now) if screen.width >= _ROOM_FOR_TABLE else _blocks(screen, execution, now)


def _table(screen: Screen, execution: Execution, now: datetime) -> RenderableType:
    columns = ("Wave", "Name", "Source server", "Impact", "Launch", "Recovery instance", "Recovery point", "Error")
    table = listing(screen, *columns, foldable={"Name", "Error"})
    for wave, server in members(execution):
        table.add_row(
            screen.text(wave.get("waveNumber")),
            screen.text(server.get("name") or _DASH, "bold"),
            screen.text(server.get("sourceServerId")),
            screen.text(server.get("impact")),
            _stands(screen, server, now),
            screen.text(server.get("recoveryInstanceId") or _DASH),
            screen.text(when(server.get("snapshotAt"))),
            screen.text(server.get("error") or "", "red"),
        )
    return table


def _blocks(screen: Screen, execution: Execution, now: datetime) -> RenderableType:
    lines: list[RenderableType] = []
    for wave, server in members(execution):
        optional = "  optional" if server.get("impact") == "OPTIONAL" else ""
        head = Text.assemble(
            screen.text(f"{wave.get('waveNumber')}  "),
            screen.text(f"{server['name']}  " if server.get("name") else "", "bold"),
            screen.text(f"{server.get('sourceServerId')}  "),
            _stands(screen, server, now),
            screen.text(optional, _QUIET),
        )
        lines.append(head)
        if server.get("recoveryInstanceId"):
            point = f"  from {when(server.get('snapshotAt'))}" if server.get("snapshotAt") else ""
            lines.append(screen.text(f"   {server['recoveryInstanceId']}{point}", _QUIET))
        if server.get("error"):
            lines.append(screen.text(f"   {server['error']}", "red"))
    return Group(*lines)


def _stands(screen: Screen, server: Server, now: datetime) -> Text:
    ending = _ENDINGS.get(str(server.get("ending")))
    if ending:
        return screen.text(ending, _QUIET)
    failed = server.get("launchStatus") == "FAILED"
    return screen.text(phase_of(server, now) or server.get("launchStatus"), "red" if failed else "")
