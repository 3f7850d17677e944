"""The results of a command run: written once for each target, and folded into one outcome at the end."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.catalogue import CommandName
from wavebreak.domain.commands.query_merge import MergedRow, QueryAnswer, QueryMerger, parse_answer
from wavebreak.domain.commands.result_documents import result_document
from wavebreak.domain.commands.results import ExecutionResult
from wavebreak.domain.commands.safe_output import shortened_result
from wavebreak.domain.commands.summary import CommandRunStatus, ResultTracker
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR, Act
from wavebreak.domain.executions.machine_runs import Machine
from wavebreak.observability.error_tracker import concerns
from wavebreak.resilience.aws_errors import FAULTS
from wavebreak.timing import iso
from wavebreak.use_cases.record_machine_failures import kept_word, run_failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wavebreak.app import App
    from wavebreak.domain.commands.runs import CommandRun, CommandTarget

logger = logging.getLogger(__name__)

_MERGE_BYTES: Final = 200 * 1024
"""Room for merged rows in the record of a run; an item of the table holds 400 KB."""
_ROW_BYTES: Final = 100 * 1024
"""Room for what one target found in its item."""


def record_result(app: App, run: CommandRun, target: CommandTarget, result: ExecutionResult) -> None:
    """Write the one result of a target; whoever comes second writes nothing.

    What a query found is read before the output is cut, so that no row is lost to the cut.
    """
    rows: tuple[tuple[float, str], ...] = ()
    if run.command == CommandName.QUERY and result.success:
        rows = _fitting(parse_answer(result.stdout).rows)
    document = result_document(shortened_result(result))
    if app.commands.end(run.command_id, target, document, rows):
        app.commands.count(run.command_id, succeeded=result.success)


def _fitting(rows: Sequence[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """Keep the best rows of a target that its item has room for, in the order printed."""
    best = sorted(range(len(rows)), key=lambda line: (-rows[line][0], line))
    sizes = accumulate(len(json.dumps(rows[line], ensure_ascii=False).encode()) + 1 for line in best)
    kept = {line for line, size in zip(best, sizes, strict=True) if size <= _ROW_BYTES}
    return tuple(row for line, row in enumerate(rows) if line in kept)


def finish(app: App, command_id: str) -> dict[str, Any]:
    """Fold the results of a run in bounded memory (S0-15), write its outcome, and wake the execution that waits.

    A target that the machine left without a result gets one here: every target has exactly one (S0-3). Doing it
    twice does no harm. Gives `{status, exitCode, total, succeeded, failed}`.
    """
    run = app.commands.load(command_id)
    concerns(run.execution_id)
    if not run.status.is_terminal:
        run = _fold(app, run)
    if run.wave is not None:
        try:
            app.workflow.wake(Machine.RECOVERY, run.execution_id)
        except FAULTS as error:
            app.errors.record_error(error, Severity.WARNING)
    counts = {"total": run.total, "succeeded": run.succeeded, "failed": run.failed}
    return {"status": run.status.value, "exitCode": run.status.exit_code, **counts}


def record_failure(app: App, command_id: str, name: str, error: str, cause: str) -> None:
    """Keep error and cause of a failed run of the machine with the command run, for whoever looks at it."""
    failure = {"at": iso(app.now()), "error": kept_word(error), "cause": kept_word(cause)}
    act = Act(ENGINE_ACTOR, app.now())
    run = app.commands.change(command_id, lambda run: replace(run, last_failure=failure), act)
    run_failed(app, run.execution_id, name, error, cause)


def _fold(app: App, run: CommandRun) -> CommandRun:
    tracker, merger = ResultTracker(), QueryMerger(run.limit)
    for target, succeeded, rows in app.commands.targets(run.command_id):
        if succeeded is None:
            logger.error("target %s of %s was left without a result", target.name, run.command_id)
            lost = ExecutionResult.unexpected(target.name, "the machine left this target without a result")
            record_result(app, run, target, lost)
        tracker.count(target.number, target.name, succeeded=bool(succeeded))
        merger.add_answer(target.number, target.name, QueryAnswer(tuple(rows), 0))
    merged = merger.merged()
    room = _room(merged)

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
            merged=tuple(merged[:room]),
            merge_left_out=len(merged) - room,
        )

    return app.commands.change(run.command_id, ended, Act(ENGINE_ACTOR, app.now()))


def _room(merged: Sequence[MergedRow]) -> int:
    """Count the merged rows that the record of a run has room for, best first."""
    sizes = accumulate(len(json.dumps(row, ensure_ascii=False).encode()) + 1 for row in merged)
    return sum(size <= _MERGE_BYTES for size in sizes)
