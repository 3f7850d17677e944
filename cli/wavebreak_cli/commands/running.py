"""`wavebreak executions`, `instances`: executions, and the instances that they have left running."""

from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from wavebreak.execution_utils import ExecutionStatus
from wavebreak.timing import iso
from wavebreak_cli.client.answers import members
from wavebreak_cli.client.request import ATTEMPTS
from wavebreak_cli.commands.completion import complete_plan
from wavebreak_cli.commands.confirm import MOST_EXECUTIONS, running_servers, with_instances
from wavebreak_cli.commands.executions import RunMode
from wavebreak_cli.commands.moments import moment_of
from wavebreak_cli.repeat_loop import WatchFlag, show_list
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import lists

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.console import RenderableType

    from wavebreak_cli.client.answers import Execution

running: Final = typer.Typer()

QuietFlag = Annotated[bool, typer.Option("--quiet", "-q", help="Print ids alone, one a line.")]


@running.command("executions")
def list_executions(  # noqa: PLR0913, PLR0917  each is an option of the command line
    context: typer.Context,
    plan: Annotated[str | None, typer.Option(help="Only of this plan.", autocompletion=complete_plan)] = None,
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only in this status.", case_sensitive=False)] = None,
    mode: Annotated[RunMode | None, typer.Option(help="Only of this mode.")] = None,
    active: Annotated[
        bool | None,
        typer.Option("--active/--ended", help="Only those that run or are being terminated, or the others."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those started since: 2d, 12h, 30m, or a time in UTC.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    watch: WatchFlag = False,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """List executions, newest first, with what each has left running."""
    shell = open_shell(context, json)
    asked: dict[str, Any] = {
        "planId": plan,
        "status": status,
        "mode": mode.upper() if mode else None,
        "active": None if active is None else str(active).lower(),
        "since": since and iso(moment_of(since, shell.around.now())),
    }

    def read(attempts: int) -> "list[Execution]":
        found = shell.api.items("/executions", limit=limit, attempts=attempts, **asked)
        return [cast("Execution", item) for item in found]

    def picture(found: "list[Execution]", now: "datetime") -> "RenderableType":
        return lists.executions(shell.screen, found, now)

    if quiet:
        shell.around.out.file.write("".join(f"{item.get('executionId')}\n" for item in read(ATTEMPTS)))
    else:
        show_list(shell, read, picture, watch=watch)


@running.command()
def instances(context: typer.Context, watch: WatchFlag = False, json: JsonFlag = False) -> None:
    """List the recovery instances that executions have left running: of whom, since when, and until when."""
    shell = open_shell(context, json)

    def picture(found: list[dict[str, Any]], now: "datetime") -> "RenderableType":
        return lists.instances(shell.screen, found, now)

    show_list(shell, lambda attempts: list(_left_running(shell, attempts)), picture, watch=watch)


def _left_running(shell: Shell, attempts: int) -> "Iterator[dict[str, Any]]":
    """Yield every instance that runs according to the stored state: of a server only the newest one."""
    seen: set[tuple[object, str]] = set()
    for execution in with_instances(shell, MOST_EXECUTIONS, attempts=attempts):
        ours = frozenset(running_servers(execution))
        for wave, server in members(execution):
            place = (wave.get("accountId"), wave.get("region"))
            identifier = str(server.get("sourceServerId"))
            if identifier not in ours or (place, identifier) in seen:
                continue
            seen.add((place, identifier))
            yield {
                **{name: server.get(name) for name in ("sourceServerId", "name", "recoveryInstanceId")},
                **{name: execution.get(name) for name in ("executionId", "planId", "mode", "requestedBy", "reason")},
                "since": execution.get("leftSince") or execution.get("startedAt"),
                "region": place[1],
                "accountId": place[0],
                "lease": execution.get("lease"),
            }
