"""A command run ended without its machine: a cancelled one to which nothing was sent, and one that is given up.

Nothing but the table is needed for it, so that a run always ends, whatever its machine cannot do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from wavebreak.aws.agents import stop_commands
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.runs import TargetState
from wavebreak.domain.errors.record import Severity
from wavebreak.error_category import Category
from wavebreak.use_cases.command_machine.collect_results import record_result, summarize
from wavebreak.use_cases.record_machine_failures import machine_service

if TYPE_CHECKING:
    from wavebreak.domain.commands.runs import CommandRun, CommandTarget
    from wavebreak.ports.capabilities import HasSsmAgents
    from wavebreak.site import Site
    from wavebreak.use_cases.command_machine.collect_results import Ports as CollectResultsPorts

    class Ports(CollectResultsPorts, HasSsmAgents, Protocol):
        """What ending a run in place needs."""


_SECONDS: Final = 8.0
"""How long targets are ended one by one while a caller waits; the rest is left to the machine, or the sweep."""


def stop_cancelled(app: Ports, run: CommandRun) -> CommandRun:
    """Stop the commands that run, and end what was not sent; return the run, ended if nothing is left.

    What is missed here, the worker that watches the target stops, or ends.
    """
    left = _left(app, run)
    _stop(app, run, left)
    until = time.monotonic() + _SECONDS
    for target in left:
        if time.monotonic() >= until:
            break
        if target.state in {TargetState.WAITING, TargetState.POSTPONED}:
            result = ExecutionResult.cancelled(target.name, reason="Cancelled before it was started")
            record_result(app, run, target, result, only_as_read=True)
    return run if _left(app, run) else summarize(app, run)


def give_up(app: Ports, run: CommandRun, why: str) -> None:
    """End a run that does not end; targets without a result get one with the reason."""
    name_and_message = ("CommandGivenUp", f"{run.command_id} is given up: {why}")
    app.errors.record_failure(
        Severity.CRITICAL,
        Category.WORKFLOW,
        name_and_message,
        service=machine_service(run.command_id),
        execution_id=run.execution_id,
        commandId=run.command_id,
    )
    left = _left(app, run)
    _stop(app, run, left)
    for target in left:
        record_result(app, run, target, ExecutionResult.unexpected(target.name, f"The run was given up: {why}"))
    summarize(app, run)


def _left(app: Ports, run: CommandRun) -> list[CommandTarget]:
    return [target for target, _, _ in app.commands.targets(run.command_id) if target.state is not TargetState.ENDED]


def _stop(app: Ports, run: CommandRun, targets: list[CommandTarget]) -> None:
    def note(error: Exception, site: Site) -> None:
        app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id, site=str(site))

    stop_commands([target for target in targets if target.state is TargetState.SENT], app.ssm_at, note)
