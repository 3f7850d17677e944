"""`wavebreak report …`: the evidence of an execution."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Group

from wavebreak_cli.errors import EXIT_FAILURE, Finished, Misconfigured
from wavebreak_cli.session import JsonFlag, Shell, open_shell

if TYPE_CHECKING:
    from wavebreak.domain.evidence.seal import Verification

reports: Final = typer.Typer(name="report", help="Check the evidence of an execution.", no_args_is_help=True)


@reports.command()
def verify(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A report as JSON; - is standard input.")],
    json: JsonFlag = False,
) -> None:
    """Check a report without a network: exit code 0 when its trail and its hash fit what it says, else 1."""
    shell = open_shell(context, json)
    found = _verified(_read(file))
    told = {
        "intact": found.intact,
        "events": found.events,
        "reportHash": found.report_hash,
        "faults": list(found.faults),
    }
    shell.tell(told, lambda: _verdict(shell, found))
    if not found.intact:
        raise Finished(EXIT_FAILURE)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise Misconfigured.because(f"{file} cannot be read: {error}") from error


def _verified(content: bytes) -> "Verification":
    """Check what a file holds; bytes that are no text make it no report, as a changed byte may."""
    from wavebreak.domain.evidence.seal import Verification, verify_text  # noqa: PLC0415 - only this command needs it

    try:
        return verify_text(content.decode())
    except UnicodeDecodeError as error:
        return Verification((f"this is no report: byte {error.start + 1} is not UTF-8",))


def _verdict(shell: Shell, found: "Verification") -> Group:
    look = shell.look
    if found.intact:
        return Group(
            look.text(f"✓ intact: {found.events} events, each linked to the one before it", "green"),
            look.text(f"✓ its content has the reportHash {found.report_hash}", "green"),
        )
    return Group(look.text("✗ does not fit", "bold red"), *(look.text(f"  {fault}") for fault in found.faults))
