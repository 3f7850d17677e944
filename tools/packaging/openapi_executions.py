"""The shapes of executions in the API's description, and of what belongs to them (contract 4)."""

from __future__ import annotations

from typing import Any, Final

from tools.packaging.openapi_shapes import (
    ANY_OBJECT,
    SECONDS_OR_NULL,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    accepted,
    named,
    object_of,
    one_of,
)

from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.domain.evidence.job_log import Phase
from wavebreak.domain.executions.model.executions import CancelThen, Mode, PausedBy
from wavebreak.domain.executions.model.findings import VerdictWord
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.model.steps import StepPhase, StepStatus
from wavebreak.domain.executions.model.terminations import EndingOutcome
from wavebreak.domain.executions.notices import NoticeCode
from wavebreak.domain.executions.views.actions import EXECUTION_STEPS, WAVE_STEPS
from wavebreak.domain.plans.model import ApprovalNotBy, ApprovalThen, Impact, InDrill, ProcessorType
from wavebreak.domain.steps.runs import StepKind
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus

_DISPLAY: Final = object_of({name: {"type": "string"} for name in ("label", "color", "icon")})
_CANCEL: Final = object_of(
    {"at": TIME, "actor": {"type": "string"}, "reason": TEXT_OR_NULL, "then": one_of(CancelThen)},
    type=["object", "null"],
)
_PAUSE: Final = object_of(
    {"at": TIME, "actor": {"type": "string"}, "reason": TEXT_OR_NULL},
    type=["object", "null"],
    description="The operator's word that holds it back; null where none does.",
)
_LEFT: Final[dict[str, Any]] = {
    "type": "array",
    "items": object_of(dict.fromkeys(("recoveryInstanceId", "sourceServerId", "reason"), TEXT_OR_NULL)),
    "description": "Instances that are not terminated, and why; a list of executions holds the first 20.",
}
_TERMINATION: Final = object_of(
    {"status": one_of(TerminationStatus), "terminated": {"type": "integer"}, "remaining": _LEFT, "unknown": _LEFT}
)
WARNING: Final = object_of(
    {
        "code": one_of(NoticeCode),
        "message": {"type": "string"},
        "waveNumber": {"type": "integer"},
        "sourceServerId": {"type": "string"},
    },
    "waveNumber",
    "sourceServerId",
)
_VERDICT: Final = object_of(
    {"verdict": one_of(VerdictWord), "notes": TEXT_OR_NULL, "by": {"type": "string"}, "at": TIME},
    type=["object", "null"],
)
_LEASE: Final = object_of(
    {
        "minutes": {"type": "integer"},
        "expiresAt": {**TIME_OR_NULL, "description": "Null while the drill runs."},
        "extendedBy": TEXT_OR_NULL,
        "extendedAt": TIME_OR_NULL,
    },
    type=["object", "null"],
)
_PHASES: Final[dict[str, Any]] = {
    "type": "array",
    "items": object_of({"phase": one_of(Phase), "startedAt": TIME_OR_NULL, "endedAt": TIME_OR_NULL}),
    "description": "What it came to in each of its launches; a time that the job log does not report is null.",
}
PROGRESS: Final = object_of(
    {
        "asOf": {**TIME_OR_NULL, "description": "When DRS last told it; null while it never did."},
        "servers": {
            "type": "array",
            "items": object_of(
                {
                    "waveNumber": {"type": "integer"},
                    "sourceServerId": {"type": "string"},
                    "phase": {"type": ["string", "null"], "enum": [*(phase.value for phase in Phase), None]},
                    "since": TIME_OR_NULL,
                    "usualSeconds": {**SECONDS_OR_NULL, "description": "What the phase took in its last drill."},
                    "phases": _PHASES,
                }
            ),
        },
    }
)
_MAY_TERMINATE: Final = object_of(
    {"canTerminate": {"type": "boolean"}, "reason": TEXT_OR_NULL, "hasRecoveryInstances": {"type": "boolean"}}
)
SUMMARY: Final = object_of(
    {
        "executionId": {"type": "string"},
        "planId": {"type": "string"},
        "planName": {"type": "string"},
        "planVersion": {"type": "integer"},
        "mode": one_of(Mode),
        "status": one_of(ExecutionStatus),
        "display": _DISPLAY,
        "requestedBy": {"type": "string"},
        "reason": TEXT_OR_NULL,
        "startedAt": TIME,
        "endedAt": TIME_OR_NULL,
        "durationSeconds": SECONDS_OR_NULL,
        "totalWaves": {"type": "integer"},
        "completedWaves": {"type": "integer"},
        "failedWaves": {"type": "integer"},
        "cancelledWaves": {"type": "integer"},
        "pausedBy": {"type": "array", "items": one_of(PausedBy)},
        "pause": _PAUSE,
        "cancel": _CANCEL,
        "terminationMetadata": _MAY_TERMINATE,
        "termination": _TERMINATION,
        "instancesTerminated": {"type": "boolean"},
        "instancesLeft": {"type": ["integer", "null"], "description": "Launched, and not terminated or replaced."},
        "leftSince": TIME_OR_NULL,
        "warnings": {"type": "array", "items": WARNING, "description": "What changes no status and should be known."},
        "lastFailure": {"type": ["object", "null"], "description": "Of the state machine, when it last failed."},
        "verdict": _VERDICT,
        "lease": _LEASE,
        "before": {**TIME_OR_NULL, "description": "No server comes from a later recovery point, if it was asked for."},
        "factors": ANY_OBJECT,
        "version": {"type": "integer"},
    }
)
_SERVER: Final = object_of(
    {
        "sourceServerId": {"type": "string"},
        "name": {**TEXT_OR_NULL, "description": "Its Name tag or else its host name, as they were at the start."},
        "impact": one_of(Impact),
        "launchStatus": one_of(LaunchStatus),
        "recoveryInstanceId": TEXT_OR_NULL,
        "ending": {"enum": [*(each.value for each in EndingOutcome), None], "description": "Of its instance, if any."},
        "error": TEXT_OR_NULL,
        "snapshotAt": TEXT_OR_NULL,
    }
)
_STEP: Final = object_of(
    {
        "kind": {"enum": [kind.lower() for kind in StepKind]},
        "name": {"type": "string", "description": "Of the command, automation or function, as the plan has it."},
        "required": {"type": "boolean"},
        "inDrill": one_of(InDrill),
        "phase": {"enum": [StepPhase.BEFORE.value, StepPhase.AFTER.value]},
        "status": one_of(StepStatus),
        "startedAt": TIME_OR_NULL,
        "endedAt": TIME_OR_NULL,
        "error": TEXT_OR_NULL,
        "output": {**TEXT_OR_NULL, "description": "What it answered, at most 10 KB; the wave's own call has it."},
        "commandId": {**TEXT_OR_NULL, "description": "Of a command."},
        "automationExecutionId": {**TEXT_OR_NULL, "description": "Of an automation."},
    },
    "commandId",
    "automationExecutionId",
)
_ATTEMPT: Final = object_of(
    {
        "attempt": {"type": "integer"},
        "startedAt": TIME_OR_NULL,
        "endedAt": TIME_OR_NULL,
        "status": one_of(WaveStatus),
        "error": TEXT_OR_NULL,
    }
)
_APPROVAL: Final = object_of(
    {
        "askedAt": {**TIME_OR_NULL, "description": "Since when somebody is waited for; null in older executions."},
        "by": {**TEXT_OR_NULL, "description": "Who approved it; null until somebody did."},
        "at": TIME_OR_NULL,
        "reason": TEXT_OR_NULL,
        "dueAt": {**TIME_OR_NULL, "description": "When the next timeout passes; null once nobody is waited for."},
        "then": {"enum": [*ApprovalThen, None], "description": "What follows the timeout."},
        "notBy": {"enum": [*ApprovalNotBy, None], "description": "Who may not approve it."},
    },
    type=["object", "null"],
    description="Of a wave that somebody was asked to approve.",
)
WAVE: Final = object_of(
    {
        "waveNumber": {"type": "integer"},
        "name": {"type": "string"},
        "status": one_of(WaveStatus),
        "display": _DISPLAY,
        "dependsOn": {"type": "array", "items": {"type": "string"}},
        "accountId": TEXT_OR_NULL,
        "region": TEXT_OR_NULL,
        "jobId": TEXT_OR_NULL,
        "jobIds": {"type": "array", "items": {"type": "string"}},
        "attempt": {"type": "integer"},
        "startedAt": TIME_OR_NULL,
        "endedAt": TIME_OR_NULL,
        "durationSeconds": SECONDS_OR_NULL,
        "attempts": {"type": "array", "items": _ATTEMPT, "description": "Oldest first, the present one last."},
        "error": TEXT_OR_NULL,
        "servers": {"type": "array", "items": _SERVER},
        "steps": {"type": "array", "items": _STEP, "description": "`before` and then `after`, in their order."},
        "approval": _APPROVAL,
        "actions": accepted(WAVE_STEPS),
        "deadlineAt": {**TIME_OR_NULL, "description": "When it times out; null unless it runs."},
    }
)
_CHECK: Final = object_of(
    {
        "name": {"type": "string"},
        "waveNumber": {"type": ["integer", "null"], "description": "Null of a check over the whole execution."},
        "command": {"type": "string"},
        "status": {
            "enum": ["NOT_STARTED", "IN_PROGRESS", "COMPLETED", "SKIPPED"],
            "description": "COMPLETED also when it told nothing: see failed. SKIPPED without a server.",
        },
        "commandId": TEXT_OR_NULL,
        "error": TEXT_OR_NULL,
        "active": {"type": "integer", "description": "Completed and failed executions of all checks of this name."},
        "succeeded": {"type": "integer"},
        "failed": {"type": "integer"},
        "failedIds": {"type": "array", "items": {"type": "string"}, "description": "The first of them."},
        "note": {**TEXT_OR_NULL, "description": "What a factor is missing for, beside executions that failed."},
    }
)
CHECK_EXECUTION: Final = object_of(
    {
        "executionId": {"type": "string", "description": "Of this check execution."},
        "name": {"type": "string"},
        "type": one_of(ProcessorType),
        "waveNumber": {"type": ["integer", "null"]},
        "sourceServerId": {**TEXT_OR_NULL, "description": "Null of one over all servers."},
        "command": {"type": "string"},
        "commandId": {"type": "string"},
        "status": one_of(CheckOutcomeStatus),
        "reason": {**TEXT_OR_NULL, "description": "Why it failed."},
        "startedAt": TIME_OR_NULL,
        "completedAt": TIME,
        "output": {"type": ["object", "null"], "description": "What it told: {factors: {key: value}}."},
    }
)
EXECUTION: Final = object_of(
    {
        **SUMMARY["properties"],
        "waves": {"type": "array", "items": named("ExecutionWave")},
        "checks": {"type": "array", "items": _CHECK},
        "lastSeenAt": {**TIME_OR_NULL, "description": "When DRS last told of all that is in flight."},
        "actions": accepted(EXECUTION_STEPS),
    }
)
EVENT: Final = object_of(
    {
        "sequence": {"type": "integer"},
        "at": TIME,
        "type": {"type": "string"},
        "executionId": {"type": "string"},
        "waveNumber": {"type": "integer", "description": "When it is about one wave."},
        "actor": {"type": "string"},
        "data": ANY_OBJECT,
        "previousHash": TEXT_OR_NULL,
        "hash": {"type": "string"},
    },
    "waveNumber",
)
