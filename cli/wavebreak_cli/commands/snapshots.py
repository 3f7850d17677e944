"""`wavebreak snapshots`: the recovery points that a plan's servers may come from."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from wavebreak.timing import iso
from wavebreak_cli.client.request import path_of
from wavebreak_cli.commands.moments import moment_of
from wavebreak_cli.commands.names import PlanArgument, plan_named
from wavebreak_cli.errors import EXIT_FAILURE, ConfigError, Finished
from wavebreak_cli.session import JsonFlag, open_shell
from wavebreak_cli.views import snapshot_views

if TYPE_CHECKING:
    from rich.console import RenderableType

snapshots: Final = typer.Typer()

_PATIENCE_SECONDS: Final = 25.0
"""The API asks DRS for up to eight servers side by side, and answers within this."""


@snapshots.command("snapshots")
def list_snapshots(
    context: typer.Context,
    plan: PlanArgument,
    before: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those not later: 2d, 12h, 30m ago, or a time in UTC.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="SERVER", help="Every point of one server, by its id or name.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the recovery points of a plan's servers: of each the newest, or every one of one server.

    Exit code 1: a server has none, or DRS does not report.
    """
    shell = open_shell(context, json)
    limit = moment_of(before, shell.around.now()) if before is not None else None
    path = path_of("plans", plan_named(plan), "snapshots")
    items = list(shell.api.items(path, patience=_PATIENCE_SECONDS, before=iso(limit) if limit else None))
    if server is not None:
        items = [item for item in items if server in {item.get("sourceServerId"), item.get("name")}]
        if not items:
            raise ConfigError.because(f"{plan} has no server {server}")

    def picture() -> "RenderableType":
        if server is not None:
            return snapshot_views.of_one(shell.screen, items)
        return snapshot_views.newest(shell.screen, items, limit)

    shell.print_result({"items": items, "nextToken": None}, picture)
    if any(not item.get("snapshots") for item in items):
        raise Finished(EXIT_FAILURE)
