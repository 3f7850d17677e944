"""One run of an automation or function step, as it is stored and moved on.

A run begins once, may be asked to stop, and ends once. Its input is filled in before it begins and stored with it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.commands.safe_output import MAX_OUTPUT_BYTES, decoded, shortened
from wavebreak.site import Site
from wavebreak.timing import iso, parse_iso, time_or_none
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_ERROR_CHARACTERS: Final = 1000


class StepKind(StrEnum):
    """What a step is. Commands are forwarded by command runs and have no step run."""

    COMMAND = "COMMAND"
    AUTOMATION = "AUTOMATION"
    FUNCTION = "FUNCTION"


class StepStatus(StrEnum):
    """How a step run stands."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self is not StepStatus.IN_PROGRESS


class StopReason(StrEnum):
    """Why a step run was asked to stop: the first one decides how it ends, whatever it had come to."""

    CANCEL = "CANCEL"
    """It ends CANCELLED."""
    WAVE_TIMEOUT = "WAVE_TIMEOUT"
    """It ends FAILED."""
    STEP_TIMEOUT = "STEP_TIMEOUT"
    """It ends FAILED; a function, which cannot be stopped, is waited for no longer."""


class StepServer(Value):
    """A server that a step concerns."""

    source_server_id: str
    recovery_instance_id: str | None = None


class StepRun(Value):
    """One run of an automation or a function."""

    step_id: str
    execution_id: str
    plan_id: str
    wave_number: int
    wave_name: str
    attempt: int
    mode: str
    site: Site
    """Where an automation runs; a function is always the stack's own."""
    kind: StepKind
    name: str
    """A name or an ARN, as the plan has it."""
    timeout_seconds: int
    started_at: datetime
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of an automation; placeholders are filled."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """Of a function; placeholders are filled."""
    servers: tuple[StepServer, ...] = ()
    status: StepStatus = StepStatus.IN_PROGRESS
    error: str | None = None
    output: str | None = None
    """A function's answer as JSON, an automation's outputs as well; cut to 10 KB."""
    automation_execution_id: str | None = None
    intended_at: datetime | None = None
    """When StartAutomationExecution was last intended; None before, and after one that surely did nothing."""
    ended_at: datetime | None = None
    stop: StopReason | None = None
    stopped_by: str | None = None
    """The caller that requested the stop; None before a request."""
    machine_run: int = 1
    machine_started_at: datetime | None = None
    """When the present run of the machine was started; None for the first."""
    deaths: int = 0
    """The number of consecutive machine runs before the present one that died young."""
    last_failure: Mapping[str, str] | None = None
    """The last time the machinery itself failed while driving this run: at, error and cause."""
    version: int = 0
    """Counts the writes of this run."""

    @property
    def deadline(self) -> datetime:
        """When its own time is over."""
        return self.started_at + timedelta(seconds=self.timeout_seconds)

    @property
    def stop_requested(self) -> bool:
        """Whether it was asked to stop."""
        return self.stop is not None

    def stopped(self, reason: StopReason, actor: str) -> StepRun:
        """Return the run as asked to stop; one that has ended, or was asked before, stays as it is."""
        if self.status.is_terminal or self.stop is not None:
            return self
        return replace(self, stop=reason, stopped_by=actor)

    def failed(self, failure: Mapping[str, str]) -> StepRun:
        """Return the run with a failure of its machine noted: at, error and cause."""
        return replace(self, last_failure=failure)

    def record(self) -> dict[str, Any]:
        """Write down the run."""
        return {
            "stepId": self.step_id,
            "executionId": self.execution_id,
            "planId": self.plan_id,
            "waveNumber": self.wave_number,
            "waveName": self.wave_name,
            "attempt": self.attempt,
            "mode": self.mode,
            "accountId": self.site.account_id,
            "region": self.site.region,
            "kind": self.kind.value,
            "name": self.name,
            "timeoutSeconds": self.timeout_seconds,
            "startedAt": iso(self.started_at),
            "parameters": {name: list(values) for name, values in self.parameters.items()},
            # As text: the table has no floating point numbers, and no query reads a part of it.
            "payload": json.dumps(self.payload, ensure_ascii=False),
            "servers": [[server.source_server_id, server.recovery_instance_id] for server in self.servers],
            "status": self.status.value,
            "error": self.error,
            "output": self.output,
            "automationExecutionId": self.automation_execution_id,
            "intendedAt": iso(self.intended_at) if self.intended_at else None,
            "endedAt": iso(self.ended_at) if self.ended_at else None,
            "stop": self.stop.value if self.stop else None,
            "stoppedBy": self.stopped_by,
            "machineRun": self.machine_run,
            "machineStartedAt": iso(self.machine_started_at) if self.machine_started_at else None,
            "deaths": self.deaths,
            "lastFailure": dict(self.last_failure) if self.last_failure else None,
            "version": self.version,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> StepRun:
        """Read a run."""
        return cls(
            step_id=record["stepId"],
            execution_id=record["executionId"],
            plan_id=record["planId"],
            wave_number=int(record["waveNumber"]),
            wave_name=record["waveName"],
            attempt=int(record["attempt"]),
            mode=record["mode"],
            site=Site(record.get("accountId"), record.get("region")),
            kind=StepKind(record["kind"]),
            name=record["name"],
            timeout_seconds=int(record["timeoutSeconds"]),
            started_at=parse_iso(record["startedAt"]),
            parameters={name: tuple(values) for name, values in record["parameters"].items()},
            payload=json.loads(record["payload"]),
            servers=tuple(StepServer(source, instance) for source, instance in record["servers"]),
            status=StepStatus(record["status"]),
            error=record.get("error"),
            output=record.get("output"),
            automation_execution_id=record.get("automationExecutionId"),
            intended_at=time_or_none(record.get("intendedAt")),
            ended_at=time_or_none(record.get("endedAt")),
            stop=StopReason(record["stop"]) if record.get("stop") else None,
            stopped_by=record.get("stoppedBy"),
            machine_run=int(record.get("machineRun") or 1),
            machine_started_at=time_or_none(record.get("machineStartedAt")),
            deaths=int(record.get("deaths") or 0),
            last_failure=record.get("lastFailure"),
            version=int(record.get("version") or 0),
        )


class StepOutcome(Value):
    """What a step came to by itself."""

    succeeded: bool
    output: Any = None
    """Whatever JSON can hold; None when there is none."""
    error: str | None = None


def ended(run: StepRun, outcome: StepOutcome, now: datetime) -> StepRun:
    """Return the run with its end; one that has ended stays as it is.

    What was asked to stop is CANCELLED, or FAILED when its time was over, whatever it came to; its answer is kept
    (contract 12).
    """
    if run.status.is_terminal:
        return run
    status, error = _verdict(run, outcome)
    return replace(run, status=status, error=cut_error(error), output=kept_output(outcome.output), ended_at=now)


def _verdict(run: StepRun, outcome: StepOutcome) -> tuple[StepStatus, str | None]:
    if run.stop is StopReason.CANCEL:
        return StepStatus.CANCELLED, outcome.error
    if run.stop is not None:
        late = "its time" if run.stop is StopReason.STEP_TIMEOUT else "the time of its wave"
        return StepStatus.FAILED, outcome.error or f"it had not ended when {late} was over"
    if outcome.succeeded:
        return StepStatus.SUCCEEDED, None
    return StepStatus.FAILED, outcome.error or "it failed and gave no reason"


def without_input(run: StepRun) -> StepRun:
    """Return the run without what it would have been given: one that is never begun needs none."""
    return replace(run, parameters={}, payload={}, servers=())


def kept_output(output: Any) -> str | None:
    """Return what is kept of an answer: JSON, cut to 10 KB; None for none."""
    if output is None:
        return None
    return shortened(json.dumps(output, ensure_ascii=False), MAX_OUTPUT_BYTES).text


def cut_error(error: str | None) -> str | None:
    """Return an error as it is kept; one that is longer says that it is cut."""
    if error is None:
        return None
    error = decoded(error)  # a function may cut its message in the middle of a character
    if len(error) <= MAX_ERROR_CHARACTERS:
        return error
    note = f" … (cut; {len(error)} characters)"
    return error[: MAX_ERROR_CHARACTERS - len(note)] + note
