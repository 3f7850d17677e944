"""`wavebreak run`, `show`, `watch`, `events`: starting and following executions."""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from wavebreak.domain.executions.audit_chain import Verdict, verify
from wavebreak.timing import iso
from wavebreak_cli.client.request import ATTEMPTS, path_of
from wavebreak_cli.commands.confirm import recovery_of
from wavebreak_cli.commands.follow import Phases, follow_to_end, read_execution
from wavebreak_cli.commands.moments import past_moment_of
from wavebreak_cli.commands.names import ExecutionArgument, PlanArgument, execution_named, plan_named
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_INTERRUPTED, ConfigError, Finished, UnavailableError
from wavebreak_cli.repeat_loop import WatchFlag, show_list
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import execution_card, lists, servers_list
from wavebreak_cli.views.briefing import Wanted

if TYPE_CHECKING:
    from wavebreak_cli.client.answers import Event, Execution

executions: Final = typer.Typer()


class RunMode(StrEnum):
    """What a run is for."""

    DRILL = "drill"
    RECOVERY = "recovery"


_POINT: Final = re.compile(r"(s-[0-9a-zA-Z]{17})=(pit-[0-9a-zA-Z]{17})")
_START: Final = {RunMode.DRILL: "/drills", RunMode.RECOVERY: "/recoveries"}


@executions.command()
def run(  # noqa: PLR0913, PLR0917  each is an option of the command line
    context: typer.Context,
    plan: PlanArgument,
    mode: Annotated[RunMode, typer.Option(help="A rehearsal, or the real thing.")],
    reason: Annotated[str | None, typer.Option(help="Why, for the audit trail.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")] = False,
    confirm: Annotated[
        str | None, typer.Option(metavar="PLAN", help="The plan's id again: starts a recovery without being asked.")
    ] = None,
    terminate_after: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES", help="How long a drill's instances stay after its end; by default as the plan says."
        ),
    ] = None,
    no_preempt: Annotated[
        bool, typer.Option("--no-preempt", help="Have drills that are in a recovery's way refuse it, not give way.")
    ] = False,
    snapshot: Annotated[
        list[str] | None,
        typer.Option(metavar="s-…=pit-…", help="Recovery point of a server; may be given several times."),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Each server from its newest recovery point not later than this: 6h or 2d ago, or a time in UTC.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the execution's id alone.")] = False,
    json: JsonFlag = False,
) -> None:
    """Run a plan as a drill or a recovery."""
    shell = open_shell(context, json)
    if no_preempt and mode is RunMode.DRILL:
        raise ConfigError.because("--no-preempt is for a recovery: a drill never has others give way")
    if terminate_after is not None and mode is RunMode.RECOVERY:
        raise ConfigError.because("--terminate-after is for a drill: a recovery's instances stay")
    points, plan = _recovery_points(snapshot or []), plan_named(plan)
    limit = past_moment_of(before, shell.around.now()) if before is not None else None
    if mode is RunMode.RECOVERY:
        recovery_of(shell, plan, confirm, Wanted(preempts=not no_preempt, before=limit, points=points))
    body = {"planId": plan, "reason": reason, "snapshots": points or None, "terminateAfterMinutes": terminate_after}
    body |= {"preempt": False if no_preempt else None, "before": iso(limit) if limit else None}
    started = _start(shell, _START[mode], body)
    name = started.get("executionId", "")
    if watch:
        follow_to_end(shell, name, exists=True)
    if quiet:
        shell.around.out.file.write(f"{name}\n")
        return
    shell.print_result(started, lambda: _started(shell, name, started))


def _recovery_points(given: list[str]) -> dict[str, str]:
    """Read the recovery points of servers, each `s-…=pit-…`; raise ConfigError for anything else."""
    points: dict[str, str] = {}
    for text in given:
        found = _POINT.fullmatch(text)
        if found is None:
            raise ConfigError.because(
                f"{text!r} is no recovery point of a server: s-…=pit-…, each with 17 letters or digits"
            )
        if found[1] in points:
            raise ConfigError.because(f"{found[1]} is given two recovery points")
        points[found[1]] = found[2]
    return points


def _start(shell: Shell, path: str, body: dict[str, Any]) -> "Execution":
    """Ask for an execution; nobody who gets no answer is left to believe that nothing was started."""
    doubt = f"It may have been started all the same: see wavebreak executions --plan {body['planId']} --limit 1"
    try:
        return cast("Execution", shell.api.post(path, body, key=shell.around.new_key()))
    except KeyboardInterrupt:
        shell.note(f"Left before the API answered. {doubt}")
        raise Finished(EXIT_INTERRUPTED) from None
    except UnavailableError as failure:
        if failure.problem.get("started") is False:
            failure.hint = "Nothing was started."
        elif failure.may_have_arrived:
            failure.hint = doubt
        raise


def _started(shell: Shell, name: str, started: "Execution") -> Group:
    screen = shell.screen
    begun = screen.text("✓ started ", "green") + screen.mode(started.get("mode")) + screen.text(f" {name}", "green")
    parts = [begun, screen.text(f"  wavebreak watch {name}", "cyan")]
    return Group(*parts, *execution_card.warning_lines(screen, started))


@executions.command()
def show(
    context: typer.Context,
    execution: ExecutionArgument,
    servers: Annotated[bool, typer.Option("--servers", help="List every server with its recovery instance.")] = False,
    json: JsonFlag = False,
) -> None:
    """Show the card of an execution: how far it got and what can be done next."""
    shell = open_shell(context, json)
    execution = execution_named(shell, execution)
    found = read_execution(shell, execution)

    def picture() -> RenderableType:
        now = shell.around.now()
        shown = execution_card.card(shell.screen, found, now, bar=shell.around.out.is_terminal)
        if not servers:
            return shown
        with_phases = Phases(shell, execution).of(found)
        return Group(shown, Text(), servers_list.servers(shell.screen, with_phases, now))

    shell.print_result(found, picture)


@executions.command()
def watch(context: typer.Context, execution: ExecutionArgument, json: JsonFlag = False) -> None:
    """Follow an execution to its end: exit code 0 complete, 1 failed or cancelled, 2 partial success."""
    shell = open_shell(context, json)
    follow_to_end(shell, execution_named(shell, execution))


@executions.command()
def events(
    context: typer.Context,
    execution: ExecutionArgument,
    check: Annotated[bool, typer.Option("--verify", help="Check the chain of hashes instead of listing.")] = False,
    watch: WatchFlag = False,
    json: JsonFlag = False,
) -> None:
    """Show the audit trail of an execution, or check that nothing in it is missing or edited."""
    shell = open_shell(context, json)
    if check and watch:
        raise ConfigError.because("--verify checks once: leave out --watch")
    execution = execution_named(shell, execution)

    def read(attempts: int) -> "list[Event]":
        found = shell.api.items(path_of("executions", execution, "events"), attempts=attempts)
        return [cast("Event", item) for item in found]

    if not check:
        out = shell.around.out
        rows = out.height if watch and out.is_interactive else None
        show_list(shell, read, lambda trail, _: lists.events(shell.screen, trail, rows), watch=watch)
        return
    trail = read(ATTEMPTS)
    verdict = verify(trail)
    document = {"intact": verdict.intact, "events": len(trail), "brokenAt": verdict.broken_at, "reason": verdict.why}
    shell.print_result(document, lambda: _verdict(shell, verdict))
    if not verdict.intact:
        raise Finished(EXIT_FAILURE)


def _verdict(shell: Shell, verdict: Verdict) -> Text:
    if verdict.intact:
        return shell.screen.text(f"✓ intact: {verdict.events} events, each linked to the one before it", "green")
    return shell.screen.text(f"✗ broken at sequence {verdict.broken_at}: {verdict.why}", "bold red")
