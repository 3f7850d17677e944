"""Shell completion: ids and waves, read from the API in one short call, and the commands to forward."""

import os
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import typer

from wavebreak.domain.commands.catalogue import COMMAND_NAMES
from wavebreak_cli.client.endpoint import GlobalOptions
from wavebreak_cli.client.request import path_of
from wavebreak_cli.errors import CommandError
from wavebreak_cli.session import Environment, Shell

if TYPE_CHECKING:
    from collections.abc import Callable

LATEST: Final = "latest"
WHOLE_ID: Final = re.compile(r"(drill|recovery)-[0-9a-z]{26}")
PATIENCE_SECONDS: Final = 1.0
"""How long the answer to one question is waited for: whoever presses Tab is typing."""
_AMONG: Final = 50
"""The newest executions, which are completed."""


def begins(name: str, text: str) -> bool:
    """Return whether an execution's id begins like this, with or without its mode."""
    return name.startswith(text) or name.partition("-")[2].startswith(text)


def complete_execution(incomplete: str) -> list[str]:
    """List `latest` and the newest executions whose ids begin like this; of ids none where the API does not answer."""
    words = [LATEST] if LATEST.startswith(incomplete) else []
    return words + [name for name in _asked(_newest) if name.startswith(incomplete)]


def complete_plan(incomplete: str) -> list[str]:
    """List the plans whose ids begin like this; nothing where the API does not answer."""
    return [name for name in _asked(_plans) if name.startswith(incomplete)]


def complete_wave(context: typer.Context, incomplete: str) -> list[str]:
    """List the waves of the execution typed before: by name, or by number where a shell would take a name apart."""
    typed = str(context.params.get("execution") or "").lower()
    return [wave for wave in _asked(lambda shell: _waves(shell, typed)) if wave.startswith(incomplete)]


def complete_command(incomplete: str) -> list[str]:
    """List the commands to forward that begin like this."""
    return [name for name in COMMAND_NAMES if name.startswith(incomplete)]


def _asked(question: "Callable[[Shell], list[str]]") -> list[str]:
    """Ask the API that the environment names, and say nothing; nothing is completed where it does not answer."""
    found = {name: os.environ.get(f"WAVEBREAK_{name.upper()}") for name in ("api_url", "stack")}
    shell = Shell(Environment(), GlobalOptions(**found), json=True)
    try:
        return question(shell)
    except (CommandError, OSError):
        return []
    finally:
        shell.close()


def _items(shell: Shell, path: str, limit: int | None = None) -> list[dict[str, Any]]:
    return list(shell.api.items(path, limit=limit, attempts=1, patience=PATIENCE_SECONDS))


def _newest(shell: Shell) -> list[str]:
    return [str(item.get("executionId")) for item in _items(shell, "/executions", _AMONG)]


def _plans(shell: Shell) -> list[str]:
    return [str((item.get("plan") or item).get("planId")) for item in _items(shell, "/plans")]


def _waves(shell: Shell, typed: str) -> list[str]:
    meant = [typed] if WHOLE_ID.fullmatch(typed) else [name for name in _newest(shell) if begins(name, typed)]
    if typed == LATEST:
        meant = _newest(shell)[:1]
    if not typed or len(meant) != 1:
        return []
    found = shell.api.get(path_of("executions", meant[0]), attempts=1, patience=PATIENCE_SECONDS)
    named = [(str(wave.get("name")), str(wave.get("waveNumber"))) for wave in found.get("waves") or []]
    return [number if name.isdecimal() or shlex.quote(name) != name else name for name, number in named]
