"""Executions and waves named as people do: by the beginning of an id, as the latest one, a wave by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from wavebreak.identifiers import PLAN_ID_PATTERN
from wavebreak_cli.client.answers import members, names_in
from wavebreak_cli.client.request import path_of
from wavebreak_cli.errors import CommandError, ConfigError
from wavebreak_cli.session import Environment, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wavebreak_cli.client.answers import Execution

LATEST: Final = "latest"
_WHOLE: Final = re.compile(r"(drill|recovery)-[0-9a-z]{26}")
_BEGINNING: Final = re.compile(r"[0-9a-z-]+")
_LOOKED_AT: Final = 1000
"""The newest executions, among which a beginning has to be the only one."""
_SHOWN: Final = 5
_COMPLETED_AMONG: Final = 50


def execution_named(shell: Shell, text: str) -> str:
    """Give the id of an execution that is named by it, by its beginning, or as `latest`.

    The beginning may leave `drill-` or `recovery-` out. Raises ConfigError unless exactly one fits.
    """
    given, text = text, text.lower()
    if not _BEGINNING.fullmatch(text):
        raise ConfigError.because(f"{given!r} is no id of an execution: {LATEST}, or the beginning of one")
    if _WHOLE.fullmatch(text):
        return text
    if text == LATEST:
        for item in shell.api.items("/executions", limit=1):
            return _said(shell, str(item.get("executionId")))
        raise ConfigError.because("there is no execution yet")
    found = [
        name for name in _ids(shell, _LOOKED_AT) if name.startswith(text) or name.partition("-")[2].startswith(text)
    ]
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
    """Give the number of a wave that is named by it or by its name; raises ConfigError for neither."""
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
    """Give what people call the servers of an execution, by their ids and those of its instances."""
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


def _completing() -> Shell:
    """Make a shell for completion: it asks the API that the environment names, once, and says nothing."""
    import os  # noqa: PLC0415 - only completion reads the environment by itself

    from wavebreak_cli.client.endpoint import GlobalOptions  # noqa: PLC0415 - only completion needs it

    found = {name: os.environ.get(f"WAVEBREAK_{name.upper()}") for name in ("api_url", "stack")}
    return Shell(Environment(), GlobalOptions(**found))


def complete_execution(incomplete: str) -> list[str]:
    """List the newest executions whose ids begin like this; nothing where the API does not answer."""
    return _completed("/executions", "executionId", incomplete, limit=_COMPLETED_AMONG)


def complete_plan(incomplete: str) -> list[str]:
    """List the plans whose ids begin like this; nothing where the API does not answer."""
    return _completed("/plans", "planId", incomplete)


def _completed(path: str, field: str, incomplete: str, **query: Any) -> list[str]:
    shell = _completing()
    try:
        names = [str((item.get("plan") or item).get(field)) for item in shell.api.items(path, attempts=1, **query)]
    except (CommandError, OSError):
        return []
    finally:
        shell.close()
    return [name for name in names if name.startswith(incomplete)]


def plan_named(text: str) -> str:
    """Give the id of a plan; raises ConfigError for what can be none: a path of the API with it would be another."""
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
WaveArgument = Annotated[str, typer.Argument(metavar="WAVE", help="Number or name of the wave.")]
