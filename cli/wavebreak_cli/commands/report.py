"""`wavebreak report …`: the evidence of an execution."""

import sys
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
from rich.console import Group
from typer.core import TyperGroup

from wavebreak_cli.client.request import path_of
from wavebreak_cli.commands.names import ExecutionArgument, execution_named
from wavebreak_cli.errors import EXIT_FAILURE, ConfigError, Finished
from wavebreak_cli.session import JsonFlag, Shell, open_shell
from wavebreak_cli.views.report_card import report_card

if TYPE_CHECKING:
    from wavebreak.domain.evidence.seal import Verification


class _IdOrVerify(TyperGroup):
    """`report ID` beside `report verify FILE`: anything that is not a command is an id, or an option before one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command that takes an id before one."""
        own = {*self.commands, "--help"}
        return super().parse_args(ctx, [_OF, *args] if args and args[0] not in own else args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete ids beside the commands."""
        named, *_ = self.commands[_OF].params
        return [*super().shell_complete(ctx, incomplete), *named.shell_complete(ctx, incomplete)]


_OF: Final = "of"
reports: Final = typer.Typer(
    name="report",
    cls=_IdOrVerify,
    help="Show the evidence of an execution (report ID), or check a stored one (report verify FILE).",
    no_args_is_help=True,
)


@reports.command(_OF, hidden=True)
def of(
    context: typer.Context,
    execution: ExecutionArgument,
    html: Annotated[str | None, typer.Option(metavar="FILE", help="Write it as a page; - is standard output.")] = None,
    json: JsonFlag = False,
) -> None:
    """Show the evidence of an execution, print it whole with --json, or write it as a page."""
    shell = open_shell(context, json)
    path = path_of("executions", execution_named(shell, execution), "report")
    if html is not None:
        _write(shell, html, shell.api.content(path, {"format": "html"}))
        return
    content = shell.api.content(path)
    document = cast("dict[str, Any]", loads(content))
    shell.print_result(document, lambda: report_card(shell.screen, document))


def _write(shell: Shell, file: str, page: bytes) -> None:
    if file == "-":
        shell.around.out.file.write(page.decode())
        return
    try:
        Path(file).write_bytes(page)
    except (OSError, ValueError) as error:
        raise ConfigError.because(f"{file} cannot be written: {error}") from error
    shell.note(f"written to {file}")


@reports.command()
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A report as JSON; - is standard input.")],
    json: JsonFlag = False,
) -> None:
    """Check a report without a network: exit code 0 when its trail and its hash fit what it says, else 1."""
    shell = open_shell(context, json)
    found = _verified(_read(file))
    facts = {
        "intact": found.intact,
        "events": found.events,
        "reportHash": found.report_hash,
        "faults": list(found.faults),
    }
    shell.print_result(facts, lambda: _verdict(shell, found))
    if not found.intact:
        raise Finished(EXIT_FAILURE)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigError.because(f"{file} cannot be read: {error}") from error


def _verified(content: bytes) -> "Verification":
    """Check the content of a file; bytes that are not text are not a report."""
    from wavebreak.domain.evidence.seal import Verification, verify_text  # noqa: PLC0415 - only this command needs it

    try:
        return verify_text(content.decode())
    except UnicodeDecodeError as error:
        return Verification((f"this is no report: byte {error.start + 1} is not UTF-8",))


def _verdict(shell: Shell, found: "Verification") -> Group:
    screen = shell.screen
    if found.intact:
        return Group(
            screen.text(f"✓ intact: {found.events} events, each linked to the one before it", "green"),
            screen.text(f"✓ its content has the reportHash {found.report_hash}", "green"),
        )
    return Group(screen.text("✗ does not fit", "bold red"), *(screen.text(f"  {fault}") for fault in found.faults))
