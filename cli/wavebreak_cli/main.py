"""The `wavebreak` command: its global options and commands, and the entry point that turns outcomes into exit codes."""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from wavebreak_cli.arguments import HELP, arranged, asks_for_help, usage_hint, without_type_of_flags
from wavebreak_cli.client.endpoint import GlobalOptions
from wavebreak_cli.commands.command import forwarding
from wavebreak_cli.commands.console import page
from wavebreak_cli.commands.executions import executions
from wavebreak_cli.commands.operations import operations
from wavebreak_cli.commands.plans import plans
from wavebreak_cli.commands.report import reports
from wavebreak_cli.commands.running import running
from wavebreak_cli.commands.snapshots import snapshots
from wavebreak_cli.commands.steering import control
from wavebreak_cli.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_TERMINATED,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    CommandError,
    Finished,
)
from wavebreak_cli.examples import with_examples
from wavebreak_cli.option_words import InOurWords
from wavebreak_cli.session import Environment, JsonFlag, Shell

app: Final = typer.Typer(
    cls=InOurWords, no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": HELP}
)
app.add_typer(plans)
app.add_typer(executions)
app.add_typer(running)
app.add_typer(snapshots)
app.add_typer(control)
app.add_typer(operations)
app.add_typer(reports)
app.add_typer(forwarding)
app.add_typer(page)

_FRAMEWORK_EXITS: Final = {1: EXIT_BROKEN_PIPE, 2: EXIT_USAGE}
"""Exit codes that typer and rich end with themselves: 1 and 2 already mean outcomes here."""


def installed_version(name: str) -> str:
    """Tell the version of an installed distribution."""
    from importlib.metadata import version  # noqa: PLC0415 - a seventh of the start of any other command

    return version(name)


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
    debug: Annotated[bool, typer.Option("--debug", help="Tell every call, its time and its request id.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Recover servers with AWS Elastic Disaster Recovery, wave by wave, and always see how far it got."""
    shell = context.find_object(Shell)
    if shell is not None:
        shell.given = GlobalOptions(api_url, stack, region, profile)
        shell.json = json
        shell.debug = debug


def invoke(arguments: Sequence[str], around: Environment) -> int:
    """Run one command line in its environment and return its exit code."""
    shell = Shell(around)
    try:
        program, words = typer.main.get_command(app), arranged(arguments)
        if asks_for_help(words):
            without_type_of_flags(program)
            with_examples(program)
        program.main(args=words, prog_name="wavebreak", obj=shell)
    except Finished as outcome:
        return outcome.exit_code
    except CommandError as failure:
        return shell.fail(failure)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else EXIT_OK
        hint = usage_hint(arguments) if _FRAMEWORK_EXITS.get(code) == EXIT_USAGE else None
        if hint:
            shell.note(f"hint: {hint}")
        return _FRAMEWORK_EXITS.get(code, code)
    except Exception as error:  # noqa: BLE001 - the doorway: Python's own exit code 1 would read as a failed recovery
        if not (
            isinstance(error, OSError) and error.errno == errno.ENOSPC
        ):  # that is reported when the rest is written
            traceback.print_exc()
        return EXIT_UNAVAILABLE
    finally:
        shell.close()
    return EXIT_OK


def run() -> None:
    """Run the command line of this process."""
    _reopen_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are TextIOWrapper here
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))  # so that a live view leaves the terminal clean
    around = Environment(ask=_ask if sys.stdin.isatty() and sys.stderr.isatty() else None)
    sys.exit(_written_out(invoke(sys.argv[1:], around)))


def _reopen_closed_streams() -> None:
    """Return a process that was started without one of its streams an empty one: nothing else may take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end


def _written_out(code: int) -> int:
    """Flush the output. Python would do so after the exit code is set, and a failure would then be 120."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is held back goes nowhere
        if isinstance(error, BrokenPipeError):
            return EXIT_BROKEN_PIPE
        print(f"error: output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201 - no console is left
        return EXIT_UNAVAILABLE
    return code


def _ask(question: str) -> str:
    """Ask on standard error, so that standard output holds nothing but the answer of the command."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 - a question to a person
    return input()
