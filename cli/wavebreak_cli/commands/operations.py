"""`wavebreak errors`: what went wrong in Wavebreak itself."""

from typing import Annotated, Final

import typer

from wavebreak.errors import Category, Severity
from wavebreak_cli import error_lists
from wavebreak_cli.problems import Misconfigured
from wavebreak_cli.shell import JsonFlag, open_shell

operations: Final = typer.Typer()


@operations.command()
def errors(
    context: typer.Context,
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.", case_sensitive=False)] = None,
    category: Annotated[Category | None, typer.Option(help="Only of this category.", case_sensitive=False)] = None,
    hours: Annotated[int, typer.Option(min=1, help="How far to look back.")] = 24,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    summary: Annotated[bool, typer.Option("--summary", help="Count them instead of listing them.")] = False,
    json: JsonFlag = False,
) -> None:
    """List recorded errors, newest first, or count them."""
    shell = open_shell(context, json)
    if summary:
        if severity or category:
            raise Misconfigured.because("--summary counts all of them: leave out --severity and --category")
        counted = shell.api.get("/errors/summary", {"hours": hours})
        shell.tell(counted, lambda: error_lists.summary(shell.look, counted))
        return
    pages = shell.api.items("/errors", limit=limit, severity=severity, category=category, hours=hours)
    found = list(pages)
    shell.tell({"items": found, "nextToken": None}, lambda: error_lists.errors(shell.look, found))
