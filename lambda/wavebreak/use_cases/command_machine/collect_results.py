"""The results of a command run: written once for each target, and folded into one outcome at the end."""

from __future__ import annotations

import json
import logging
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.commands.catalogue import CommandName
from wavebreak.domain.commands.concurrency import should_stop_early
from wavebreak.domain.commands.query_merge import QueryAnswer, QueryMerger, parse_answer
from wavebreak.domain.commands.result_documents import result_document
from wavebreak.domain.commands.results import ExecutionResult, FailureKind
from wavebreak.domain.commands.runs import TargetState
from wavebreak.domain.commands.safe_output import shortened_result
from wavebreak.domain.commands.summary import CommandRunStatus, ResultTracker, shortfall
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.observability.error_tracker import concerns
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.timing import iso
from wavebreak.use_cases.command_machine.next_run import start_next
from wavebreak.use_cases.record_machine_failures import masked_excerpt, run_failed
from wavebreak.values import replace

if TYPE_CHECKING:
    from wavebreak.domain.commands.runs import CommandRun, CommandTarget
    from wavebreak.ports.capabilities import HasWorkflow
    from wavebreak.use_cases.record_machine_failures import Ports as RecordMachineFailuresPorts

    class Ports(RecordMachineFailuresPorts, HasWorkflow, Protocol):
        """What collecting results needs."""


logger = logging.getLogger(__name__)

_MERGE_BYTES: Final = 200 * 1024
"""Room for merged rows in the record of a run; an item of the table holds 400 KB."""
_ROW_BYTES: Final = 100 * 1024
"""Room for what one target found in its item."""


def record_result(
    app: Ports, run: CommandRun, target: CommandTarget, result: ExecutionResult, *, only_as_read: bool = False
) -> None:
    """Write the one result of a target; a second writer changes nothing.

    What a query found is read before the output is cut, so that no row is lost to the cut. With `only_as_read` nothing
    is written either when the target got further meanwhile.
    """
    if run.command == CommandName.WATCH:
        result = result.of_watch()
    _stop_the_others(app, run, target, result)
    answer = QueryAnswer()
    if run.command == CommandName.QUERY and result.success:
        answer = _fitting(parse_answer(result.stdout), cut=result.truncated)
    document = result_document(shortened_result(result))
    if app.commands.end(run.command_id, target, document, answer, only_as_read=only_as_read):
        app.commands.count(run.command_id, succeeded=result.success)


def _stop_the_others(app: Ports, run: CommandRun, target: CommandTarget, result: ExecutionResult) -> None:
    """Write down whose failure leaves the others out; before its result, so that no crash can come between."""
    failed = not result.success and result.failure_kind is not FailureKind.CANCELLED
    if run.stopped_by is None and should_stop_early(
        run.command, stop_on_failure=run.stop_on_failure, failed=int(failed)
    ):
        app.commands.change(
            run.command_id,
            lambda current: replace(current, stopped_by=current.stopped_by or target.name),
            Attribution(ENGINE_ACTOR, app.now()),
        )


def _fitting(answer: QueryAnswer, *, cut: bool) -> QueryAnswer:
    """Keep the best rows of a target that its item has room for, in the order printed."""
    rows = answer.rows
    best = sorted(range(len(rows)), key=lambda line: (-rows[line][0], line))
    sizes = accumulate(len(json.dumps(rows[line], ensure_ascii=False).encode()) + 1 for line in best)
    kept = {line for line, size in zip(best, sizes, strict=True) if size <= _ROW_BYTES}
    found = tuple(row for line, row in enumerate(rows) if line in kept)
    return QueryAnswer(found, answer.skipped, cut or len(found) < len(rows))


def finish(app: Ports, command_id: str, machine_run: int) -> dict[str, Any]:
    """Fold the results of a run in bounded memory (S0-15), write its outcome, and wake the execution that waits.

    A target that the machine left without a result gets one here: every target has exactly one (S0-3). Doing it
    twice does no harm. Return `{status, exitCode, total, succeeded, failed}`.
    """
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    if not run.status.is_terminal:
        if run.machine_run != machine_run:  # handed over, and perhaps not started yet
            app.workflow.start_command(command_id, run.machine_run)
            return _counted(run)
        if _is_handed_over(app, run):
            return _counted(run)
        run = summarize(app, run)
    if run.wave is not None:
        try:
            app.workflow.wake(Machine.RECOVERY, run.execution_id)
        except FAULTS as error:
            app.errors.record_error(error, Severity.WARNING)
    return _counted(run)


def _counted(run: CommandRun) -> dict[str, Any]:
    counts = {"total": run.total, "succeeded": run.succeeded, "failed": run.failed}
    return {"status": run.status.value, "exitCode": run.status.exit_code, **counts}


def _is_handed_over(app: Ports, run: CommandRun) -> bool:
    """Start the next run of the machine if targets are left that may still come to a result of their own.

    Its workers stopped where they were, or ended before all targets had their turn. A target that a worker had in hand
    and left without a result, though it was not asked to stop, gets one.
    """
    if run.succeeded + run.failed >= run.total:
        return False
    left = [target for target, _, _ in app.commands.targets(run.command_id) if target.state is not TargetState.ENDED]
    if run.handing_over != run.machine_run:
        taken = app.commands.taken(run.command_id)
        for target in left:
            if target.number <= taken and target.state is not TargetState.POSTPONED:
                _left_without(app, run, target)
        left = [one for one in left if one.number > taken or one.state is TargetState.POSTPONED]
    return bool(left) and start_next(app, run, died=run.handing_over != run.machine_run)


def _left_without(app: Ports, run: CommandRun, target: CommandTarget) -> None:
    logger.error("target %s of %s was left without a result", target.name, run.command_id)
    lost = ExecutionResult.unexpected(target.name, "the machine left this target without a result")
    record_result(app, run, target, lost)


def record_failure(app: Ports, command_id: str, name: str, error: str, cause: str) -> None:
    """Keep error and cause of a failed run of the machine with the command run, where `show` finds them."""
    failure = {"at": iso(app.now()), "error": masked_excerpt(error), "cause": masked_excerpt(cause)}
    act = Attribution(ENGINE_ACTOR, app.now())
    run = app.commands.change(command_id, lambda run: replace(run, last_failure=failure), act)
    run_failed(app, run.execution_id, name, error, cause)


def summarize(app: Ports, run: CommandRun) -> CommandRun:
    """Write the outcome of a run, all of whose targets have had their turn."""
    tracker, merger = ResultTracker(), QueryMerger(run.limit, _MERGE_BYTES)
    critical, critical_failed = 0, []
    for target, succeeded, answer in app.commands.targets(run.command_id):
        if succeeded is None:
            _left_without(app, run, target)
        tracker.count(target.number, target.name, succeeded=bool(succeeded))
        critical += target.critical
        if target.critical and not succeeded:
            critical_failed.append(target.name)
        merger.add_answer(target.number, target.name, answer)

    def ended(current: CommandRun) -> CommandRun:
        if current.status.is_terminal:
            return current
        return replace(
            current,
            status=CommandRunStatus.ended(tracker.status),
            succeeded=tracker.succeeded,
            failed=tracker.failed,
            ended_at=app.now(),
            summary=tracker.text(),
            shortfall=shortfall(tracker.succeeded, critical, critical_failed),
            merged=tuple(merger.merged()),
            merge_left_out=merger.left_out,
            merge_truncated=merger.cut,
            merge_skipped=merger.skipped,
        )

    return app.commands.change(run.command_id, ended, Attribution(ENGINE_ACTOR, app.now()))
