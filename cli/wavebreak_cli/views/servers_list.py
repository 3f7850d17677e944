"""The servers of an execution as people see them: what runs, as which instance, and what failed. Pure."""

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
    from wavebreak_cli.views.terminal import Look

_ROOM_FOR_TABLE: Final = 110
_QUIET: Final = "bright_black"
_DASH: Final = "\N{EN DASH}"
_ENDINGS: Final = {"TERMINATED": "terminated", "REPLACED": "replaced since", "UNKNOWN": "gone from DRS"}
"""What became of an instance that was launched, in place of LAUNCHED: it runs no more."""


def servers(look: Look, execution: Execution, now: datetime) -> RenderableType:
    """Show every server with its wave, launch and recovery instance: a table where there is room, else two lines."""
    return _table(look, execution, now) if look.width >= _ROOM_FOR_TABLE else _blocks(look, execution, now)


def _table(look: Look, execution: Execution, now: datetime) -> RenderableType:
    columns = ("Wave", "Name", "Source server", "Impact", "Launch", "Recovery instance", "Recovery point", "Error")
    table = listing(look, *columns, foldable={"Name", "Error"})
    for wave, server in members(execution):
        table.add_row(
            look.text(wave.get("waveNumber")),
            look.text(server.get("name") or _DASH, "bold"),
            look.text(server.get("sourceServerId")),
            look.text(server.get("impact")),
            _stands(look, server, now),
            look.text(server.get("recoveryInstanceId") or _DASH),
            look.text(when(server.get("snapshotAt"))),
            look.text(server.get("error") or "", "red"),
        )
    return table


def _blocks(look: Look, execution: Execution, now: datetime) -> RenderableType:
    lines: list[RenderableType] = []
    for wave, server in members(execution):
        optional = "  optional" if server.get("impact") == "OPTIONAL" else ""
        head = Text.assemble(
            look.text(f"{wave.get('waveNumber')}  "),
            look.text(f"{server['name']}  " if server.get("name") else "", "bold"),
            look.text(f"{server.get('sourceServerId')}  "),
            _stands(look, server, now),
            look.text(optional, _QUIET),
        )
        lines.append(head)
        if server.get("recoveryInstanceId"):
            point = f"  from {when(server.get('snapshotAt'))}" if server.get("snapshotAt") else ""
            lines.append(look.text(f"   {server['recoveryInstanceId']}{point}", _QUIET))
        if server.get("error"):
            lines.append(look.text(f"   {server['error']}", "red"))
    return Group(*lines)


def _stands(look: Look, server: Server, now: datetime) -> Text:
    ending = _ENDINGS.get(str(server.get("ending")))
    if ending:
        return look.text(ending, _QUIET)
    failed = server.get("launchStatus") == "FAILED"
    return look.text(phase_of(server, now) or server.get("launchStatus"), "red" if failed else "")
