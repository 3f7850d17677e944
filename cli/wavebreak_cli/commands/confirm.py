"""Confirmations of what cannot be undone: the operator sees what is at stake and types its name, never `y`."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from wavebreak_cli.client.answers import members
from wavebreak_cli.client.request import ATTEMPTS, READ_SECONDS, path_of
from wavebreak_cli.errors import CommandError, ConfigError
from wavebreak_cli.views import briefing
from wavebreak_cli.views.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from wavebreak_cli.client.answers import Execution, StoredPlan
    from wavebreak_cli.session import Shell

_WAIT_SECONDS: Final = 8
"""For how long a prompt looks into executions with instances left, the newest first; it says how many it did not."""
MOST_EXECUTIONS: Final = 500
"""As many are looked into for a list of what runs, and before servers that may be a recovery's are taken down."""


def typed(shell: Shell, wanted: str, given: str | None, question: str, done: str) -> None:
    """Have somebody type a name, or take it as `given`; raise ConfigError unless it is the one wanted.

    `done` says what was not done: `nothing was started`.
    """
    answer = shell.question(question) if given is None else given
    if answer is None:
        raise ConfigError.because(f"not confirmed, {done}: it takes a terminal, or --confirm {wanted}")
    if answer != wanted:
        raise ConfigError.because(f"{answer!r} is not {wanted}, {done}")


def recovery_of(shell: Shell, plan_id: str, given: str | None, wanted: briefing.Wanted) -> None:
    """Have a recovery confirmed by its plan's id, after showing what it will do."""
    if given is None and shell.around.ask is not None:
        shell.around.err.print(briefing.recovery(Screen.of(shell.around.err), _briefing(shell, plan_id, wanted)))
    question = f"Type the plan's id, {plan_id}, to start its recovery:"
    typed(shell, plan_id, given, question, "nothing was started")


def end_of_servers(shell: Shell, execution: str, given: str | None, verb: str) -> None:
    """Ask for the execution's id before a command takes a recovery's application down."""
    show_stakes(shell, execution, given)
    question = f"{execution} is a RECOVERY: {verb} takes its servers out of service. Type its id to go on:"
    typed(shell, execution, given, question, "nothing was sent")


def show_stakes(shell: Shell, execution: str, given: str | None) -> None:
    """Show whoever is asked for the id of a recovery what it is: its plan, places and servers, if the API tells."""
    if given is not None or shell.around.ask is None:
        return
    with suppress(CommandError):
        found = _read_once(shell, execution)
        shell.around.err.print(briefing.stakes(Screen.of(shell.around.err), found, running_servers(found)))


def _briefing(shell: Shell, plan_id: str, wanted: briefing.Wanted) -> briefing.Briefing:
    """Gather what is shown. A plan that cannot be read is reported; nothing else that is missing is waited for."""
    from wavebreak_cli.client.caller import account_of  # noqa: PLC0415 - STS is only asked by few commands

    stored = cast("StoredPlan", shell.api.get(path_of("plans", plan_id)))
    readiness: Mapping[str, Any] | str
    replaced: list[briefing.Replaced] | str
    unseen = 0
    try:
        readiness = shell.api.post(path_of("plans", plan_id, "validate"), patience=READ_SECONDS)
    except CommandError as failure:
        readiness = str(failure)
    try:
        replaced, unseen = _running_now(shell, _servers_of(stored, readiness), stored)
    except CommandError as failure:
        replaced = str(failure)
    endpoint = shell.api.endpoint
    return briefing.Briefing(endpoint, account_of(endpoint), stored, readiness, replaced, wanted, unseen)


def _servers_of(stored: StoredPlan, readiness: Mapping[str, Any] | str) -> frozenset[str]:
    """Return the servers that the plan names, and those that its selectors match, where the API has named them."""
    waves = (stored.get("plan") or {}).get("waves") or []
    named = {str(server["sourceServerId"]) for wave in waves for server in wave.get("servers") or []}
    return frozenset(named | briefing.names_of(readiness).keys())


def _running_now(shell: Shell, servers: Collection[str], stored: StoredPlan) -> tuple[list[briefing.Replaced], int]:
    """Find the executions whose instances of these servers run now; of a server only its newest one does.

    Return how many with instances left were not looked into, too: none once every server was found, or within the time.
    """
    found: list[briefing.Replaced] = []
    seen: set[str] = set()
    until = shell.around.now() + timedelta(seconds=_WAIT_SECONDS)
    by_tags = any(wave.get("selector") for wave in (stored.get("plan") or {}).get("waves") or [])
    names = _names_with_instances(shell, attempts=1)
    for name in names:
        execution = _read_once(shell, name)
        running = tuple(one for one in running_servers(execution) if one in servers and one not in seen)
        seen.update(running)
        if running:
            found.append(briefing.Replaced(execution, running))
        if not by_tags and seen.issuperset(servers):
            return found, 0
        if shell.around.now() >= until:
            return found, sum(1 for _ in names)
    return found, 0


def with_instances(
    shell: Shell, most: int, *, attempts: int = ATTEMPTS, mode: str | None = None
) -> Iterator[Execution]:
    """Read the executions that have left instances running, whole, newest first, at most so many.

    `attempts` says how often a page of their list is asked for.
    """
    for name in islice(_names_with_instances(shell, attempts=attempts, mode=mode), most):
        yield _read_once(shell, name)


def _names_with_instances(shell: Shell, *, attempts: int, mode: str | None = None) -> Iterator[str]:
    """Name the executions that have left instances running, newest first."""
    for item in shell.api.items("/executions", limit=1000, attempts=attempts, mode=mode):
        if item.get("instancesLeft") != 0:
            yield str(item.get("executionId"))


def _read_once(shell: Shell, execution_id: str) -> Execution:
    return cast("Execution", shell.api.get(path_of("executions", execution_id), attempts=1))


def running_servers(execution: Execution) -> list[str]:
    """List the servers that were launched and, by what is stored, not ended since."""
    if execution.get("instancesTerminated"):
        return []
    return [
        str(server.get("sourceServerId"))
        for _, server in members(execution)
        if server.get("launchStatus") == "LAUNCHED" and server.get("ending") not in {"TERMINATED", "REPLACED"}
    ]


def recoveries_with(shell: Shell, targets: Collection[str]) -> list[str]:
    """Name the recoveries whose servers are among some targets: source servers or recovery instances.

    Of a server only the newest one counts: what an earlier recovery launched for it was replaced.
    """
    left = set(targets)
    found: list[str] = []
    for execution in with_instances(shell, MOST_EXECUTIONS, mode="RECOVERY"):
        running = frozenset(running_servers(execution))
        instances = {
            str(server.get("recoveryInstanceId"))
            for _, server in members(execution)
            if server.get("sourceServerId") in running
        }
        touched = left & (running | instances)
        left -= touched
        if touched:
            found.append(str(execution.get("executionId")))
        if not left:
            break
    return found
