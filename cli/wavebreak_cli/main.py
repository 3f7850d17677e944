"""The `wavebreak` command: its global options, its commands, and the doorway that turns outcomes into exit codes."""

import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Annotated, Final

import typer

from wavebreak_cli.commands.control import control
from wavebreak_cli.commands.executions import executions
from wavebreak_cli.commands.forwarding import forwarding
from wavebreak_cli.commands.operations import operations
from wavebreak_cli.commands.plans import plans
from wavebreak_cli.config import Given
from wavebreak_cli.problems import (
    EXIT_BROKEN_PIPE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    CommandFailed,
    Finished,
)
from wavebreak_cli.shell import JsonFlag, Shell, Surroundings

app: Final = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(plans)
app.add_typer(executions)
app.add_typer(control)
app.add_typer(operations)
app.add_typer(forwarding)

_FRAMEWORK_EXITS: Final = {1: EXIT_BROKEN_PIPE, 2: EXIT_USAGE}
"""Exit codes that typer and rich end with themselves: 1 and 2 already mean outcomes here."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wavebreak {installed_version('wavebreak')}")
        raise typer.Exit


@app.callback()
def configure(
    context: typer.Context,
    api_url: Annotated[str | None, typer.Option(envvar="WAVEBREAK_API_URL", help="Address of the API.")] = None,
    stack: Annotated[
        str | None,
        typer.Option(envvar="WAVEBREAK_STACK", help="CloudFormation stack to find the API of. [default: wavebreak]"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region of the API.")] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile whose credentials sign the calls.")] = None,
    json: JsonFlag = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Recover servers with AWS Elastic Disaster Recovery, wave by wave, and always see how far it got."""
    shell = context.find_object(Shell)
    if shell is not None:
        shell.given = Given(api_url, stack, region, profile)
        shell.json = json


def invoke(arguments: Sequence[str], around: Surroundings) -> int:
    """Run one command line in its surroundings and return its exit code."""
    shell = Shell(around)
    try:
        typer.main.get_command(app).main(args=list(arguments), prog_name="wavebreak", obj=shell)
    except Finished as outcome:
        return outcome.exit_code
    except CommandFailed as failure:
        return shell.fail(failure)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else EXIT_OK
        return _FRAMEWORK_EXITS.get(code, code)
    except Exception:  # noqa: BLE001 - the doorway: Python's own exit code 1 would read as a failed recovery
        traceback.print_exc()
        return EXIT_UNAVAILABLE
    finally:
        shell.close()
    return EXIT_OK


def run() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are TextIOWrapper here
    around = Surroundings(ask=_ask if sys.stdin.isatty() and sys.stderr.isatty() else None)
    sys.exit(invoke(sys.argv[1:], around))


def _ask(question: str) -> str:
    """Ask on standard error, so that standard output holds nothing but the answer of the command."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 - a question to a person
    return input()
