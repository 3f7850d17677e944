"""The tasks of the step machine other than the rounds of an automation: what to do, and the outcome."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from wavebreak.domain.errors.masking import masked_text
from wavebreak.domain.steps.limits import function_event
from wavebreak.domain.steps.runs import StepKind, StepOutcome
from wavebreak.observability.error_tracker import concerns
from wavebreak.timing import iso
from wavebreak.use_cases.record_machine_failures import masked_excerpt, run_failed
from wavebreak.use_cases.steps.run_step import end_step, wake_execution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wavebreak.domain.steps.runs import StepRun
    from wavebreak.ports.capabilities import HasAllowances, HasWorkflow
    from wavebreak.use_cases.record_machine_failures import Ports as RecordMachineFailuresPorts

    class Ports(RecordMachineFailuresPorts, HasAllowances, HasWorkflow, Protocol):
        """What driving a step needs."""


_DONE: Final = "DONE"
_INVOKE: Final = "INVOKE"
_WATCH: Final = "WATCH"
_ANSWER_TOO_LARGE: Final = "States.DataLimitExceeded"
_TOO_LARGE: Final = "(the answer has more than the 262,144 bytes that Step Functions carries, and was not kept)"


def prepare(app: Ports, step_id: str) -> dict[str, Any]:
    """Return what a run of the machine is to do: `{todo, run}`, and of a function `{function, event}`."""
    run = app.steps.load(step_id)
    concerns(run.execution_id)
    if run.status.is_terminal:
        wake_execution(app, run)  # the call that ended it may have died before it could
        return {"todo": _DONE, "run": run.machine_run}
    if run.kind is StepKind.AUTOMATION:
        return {"todo": _WATCH, "run": run.machine_run}
    refused = _refusal(app, run)
    if refused is not None:
        end_step(app, step_id, StepOutcome(succeeded=False, error=refused))
        return {"todo": _DONE, "run": run.machine_run}
    function = app.allowances().function_arn(run.name)
    return {"todo": _INVOKE, "run": run.machine_run, "function": function, "event": function_event(run)}


def _refusal(app: Ports, run: StepRun) -> str | None:
    """Return why a function is not invoked. After its machine died it is invoked again under the same id."""
    over = "stopped" if run.stop_requested else "out of time" if app.now() >= run.deadline else None
    if over is not None:
        first = run.machine_run == 1
        return f"it was {over} before it was invoked" if first else f"it was {over}, and whether it ran is not known"
    return app.allowances().missing_for_function(run.name)


def finish(app: Ports, step_id: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Write what a function's call came to, `{answer}` or `{error, cause}`; return `{status}`."""
    run = app.steps.load(step_id)
    concerns(run.execution_id)
    return {"status": end_step(app, step_id, _read(outcome)).status.value}


def _read(outcome: Mapping[str, Any]) -> StepOutcome:
    if "error" not in outcome:
        return StepOutcome(succeeded=True, output=outcome.get("answer"))
    error = str(outcome["error"])
    if error == _ANSWER_TOO_LARGE:
        return StepOutcome(succeeded=True, output=_TOO_LARGE)
    return StepOutcome(succeeded=False, error=masked_text(_words(error, str(outcome.get("cause") or ""))))


def _words(error: str, cause: str) -> str:
    """Return the message of a failed call: for an error of the function its own type and message, without its trace."""
    try:
        reported = json.loads(cause)
    except ValueError:
        reported = None
    if isinstance(reported, dict) and "errorMessage" in reported:
        return f"{reported.get('errorType') or error}: {reported['errorMessage']}"
    return f"{error}: {cause}" if cause else error


def record_failure(app: Ports, step_id: str, name: str, error: str, cause: str) -> None:
    """Keep error and cause of a failed run of the machine with the step; the next run takes it up."""
    failure = {"at": iso(app.now()), "error": masked_excerpt(error), "cause": masked_excerpt(cause)}
    run = app.steps.change(step_id, lambda current: current.failed(failure))
    run_failed(app, run.execution_id, name, error, cause)
