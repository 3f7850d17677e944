"""Failures of the machinery itself: kept with the execution, and never the end of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from wavebreak.domain.errors.masking import masked_text
from wavebreak.domain.errors.record import Severity, classify_failure
from wavebreak.domain.executions.audit_trail import ENGINE_ACTOR
from wavebreak.domain.executions.machine_runs import command_id_of, execution_id_of, machine_of
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Failure
from wavebreak.domain.steps.step_ids import STEP_RUN, step_id_of
from wavebreak.error_category import Category
from wavebreak.identifiers import COMMAND_ID
from wavebreak.problems import NotFound
from wavebreak.values import replace

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.ports.capabilities import HasClock, HasCommands, HasErrors, HasExecutions, HasSteps

    class Ports(HasClock, HasCommands, HasErrors, HasExecutions, HasSteps, Protocol):
        """What recording failures of machines needs."""


_CAUSE_LENGTH: Final = 1000
_SAID_SO: Final = "Wavebreak.MachineFailed"
"""Error of a run whose machine had its failure recorded before it ended."""
_AT_ONCE: Final = 3
"""Failed runs in a row that are each followed by the next at once."""
TOGETHER: Final = timedelta(minutes=5)
"""Failures no further apart than this count as a row."""


class EndedRun(NamedTuple):
    """How a run of a machine ended, in the words of Step Functions."""

    name: str
    status: str
    error: str | None
    cause: str


def record(app: Ports, execution_id: str, name: str, error: str, cause: str) -> None:
    """Store error and cause of a failed run with its execution, where `show` finds them; `name` is the run's."""
    failure = Failure(app.now(), masked_excerpt(error), masked_excerpt(cause))
    run_failed(app, execution_id, name, error, cause)

    def step(current: Execution) -> Execution:
        last = current.last_failure
        count = last.count + 1 if last and failure.at - last.at < TOGETHER else 1
        return replace(current, last_failure=replace(failure, count=count))

    app.executions.change(execution_id, step, Attribution(ENGINE_ACTOR, failure.at))


def masked_excerpt(text: str) -> str:
    """Return what is kept of an error or a cause where people see it: masked, cut at its end."""
    return masked_text(text)[:_CAUSE_LENGTH]


def run_failed(app: Ports, execution_id: str, name: str, error: str, cause: str) -> None:
    """Record what made a run of a machine fail, as Step Functions reports it; `name` is the run's."""
    app.errors.record_failure(
        Severity.ERROR,
        classify_failure(error),
        (error, cause),
        service=machine_service(name),
        execution_id=execution_id,
        run=name,
    )


def record_ended_run(app: Ports, run: EndedRun) -> None:
    """Record a run that failed and did not record it itself: stopped, timed out, or failed past every Catch."""
    error = run.error or _SAID_SO
    if run.status == "FAILED" and error == _SAID_SO:
        return
    category = Category.TIMEOUT if run.status == "TIMED_OUT" else classify_failure(error)
    app.errors.record_failure(
        Severity.WARNING if run.status == "ABORTED" else Severity.ERROR,
        category,
        (error if run.status == "FAILED" else f"States.{run.status.title().replace('_', '')}", run.cause),
        service=machine_service(run.name),
        execution_id=_execution_of_run(app, run.name),
        run=run.name,
    )


def record_giving_up(app: Ports, execution_id: str, name: str) -> None:
    """Record that runs failed too often in a row, `name` the latest: nothing goes on before the sweep."""
    name_and_message = ("RunsKeepFailing", "runs keep failing, the next one is left to the sweep")
    app.errors.record_failure(
        Severity.CRITICAL,
        Category.WORKFLOW,
        name_and_message,
        service=machine_service(name),
        execution_id=execution_id,
        run=name,
    )


def machine_service(name: str) -> str:
    """Name the machine that a run belongs to as errors and metrics do."""
    if name.startswith(STEP_RUN):
        return "StepMachine"
    return "CommandMachine" if name.startswith(COMMAND_ID) else f"{machine_of(name).name.title()}Machine"


def _execution_of_run(app: Ports, name: str) -> str | None:
    """Return the execution of a run; None for that of a command run or step that does not exist."""
    if not name.startswith((COMMAND_ID, STEP_RUN)):
        return execution_id_of(name)
    try:
        if name.startswith(STEP_RUN):
            return app.steps.load(step_id_of(name)).execution_id
        return app.commands.load(command_id_of(name)).execution_id
    except NotFound:
        return None


def keeps_failing(execution: Execution, now: datetime) -> bool:
    """Return whether runs failed so often of late that the next one is left to the sweep."""
    last = execution.last_failure
    return last is not None and last.count > _AT_ONCE and now - last.at < TOGETHER
