"""`wavebreak run`, `show`, `watch`, `executions`, `events`: starting executions and looking at them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from wavebreak.domain.executions.audit_chain import Verdict, verify
from wavebreak.execution_utils import ExecutionStatus
from wavebreak_cli.client.request import path_of
from wavebreak_cli.commands.follow import ExecutionArgument, Phases, follow_to_end, read_execution
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, Finished, Misconfigured, Unavailable
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import execution_card, lists

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import Event, Execution

executions: Final = typer.Typer()


class RunMode(StrEnum):
    """What a run is for."""

    DRILL = "drill"
    RECOVERY = "recovery"


_START: Final = {RunMode.DRILL: "/drills", RunMode.RECOVERY: "/recoveries"}


@executions.command()
def run(  # noqa: PLR0913, PLR0917  each is an option of the command line
    context: typer.Context,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan.")],
    mode: Annotated[RunMode, typer.Option(help="A rehearsal, or the real thing.")],
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start a recovery without being asked.")] = False,
    terminate_after: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES", help="How long a drill's instances stay after its end; by default as the plan says."
        ),
    ] = None,
    no_preempt: Annotated[
        bool, typer.Option("--no-preempt", help="Have drills that are in a recovery's way refuse it, not give way.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Run a plan as a drill or a recovery."""
    shell = open_shell(context, json)
    if no_preempt and mode is RunMode.DRILL:
        raise Misconfigured.because("--no-preempt is for a recovery: a drill never has others give way")
    if terminate_after is not None and mode is RunMode.RECOVERY:
        raise Misconfigured.because("--terminate-after is for a drill: a recovery's instances stay")
    if mode is RunMode.RECOVERY and not yes:
        _confirm_recovery(shell, plan)
    body: dict[str, str | int | bool | None] = {"planId": plan, "reason": reason}
    body |= {"preempt": False if no_preempt else None, "terminateAfterMinutes": terminate_after}
    started = _start(shell, _START[mode], body)
    name = started.get("executionId", "")
    if watch:
        follow_to_end(shell, name, exists=True)
    shell.tell(started, lambda: _started(shell, name, started))


def _confirm_recovery(shell: Shell, plan: str) -> None:
    answer = shell.question(f"Start a RECOVERY of {plan} at {shell.api.endpoint.url}? Type yes to go on:")
    if answer is None:
        raise Misconfigured.because("a recovery is confirmed at a terminal, or started with --yes")
    if answer.lower() not in {"y", "yes"}:
        raise Misconfigured.because("not confirmed, nothing was started")


def _start(shell: Shell, path: str, body: dict[str, str | int | bool | None]) -> "Execution":
    """Ask for an execution; nobody who gets no answer is left to believe that nothing was started."""
    doubt = f"It may have been started all the same: see wavebreak executions --plan {body['planId']} --limit 1"
    try:
        return cast("Execution", shell.api.post(path, body, key=shell.around.new_key()))
    except KeyboardInterrupt:
        shell.note(f"Left before the API answered. {doubt}")
        raise Finished(EXIT_INTERRUPTED) from None
    except Unavailable as failure:
        if failure.may_have_arrived:
            failure.hint = doubt
        raise


def _started(shell: Shell, name: str, started: "Execution") -> Group:
    look = shell.look
    told = [look.text(f"✓ started {name}", "green"), look.text(f"  wavebreak watch {name}", "cyan")]
    return Group(*told, *execution_card.warning_lines(look, started))


@executions.command()
def show(
    context: typer.Context,
    execution: ExecutionArgument,
    servers: Annotated[bool, typer.Option("--servers", help="List every server with its recovery instance.")] = False,
    json: JsonFlag = False,
) -> None:
    """Show the card of an execution: how far it got and what can be done next."""
    shell = open_shell(context, json)
    found = read_execution(shell, execution)

    def picture() -> RenderableType:
        now = shell.around.now()
        shown = execution_card.card(shell.look, found, now, bar=shell.around.out.is_terminal)
        if not servers:
            return shown
        told = Phases(shell, execution).of(found)
        return Group(shown, Text(), execution_card.servers_table(shell.look, told, now))

    shell.tell(found, picture)


@executions.command()
def watch(context: typer.Context, execution: ExecutionArgument, json: JsonFlag = False) -> None:
    """Follow an execution to its end: exit code 0 complete, 1 failed or cancelled, 2 partial success."""
    follow_to_end(open_shell(context, json), execution)


@executions.command("executions")
def list_executions(
    context: typer.Context,
    plan: Annotated[str | None, typer.Option(help="Only of this plan.")] = None,
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only in this status.", case_sensitive=False)] = None,
    mode: Annotated[RunMode | None, typer.Option(help="Only of this mode.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: JsonFlag = False,
) -> None:
    """List executions, newest first."""
    shell = open_shell(context, json)
    wanted = mode.upper() if mode else None
    pages = shell.api.items("/executions", limit=limit, planId=plan, status=status, mode=wanted)
    found = [cast("Execution", item) for item in pages]
    now = shell.around.now()
    shell.tell({"items": found, "nextToken": None}, lambda: lists.executions(shell.look, found, now))


@executions.command()
def events(
    context: typer.Context,
    execution: ExecutionArgument,
    check: Annotated[bool, typer.Option("--verify", help="Check the chain of hashes instead of listing.")] = False,
    json: JsonFlag = False,
) -> None:
    """Show the audit trail of an execution, or check that nothing in it is missing or edited."""
    shell = open_shell(context, json)
    trail = [cast("Event", item) for item in shell.api.items(path_of("executions", execution, "events"))]
    if not check:
        shell.tell({"items": trail, "nextToken": None}, lambda: lists.events(shell.look, trail))
        return
    verdict = verify(trail)
    document = {"intact": verdict.intact, "events": len(trail), "brokenAt": verdict.broken_at, "reason": verdict.why}
    shell.tell(document, lambda: _verdict(shell, verdict))
    if not verdict.intact:
        raise Finished(EXIT_FAILURE)


def _verdict(shell: Shell, verdict: Verdict) -> Text:
    if verdict.intact:
        return shell.look.text(f"✓ intact: {verdict.events} events, each linked to the one before it", "green")
    return shell.look.text(f"✗ broken at sequence {verdict.broken_at}: {verdict.why}", "bold red")
