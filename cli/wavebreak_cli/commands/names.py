"""Executions and waves named as people do: by the beginning of an id, as the latest one, a wave by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak_cli.client.answers import members, names_in
from wavebreak_cli.client.request import path_of
from wavebreak_cli.commands.completion import LATEST, WHOLE_ID, begins, complete_execution, complete_plan, complete_wave
from wavebreak_cli.errors import CommandError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak_cli.client.answers import Execution
    from wavebreak_cli.session import Shell

_BEGINNING: Final = re.compile(r"[0-9a-z-]+")
_MOST_NAMES: Final = 1000
"""The newest executions, among which a beginning has to be the only one."""
_SHOWN: Final = 5


def execution_named(shell: Shell, text: str) -> str:
    """Return the id of an execution that is named by it, by its beginning, or as `latest`.

    The beginning may leave `drill-` or `recovery-` out. Raise ConfigError unless exactly one fits.
    """
    given, text = text, text.lower()
    if not _BEGINNING.fullmatch(text):
        raise ConfigError.because(f"{given!r} is no id of an execution: {LATEST}, or the beginning of one")
    if WHOLE_ID.fullmatch(text):
        return text
    if text == LATEST:
        for item in shell.api.items("/executions", limit=1):
            return _said(shell, str(item.get("executionId")))
        raise ConfigError.because("there is no execution yet")
    found = [name for name in _ids(shell, _MOST_NAMES) if begins(name, text)]
    if len(found) == 1:
        return _said(shell, found[0])
    if not found:
        return text
    more = " …" if len(found) > _SHOWN else ""
    raise ConfigError.because(f"{text} begins the ids of {len(found)} executions: {', '.join(found[:_SHOWN])}{more}")


def _said(shell: Shell, name: str) -> str:
    """Say which execution is meant: nobody steers another one than they think."""
    if not shell.json:
        shell.note(f"({name})")
    return name


def _ids(shell: Shell, most: int) -> Iterator[str]:
    return (str(item.get("executionId")) for item in shell.api.items("/executions", limit=most))


def wave_named(shell: Shell, execution: str, text: str) -> int:
    """Return the number of a wave that is named by it or by its name; raise ConfigError for neither."""
    if text.isdecimal():
        if int(text) == 0:
            raise ConfigError.because("waves are numbered from 1")
        return int(text)
    waves = shell.api.get(path_of("executions", execution)).get("waves") or []
    known = {str(wave.get("name")): int(wave.get("waveNumber", 0)) for wave in waves}
    if text not in known:
        raise ConfigError.because(f"{execution} has no wave {text!r}; it has {', '.join(known) or 'none'}")
    return known[text]


def names_of_targets(shell: Shell, execution: str | None) -> dict[str, str]:
    """Return the names of the servers of an execution, by their ids and those of their instances."""
    if not execution:
        return {}
    try:
        found = cast("Execution", shell.api.get(path_of("executions", execution), attempts=1))
    except CommandError:
        return {}
    names = names_in(found)
    instances = {
        str(server["recoveryInstanceId"]): names[server["sourceServerId"]]
        for _, server in members(found)
        if server.get("recoveryInstanceId") and server.get("sourceServerId") in names
    }
    return names | instances


def plan_named(text: str) -> str:
    """Return the id of a plan; raise ConfigError for what can be none: a path of the API with it would be another."""
    if re.fullmatch(PLAN_ID_PATTERN, text) is None:
        raise ConfigError.because(f"{text!r} is no plan id: lower-case letters, digits and -, at most 63")
    return text


ExecutionArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Id of the execution, the beginning of it, or latest.",
        autocompletion=complete_execution,
    ),
]
PlanArgument = Annotated[str, typer.Argument(metavar="PLAN", help="Id of the plan.", autocompletion=complete_plan)]
WaveArgument = Annotated[
    str, typer.Argument(metavar="WAVE", help="Number or name of the wave.", autocompletion=complete_wave)
]
