"""`wavebreak console`: the operator's page in a browser, served on the loopback interface until Ctrl-C."""

from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wavebreak_cli.client.endpoint import resolve
from wavebreak_cli.errors import ConfigError
from wavebreak_cli.session import JsonFlag, open_shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

page: Final = typer.Typer()

BUILT: Final = Path(__file__).parent.parent / "console" / "built-page"
"""Where the built page is; the wheel holds it."""


@page.command("console")
def serve(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 is any that is free. Without it, 8700 if free."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Say the address, open nothing.")] = False,
    json: JsonFlag = False,
) -> None:
    """Serve the operator's page to this machine alone; calls are signed with your own credentials."""
    shell = open_shell(context, json)
    server = _server()
    endpoint = resolve(shell.given, shell.around.directory)
    with server.opened(endpoint, BUILT, port) as opened:
        shell.print_result(
            {"address": opened.address, "apiUrl": endpoint.url}, lambda: shell.screen.text(opened.address)
        )
        shell.around.out.file.flush()
        shell.note(f"The page of {endpoint.url} is open to whoever has this address. Ctrl-C ends it.")
        with nullcontext() if no_browser else _shown(opened.address):
            opened.serve()


def _server() -> "ModuleType":
    try:
        from wavebreak_cli.console import server  # noqa: PLC0415 - the web server is an extra of its own
    except ModuleNotFoundError as error:
        wanted = "pip install 'wavebreak[console]'"
        raise ConfigError.because(f"the page needs {error.name}, which is not installed: {wanted}") from error
    return server


@contextmanager
def _shown(address: str) -> "Iterator[None]":
    """Open the browser at a file of this user's own that leads on: arguments of processes are read by everybody."""
    import webbrowser  # noqa: PLC0415 - only used here

    with TemporaryDirectory(prefix="wavebreak-console-") as folder:
        page = Path(folder) / "open.html"
        page.touch(mode=0o600)
        page.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}"><title>Wavebreak</title>')
        webbrowser.open(page.as_uri())
        yield
