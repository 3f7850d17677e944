"""Command runs as operators and plans request them: their targets, one start, their cancel.

A run belongs to one execution, whose audit trail records it, and reaches only what that execution launched.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from wavebreak.aws.reads_by_id import PartialReadError
from wavebreak.domain.commands.catalogue import catalogue_entry
from wavebreak.domain.commands.runs import MAX_TARGETS, Asked, CommandRun, CommandTarget
from wavebreak.domain.commands.summary import CommandRunStatus, summary_text
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.ending.taken_up import present_instance
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import CancelThen
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.plans.model import Impact
from wavebreak.execution_utils import TerminationStatus
from wavebreak.identifiers import new_command_id
from wavebreak.json_pointers import quoted
from wavebreak.problems import InvalidRequest, InvalidState, NotFound
from wavebreak.resilience.aws_errors import FAULTS, may_be_of_subjects
from wavebreak.site import Site
from wavebreak.store.keys import command as partition_of_command
from wavebreak.store.keys import execution_id_of_key
from wavebreak.use_cases.command_machine.end_in_place import stop_cancelled
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wavebreak.domain.drs import Instance
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.servers import Server
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.identifiers import RequestKey
    from wavebreak.ports.capabilities import HasAgentPatience, HasBriefDrs, HasCallPatience
    from wavebreak.ports.drs import DrsReads
    from wavebreak.use_cases.command_machine.end_in_place import Ports as EndInPlacePorts

    class Ports(EndInPlacePorts, HasAgentPatience, HasBriefDrs, HasCallPatience, Protocol):
        """What running a command needs."""


logger = logging.getLogger(__name__)

_SERVER_ID: Final = re.compile(r"s-[0-9a-zA-Z]{17}|i-[0-9a-fA-F]{8,17}")
_NO_ID: Final = "is no server's id: s- or i- and 17 letters or digits"


def start(
    app: Ports,
    asked: Asked,
    execution_id: str | None,
    names: Sequence[str] | None,
    act: Attribution,
    request: RequestKey | None = None,
) -> CommandRun:
    """Start a run that an operator asks for, on all that an execution launched or on the targets named.

    The same `request` starts one run, however often it comes.

    Raise UnsupportedCommand, NotFound, InvalidRequest naming every target that is none, or InvalidState; then nothing
    was stored and nothing was sent.
    """
    catalogue_entry(asked.command)
    now = app.now()
    command_id, exists = app.executions.requests.id_of(request, new_command_id(now), partition_of_command, now)
    if exists:
        return app.commands.load(command_id)
    if names is not None:
        _refuse_count(names)
    execution = _live(_execution_of(app, names or ()) if execution_id is None else _load(app, execution_id))
    launched = [(wave.site, server) for wave, server in _launched(execution)]
    chosen = _all(launched) if names is None else _chosen(launched, names)
    if not chosen:
        raise InvalidState(f"Execution {execution.execution_id} has no launched instance that a command could reach")
    run = _new_run(app, asked, command_id, execution.execution_id, act, len(chosen))
    run = replace(run, patience_seconds=app.call_patience_seconds)
    if not app.commands.create(run, _targets(chosen), act, _live):
        return app.commands.load(command_id)
    _start_machine(app, run)
    return run


def start_planned(
    app: Ports, asked: Asked, command_id: str, execution: Execution, wave: int, servers: Iterable[Any]
) -> None:
    """Start the run of a plan's command under the id that it always has; one that exists already is only started."""
    act = Attribution(ENGINE_ACTOR, app.now())
    chosen = [(source.site, server, server.source_server_id) for source, server in servers]
    run = _new_run(app, asked, command_id, execution.execution_id, act, len(chosen))
    run = replace(run, wave=wave, patience_seconds=app.agent_patience_seconds)
    if app.commands.create(run, _targets(chosen), act):
        _start_machine(app, run)
        return
    known = app.commands.load(command_id)
    if not known.status.is_terminal:
        _start_machine(app, known)


def _new_run(app: Ports, asked: Asked, command_id: str, execution_id: str, act: Attribution, total: int) -> CommandRun:
    return CommandRun(
        command_id=command_id,
        execution_id=execution_id,
        command=asked.command,
        args=asked.args,
        requested_by=act.actor,
        started_at=app.now(),
        timeout_seconds=asked.timeout_seconds or catalogue_entry(asked.command).default_timeout_seconds,
        total=total,
        limit=asked.limit,
        stop_on_failure=asked.stop_on_failure,
    )


def _start_machine(app: Ports, run: CommandRun) -> None:
    """Start the machine of a run that is written; if that is lost, the sweep starts it."""
    try:
        app.workflow.start_command(run.command_id, run.machine_run)
    except FAULTS as error:
        app.errors.record_error(error, Severity.WARNING, execution_id=run.execution_id, commandId=run.command_id)


def _load(app: Ports, execution_id: str) -> Execution:
    return app.executions.load(execution_id).execution


def _live(execution: Execution) -> Execution:
    """Check that an execution's instances stay; raise InvalidState while, after or before they are terminated.

    A termination stops the commands that run on what it ends: none may begin once it was asked for.
    """
    if execution.termination.status is not TerminationStatus.NOT_REQUESTED:
        raise InvalidState(f"The instances of {execution.execution_id} are terminated or being terminated")
    if execution.cancel is not None and execution.cancel.then is CancelThen.TERMINATE:
        raise InvalidState(f"{execution.execution_id} is cancelled, and its instances are to be terminated")
    return execution


def _refuse_count(names: Sequence[str]) -> None:
    if not names:
        raise InvalidRequest.of("/targets", "names no target")
    if len(names) > MAX_TARGETS:
        raise InvalidRequest.of("/targets", f"names {len(names)} targets; {MAX_TARGETS} at most")


def _refuse_no_ids(names: Sequence[str]) -> None:
    """Refuse ids that cannot be servers: DRS would refuse the whole request because of them."""
    errors = [
        {"pointer": f"/targets/{index}", "message": f"{quoted(name)} {_NO_ID}"}
        for index, name in enumerate(names)
        if not _SERVER_ID.fullmatch(name)
    ]
    if errors:
        raise InvalidRequest.listing(errors)


def _launched(execution: Execution) -> list[tuple[Wave, Server]]:
    return [
        (wave, server)
        for wave in execution.waves
        for server in wave.servers
        if server.launch_status is LaunchStatus.LAUNCHED and present_instance(server) is not None
    ]


_Chosen = tuple[Site, "Server", str]


def _all(launched: Iterable[tuple[Site, Server]]) -> list[_Chosen]:
    return [(site, server, server.source_server_id) for site, server in launched]


def _chosen(launched: Iterable[tuple[Site, Server]], names: Sequence[str]) -> list[_Chosen]:
    """Return the named servers among those launched, in the order given; raise InvalidRequest listing every fault."""
    known: dict[str, tuple[Site, Server]] = {}
    for site, server in launched:
        known[server.source_server_id] = known[str(server.recovery_instance_id)] = (site, server)
    chosen: list[_Chosen] = []
    errors: list[dict[str, str]] = []
    first: dict[str, str] = {}
    for index, name in enumerate(names):
        found = known.get(name)
        if found is None:
            errors.append(
                {"pointer": f"/targets/{index}", "message": f"{quoted(name)} is no server that this execution launched"}
            )
            continue
        site, server = found
        instance = str(server.recovery_instance_id)
        if instance in first:
            message = f"is the same server as {first[instance]} before it"
            errors.append({"pointer": f"/targets/{index}", "message": message})
            continue
        first[instance] = name
        chosen.append((site, server, name))
    if errors:
        raise InvalidRequest.listing(errors)
    return chosen


def _targets(chosen: Iterable[_Chosen]) -> list[CommandTarget]:
    return [
        CommandTarget(number, name, present_instance(server) or "", site, critical=server.impact is Impact.CRITICAL)
        for number, (site, server, name) in enumerate(chosen, start=1)
    ]


def _execution_of(app: Ports, names: Sequence[str]) -> Execution:
    """Return the one execution that launched the named servers, by the DRS jobs of their recovery instances.

    Looks in the stack's own account and Region. A server that DRS does not report, or does not show, which it may do
    late, is left to the record of the execution that launched the others. Raise InvalidRequest for names that no
    execution launched, and when several did.
    """
    _refuse_no_ids(names)
    instances, unreported = _instances_of(app.brief_drs_at(Site()), names)
    owners: dict[str, str] = {}
    jobs: dict[str, str | None] = {}
    for instance in instances:
        if instance.job_id not in jobs:
            found = app.executions.job_item(instance.job_id) if instance.job_id else None
            jobs[instance.job_id] = execution_id_of_key(found[0]) if found else None
        owner = jobs[instance.job_id]
        if owner is not None:
            owners[instance.source_server_id] = owners[instance.recovery_instance_id] = owner
    executions = {owners[name] for name in names if name in owners}
    shown = {name for each in instances for name in (each.source_server_id, each.recovery_instance_id)}
    left_to_record = unreported.keys() | (set(names) - shown if executions else set())
    errors = [
        {"pointer": f"/targets/{index}", "message": f"{name} is no recovered server of a live execution"}
        for index, name in enumerate(names)
        if name not in owners and name not in left_to_record
    ]
    if errors:
        raise InvalidRequest.listing(errors)
    if not executions:
        raise next(iter(unreported.values()))
    if len(executions) > 1:
        listed = ", ".join(sorted(executions)[:5])
        raise InvalidRequest.of("/targets", f"belong to several executions ({listed}): send a command for each")
    return _load(app, executions.pop())


def _instances_of(drs: DrsReads, names: Sequence[str]) -> tuple[list[Instance], dict[str, Exception]]:
    """Return the instances of servers named by either kind of id, and the fault of each that DRS does not report."""
    found: list[Instance] = []
    unreported: dict[str, Exception] = {}
    for prefix, ask in (("s-", drs.instances), ("i-", drs.instances_named)):
        wanted = [name for name in names if name.startswith(prefix)]
        try:
            found += ask(wanted)
        except PartialReadError as error:
            found += error.found
            unreported |= error.troubles
        except ClientError as error:
            if not may_be_of_subjects(error):
                raise
            unreported |= dict.fromkeys(wanted, error)
    return found, unreported


def cancel(app: Ports, command_id: str, act: Attribution) -> CommandRun:
    """Cancel a run: what has not been sent is not, what runs is stopped at once. A second cancel does it again.

    Raise NotFound, and InvalidState once the run has ended.
    """

    def step(current: CommandRun) -> CommandRun:
        if current.status.is_terminal:
            raise InvalidState(f"Command run {command_id} is {current.status} and can no longer be cancelled")
        return replace(current, status=CommandRunStatus.CANCELLING)

    return stop_cancelled(app, app.commands.change(command_id, step, act))


def cancel_planned(app: Ports, command_id: str, execution: Execution, command: str, wave: int) -> None:
    """Cancel the run of a plan's command with its execution or wave; one never made is ended before it begins."""
    cancelled = execution.cancel
    act = replace(cancelled.by, at=app.now()) if cancelled else Attribution(ENGINE_ACTOR, app.now())
    try:
        cancel(app, command_id, act)
    except InvalidState:
        return
    except NotFound:
        stopped = _new_run(app, Asked(command), command_id, execution.execution_id, act, 0)
        ended = replace(
            stopped,
            wave=wave,
            status=CommandRunStatus.COMPLETE_FAILURE,
            ended_at=app.now(),
            summary=summary_text(0, ()),
        )
        if not app.commands.create(ended, (), act):
            cancel_planned(app, command_id, execution, command, wave)


def cancel_all(app: Ports, execution_id: str, act: Attribution) -> None:
    """Cancel every run of an execution that has not ended."""
    for command_id in app.commands.active_of(execution_id):
        try:
            cancel(app, command_id, act)
        except (InvalidState, NotFound):
            logger.info("command run %s had ended before its cancel", command_id)
