"""`wavebreak health`, `wavebreak errors`: whether Wavebreak itself is well, and what went wrong in it."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from wavebreak.domain.errors.record import Severity
from wavebreak.error_category import Category
from wavebreak_cli.commands.completion import complete_execution
from wavebreak_cli.commands.names import execution_named
from wavebreak_cli.errors import EXIT_FAILURE, EXIT_OK, EXIT_UNAVAILABLE, ConfigError, Finished, UnavailableError
from wavebreak_cli.repeat_loop import WatchFlag, show_again, show_list
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views import error_lists, lists

if TYPE_CHECKING:
    from collections.abc import Mapping

operations: Final = typer.Typer()

_MEMBERS: Final = ("status", "circuit_breakers", "critical_circuits_open")


@operations.command()
def errors(  # noqa: PLR0913, PLR0917  each is an option of the command line
    context: typer.Context,
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.", case_sensitive=False)] = None,
    category: Annotated[Category | None, typer.Option(help="Only of this category.", case_sensitive=False)] = None,
    hours: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 24,
    execution: Annotated[
        str | None, typer.Option(metavar="ID", help="Only of this execution.", autocompletion=complete_execution)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    summary: Annotated[bool, typer.Option("--summary", help="Count them instead of listing them.")] = False,
    watch: WatchFlag = False,
    json: JsonFlag = False,
) -> None:
    """List recorded errors, newest first, or count them."""
    shell = open_shell(context, json)
    if summary:
        if severity or category or execution:
            raise ConfigError.because("--summary counts all of them: leave out --severity, --category, --execution")
        show_again(
            shell,
            lambda attempts: shell.api.get("/errors/summary", {"hours": hours}, attempts=attempts),
            lambda counted, _: error_lists.summary(shell.screen, counted),
            lambda counted: counted,
            watch=watch,
        )
        return
    filters: dict[str, Any] = {"severity": severity, "category": category, "hours": hours}
    named = execution and execution_named(shell, execution)

    def read(attempts: int) -> list[dict[str, Any]]:
        if named is None:
            return list(shell.api.items("/errors", limit=limit, attempts=attempts, **filters))
        recorded = shell.api.items("/errors", attempts=attempts, **filters)
        return list(islice((error for error in recorded if error.get("executionId") == named), limit))

    show_list(shell, read, lambda found, _: error_lists.errors(shell.screen, found), watch=watch)


@operations.command()
def whoami(context: typer.Context, json: JsonFlag = False) -> None:
    """Show which stack calls go to, in which account and Region, and whose credentials sign them."""
    from wavebreak_cli.client.caller import Caller, caller_of  # noqa: PLC0415 - STS is only asked by few commands

    shell = open_shell(context, json)
    endpoint = shell.api.endpoint
    try:
        caller = caller_of(endpoint)
    except UnavailableError as failure:  # where calls go to is known without STS
        caller = Caller(f"not known: {failure}", "not known")
    facts = {
        "stack": endpoint.origin or endpoint.url,
        "apiUrl": endpoint.url,
        "account": endpoint.account or caller.account,
        "region": endpoint.region,
        "principal": caller.arn,
    }
    shell.print_result(facts, lambda: lists.facts(shell.screen, facts))


@operations.command()
def health(context: typer.Context, watch: WatchFlag = False, json: JsonFlag = False) -> None:
    """Show the circuit breakers: exit code 0 all closed, 1 some not, 4 a critical one open or no answer."""
    shell = open_shell(context, json)
    _, outcome = show_again(
        shell,
        lambda _: _health(shell),
        lambda found, _: lists.health(shell.screen, found[0]),
        lambda found: found[0],
        watch=watch,
    )
    if outcome:
        raise Finished(outcome)


def _health(shell: Shell) -> "tuple[Mapping[str, Any], int]":
    """Read how Wavebreak is, and the exit code for it; one that is degraded answers, too."""
    try:
        answer: Mapping[str, Any] = shell.api.get("/health", attempts=1)
    except UnavailableError as failure:
        if "circuit_breakers" not in failure.problem:
            raise
        answer = {**failure.problem, "status": "degraded"}
        return {name: answer[name] for name in _MEMBERS if name in answer}, EXIT_UNAVAILABLE
    return answer, EXIT_OK if answer.get("status") == "healthy" else EXIT_FAILURE
