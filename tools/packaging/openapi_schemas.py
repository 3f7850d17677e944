"""Schemas of what the API answers, for the components of the OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.checks.statuses import CheckOutcomeStatus
from wavebreak.domain.errors.record import Severity
from wavebreak.domain.evidence.job_log import Phase
from wavebreak.domain.executions.actions import EXECUTION_STEPS, WAVE_STEPS
from wavebreak.domain.executions.ending.model import EndingOutcome
from wavebreak.domain.executions.findings.model import VerdictWord
from wavebreak.domain.executions.model import CancelThen, LaunchStatus, Mode, PausedBy
from wavebreak.domain.executions.notices import NoticeCode
from wavebreak.domain.executions.stepping.model import StepPhase, StepStatus
from wavebreak.domain.plans.model import ApprovalNotBy, ApprovalThen, Impact, InDrill, ProcessorType
from wavebreak.domain.plans.schedules import ScheduleState
from wavebreak.domain.steps.runs import StepKind
from wavebreak.error_category import Category
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.problems import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum


_ANY_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": True}
_TIME: Final[dict[str, Any]] = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
}
_TIME_OR_NULL: Final[dict[str, Any]] = {**_TIME, "type": ["string", "null"]}
_TEXT_OR_NULL: Final[dict[str, Any]] = {"type": ["string", "null"]}
_SECONDS_OR_NULL: Final[dict[str, Any]] = {"type": ["integer", "null"], "description": "Whole seconds."}


def _one_of(words: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [word.value for word in words]}


def _accepted(calls: Iterable[str]) -> dict[str, Any]:
    """Describe the calls that would be accepted."""
    told = "The calls that would be accepted now, from who reads this; a lock of another execution is not known here."
    return {"type": "array", "items": {"enum": [*calls]}, "description": told}


def _object(properties: dict[str, Any], *optional: str, **more: Any) -> dict[str, Any]:
    """Describe an object: what is not optional is always there, if as null."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, **more}


def named(name: str) -> dict[str, Any]:
    """Refer to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": list(CODES), "description": "Stable; what programs look at."},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
            "description": "Every fault of a request, by JSON pointer or name; with VALIDATION_FAILED.",
        },
        "executionId": {"type": "string", "description": "Who holds it; with PLAN_BUSY and SERVER_BUSY."},
        "sourceServerId": {"type": "string", "description": "Which server is held; with SERVER_BUSY."},
        "supported": {
            "type": "array",
            "items": {"type": "string"},
            "description": "The commands that there are; with UNSUPPORTED_COMMAND.",
        },
        "version": {"type": "integer", "description": "The plan's version now, 0 for none; with PRECONDITION_FAILED."},
        "correlationId": {"type": "string", "description": "Of the recorded error; with INTERNAL."},
    },
}
_DISPLAY: Final = _object({name: {"type": "string"} for name in ("label", "color", "icon")})
_CHECKED: Final = _object(
    {
        "checkedAt": _TIME,
        "ready": {"type": "boolean", "description": "A recovery could be started, and every CRITICAL server launched."},
        "failing": {
            "type": "array",
            "items": _object({name: {"type": "string"} for name in ("check", "subject", "message")}),
            "description": "The checks that failed, fifty at most; a list of plans shows the first three.",
        },
        "planVersion": {"type": "integer"},
    }
)
_STORED_PLAN: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["plan", "version", "createdAt", "updatedAt", "schedule", "readiness"],
    "properties": {
        "plan": _ANY_OBJECT,
        "version": {"type": "integer"},
        "createdAt": _TIME,
        "updatedAt": _TIME,
        "schedule": {
            **_object({"state": _one_of(ScheduleState), "error": _TEXT_OR_NULL}, type=["object", "null"]),
            "description": "Whether EventBridge Scheduler has the schedule that the plan says; null without one.",
        },
        "readiness": {
            **_CHECKED,
            "type": ["object", "null"],
            "description": "What the newest scheduled check found; null until this version was checked.",
        },
    },
}
_CANCEL: Final = _object(
    {"at": _TIME, "actor": {"type": "string"}, "reason": _TEXT_OR_NULL, "then": _one_of(CancelThen)},
    type=["object", "null"],
)
_LEFT: Final[dict[str, Any]] = {
    "type": "array",
    "items": _object(dict.fromkeys(("recoveryInstanceId", "sourceServerId", "reason"), _TEXT_OR_NULL)),
    "description": "Instances that are not terminated, and why; a list of executions holds the first 20.",
}
_TERMINATION: Final = _object(
    {"status": _one_of(TerminationStatus), "terminated": {"type": "integer"}, "remaining": _LEFT, "unknown": _LEFT}
)
_WARNING: Final = _object(
    {
        "code": _one_of(NoticeCode),
        "message": {"type": "string"},
        "waveNumber": {"type": "integer"},
        "sourceServerId": {"type": "string"},
    },
    "waveNumber",
    "sourceServerId",
)
_VERDICT: Final = _object(
    {"verdict": _one_of(VerdictWord), "notes": _TEXT_OR_NULL, "by": {"type": "string"}, "at": _TIME},
    type=["object", "null"],
)
_LEASE: Final = _object(
    {
        "minutes": {"type": "integer"},
        "expiresAt": {**_TIME_OR_NULL, "description": "Null while the drill runs."},
        "extendedBy": _TEXT_OR_NULL,
        "extendedAt": _TIME_OR_NULL,
    },
    type=["object", "null"],
)
_PROGRESS: Final = _object(
    {
        "asOf": {**_TIME_OR_NULL, "description": "When DRS last told it; null while it never did."},
        "servers": {
            "type": "array",
            "items": _object(
                {
                    "waveNumber": {"type": "integer"},
                    "sourceServerId": {"type": "string"},
                    "phase": {"type": ["string", "null"], "enum": [*(phase.value for phase in Phase), None]},
                    "since": _TIME_OR_NULL,
                    "usualSeconds": {**_SECONDS_OR_NULL, "description": "What the phase took in its last drill."},
                }
            ),
        },
    }
)
_MAY_TERMINATE: Final = _object(
    {"canTerminate": {"type": "boolean"}, "reason": _TEXT_OR_NULL, "hasRecoveryInstances": {"type": "boolean"}}
)
_SUMMARY: Final = _object(
    {
        "executionId": {"type": "string"},
        "planId": {"type": "string"},
        "planName": {"type": "string"},
        "planVersion": {"type": "integer"},
        "mode": _one_of(Mode),
        "status": _one_of(ExecutionStatus),
        "display": _DISPLAY,
        "requestedBy": {"type": "string"},
        "reason": _TEXT_OR_NULL,
        "startedAt": _TIME,
        "endedAt": _TIME_OR_NULL,
        "durationSeconds": _SECONDS_OR_NULL,
        "totalWaves": {"type": "integer"},
        "completedWaves": {"type": "integer"},
        "failedWaves": {"type": "integer"},
        "cancelledWaves": {"type": "integer"},
        "pausedBy": {"type": "array", "items": _one_of(PausedBy)},
        "cancel": _CANCEL,
        "terminationMetadata": _MAY_TERMINATE,
        "termination": _TERMINATION,
        "instancesTerminated": {"type": "boolean"},
        "instancesLeft": {"type": ["integer", "null"], "description": "Launched, and not terminated or replaced."},
        "leftSince": _TIME_OR_NULL,
        "warnings": {"type": "array", "items": _WARNING, "description": "What changes no status and should be known."},
        "lastFailure": {"type": ["object", "null"], "description": "Of the state machine, when it last failed."},
        "verdict": _VERDICT,
        "lease": _LEASE,
        "before": {**_TIME_OR_NULL, "description": "No server comes from a later recovery point, if it was asked for."},
        "factors": _ANY_OBJECT,
        "version": {"type": "integer"},
    }
)
_SERVER: Final = _object(
    {
        "sourceServerId": {"type": "string"},
        "name": {**_TEXT_OR_NULL, "description": "Its Name tag or else its host name, as they were at the start."},
        "impact": _one_of(Impact),
        "launchStatus": _one_of(LaunchStatus),
        "recoveryInstanceId": _TEXT_OR_NULL,
        "ending": {"enum": [*(each.value for each in EndingOutcome), None], "description": "Of its instance, if any."},
        "error": _TEXT_OR_NULL,
        "snapshotAt": _TEXT_OR_NULL,
    }
)
_STEP: Final = _object(
    {
        "kind": {"enum": [kind.lower() for kind in StepKind]},
        "name": {"type": "string", "description": "Of the command, automation or function, as the plan has it."},
        "required": {"type": "boolean"},
        "inDrill": _one_of(InDrill),
        "phase": {"enum": [StepPhase.BEFORE.value, StepPhase.AFTER.value]},
        "status": _one_of(StepStatus),
        "startedAt": _TIME_OR_NULL,
        "endedAt": _TIME_OR_NULL,
        "error": _TEXT_OR_NULL,
        "output": {**_TEXT_OR_NULL, "description": "What it answered, at most 10 KB; the wave's own call has it."},
        "commandId": {**_TEXT_OR_NULL, "description": "Of a command."},
        "automationExecutionId": {**_TEXT_OR_NULL, "description": "Of an automation."},
    },
    "commandId",
    "automationExecutionId",
)
_ATTEMPT: Final = _object(
    {
        "attempt": {"type": "integer"},
        "startedAt": _TIME_OR_NULL,
        "endedAt": _TIME_OR_NULL,
        "status": _one_of(WaveStatus),
        "error": _TEXT_OR_NULL,
    }
)
_APPROVAL: Final = _object(
    {
        "askedAt": {**_TIME_OR_NULL, "description": "Since when somebody is waited for; null in older executions."},
        "by": {**_TEXT_OR_NULL, "description": "Who approved it; null until somebody did."},
        "at": _TIME_OR_NULL,
        "reason": _TEXT_OR_NULL,
        "dueAt": {**_TIME_OR_NULL, "description": "When the next timeout passes; null once nobody is waited for."},
        "then": {"enum": [*ApprovalThen, None], "description": "What follows the timeout."},
        "notBy": {"enum": [*ApprovalNotBy, None], "description": "Who may not approve it."},
    },
    type=["object", "null"],
    description="Of a wave that somebody was asked to approve.",
)
_WAVE: Final = _object(
    {
        "waveNumber": {"type": "integer"},
        "name": {"type": "string"},
        "status": _one_of(WaveStatus),
        "display": _DISPLAY,
        "dependsOn": {"type": "array", "items": {"type": "string"}},
        "accountId": _TEXT_OR_NULL,
        "region": _TEXT_OR_NULL,
        "jobId": _TEXT_OR_NULL,
        "jobIds": {"type": "array", "items": {"type": "string"}},
        "attempt": {"type": "integer"},
        "startedAt": _TIME_OR_NULL,
        "endedAt": _TIME_OR_NULL,
        "durationSeconds": _SECONDS_OR_NULL,
        "attempts": {"type": "array", "items": _ATTEMPT, "description": "Oldest first, the present one last."},
        "error": _TEXT_OR_NULL,
        "servers": {"type": "array", "items": _SERVER},
        "steps": {"type": "array", "items": _STEP, "description": "`before` and then `after`, in their order."},
        "approval": _APPROVAL,
        "actions": _accepted(WAVE_STEPS),
        "deadlineAt": {**_TIME_OR_NULL, "description": "When it times out; null unless it runs."},
    }
)
_CHECK: Final = _object(
    {
        "name": {"type": "string"},
        "waveNumber": {"type": ["integer", "null"], "description": "Null of a check over the whole execution."},
        "command": {"type": "string"},
        "status": {
            "enum": ["NOT_STARTED", "IN_PROGRESS", "COMPLETED", "SKIPPED"],
            "description": "COMPLETED also when it told nothing: see failed. SKIPPED without a server.",
        },
        "commandId": _TEXT_OR_NULL,
        "error": _TEXT_OR_NULL,
        "active": {"type": "integer", "description": "Completed and failed executions of all checks of this name."},
        "succeeded": {"type": "integer"},
        "failed": {"type": "integer"},
        "failedIds": {"type": "array", "items": {"type": "string"}, "description": "The first of them."},
        "note": {**_TEXT_OR_NULL, "description": "What a factor is missing for, beside executions that failed."},
    }
)
_CHECK_EXECUTION: Final = _object(
    {
        "executionId": {"type": "string", "description": "Of this check execution."},
        "name": {"type": "string"},
        "type": _one_of(ProcessorType),
        "waveNumber": {"type": ["integer", "null"]},
        "sourceServerId": {**_TEXT_OR_NULL, "description": "Null of one over all servers."},
        "command": {"type": "string"},
        "commandId": {"type": "string"},
        "status": _one_of(CheckOutcomeStatus),
        "reason": {**_TEXT_OR_NULL, "description": "Why it failed."},
        "startedAt": _TIME_OR_NULL,
        "completedAt": _TIME,
        "output": {"type": ["object", "null"], "description": "What it told: {factors: {key: value}}."},
    }
)
_EXECUTION: Final = _object(
    {
        **_SUMMARY["properties"],
        "waves": {"type": "array", "items": named("ExecutionWave")},
        "checks": {"type": "array", "items": _CHECK},
        "lastSeenAt": {**_TIME_OR_NULL, "description": "When DRS last told of all that is in flight."},
        "actions": _accepted(EXECUTION_STEPS),
    }
)
_EVENT: Final = _object(
    {
        "sequence": {"type": "integer"},
        "at": _TIME,
        "type": {"type": "string"},
        "executionId": {"type": "string"},
        "waveNumber": {"type": "integer", "description": "When it is about one wave."},
        "actor": {"type": "string"},
        "data": _ANY_OBJECT,
        "previousHash": _TEXT_OR_NULL,
        "hash": {"type": "string"},
    },
    "waveNumber",
)
_READINESS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["ready", "checks", "names"],
    "properties": {
        "ready": {"type": "boolean", "description": "No check is FAIL."},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["check", "subject", "status", "message"],
                "properties": {
                    "check": {"type": "string"},
                    "subject": {"type": "string", "description": "A plan, a server, a Region, or a JSON pointer."},
                    "status": {"enum": ["PASS", "WARN", "FAIL"]},
                    "message": {"type": "string"},
                },
            },
        },
        "names": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "What people call the servers, by their ids: the Name tag, else the host name.",
        },
    },
}
_PLAN_CHANGES: Final = _object(
    {
        "changes": {
            "type": "array",
            "items": _object({"pointer": {"type": "string"}, "from": {}, "to": {}}),
            "description": "By JSON pointer, null for what is not there; one that is not stored is one change.",
        }
    }
)
_RUN: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["commandId", "executionId", "command", "args", "status", "exitCode", "total", "succeeded", "failed"],
    "properties": {
        "commandId": {"type": "string"},
        "executionId": {"type": "string"},
        "waveNumber": {"type": ["integer", "null"], "description": "The wave of the plan whose command this is."},
        "command": {"type": "string"},
        "args": {"type": "array", "items": {"type": "string"}},
        "status": {"enum": ["IN_PROGRESS", "CANCELLING", "COMPLETE_SUCCESS", "COMPLETE_FAILURE", "PARTIAL_SUCCESS"]},
        "exitCode": {"enum": [0, 1, 2, None]},
        "total": {"type": "integer"},
        "succeeded": {"type": "integer"},
        "failed": {"type": "integer"},
        "waiting": {"type": "integer", "description": "Targets that cannot be reached yet and are waited for."},
        "timeoutSeconds": {"type": "integer"},
        "requestedBy": {"type": "string"},
        "startedAt": _TIME,
        "endedAt": _TIME_OR_NULL,
        "summary": {"type": ["string", "null"]},
        "merged": {"type": "array", "items": _ANY_OBJECT, "description": "Rows of a query, best first."},
        "mergeLeftOut": {"type": "integer", "description": "Rows that found no room."},
        "warnings": {"type": "array", "items": _WARNING, "description": "What changes no status and should be known."},
        "mergeTruncated": {
            "type": "integer",
            "description": "Targets that printed more than Systems Manager returns: rows of theirs may be missing.",
        },
        "mergeSkipped": {"type": "integer", "description": "Lines of the answers that were no rows."},
        "lastFailure": {"type": ["object", "null"], "description": "Of the state machine, when it last failed."},
    },
}
_RESULT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["target", "success", "exitCode", "failureKind", "stdout", "stderr", "truncated"],
    "properties": {
        "target": {"type": "string"},
        "success": {"type": "boolean"},
        "exitCode": {"type": "integer", "description": "-1 when the command did not end by itself."},
        "failureKind": {"enum": ["exit", "timeout", "unreachable", "cancelled", "exception", "circuit_open", None]},
        "stdout": {"type": "string"},
        "stderr": {"type": "string"},
        "startedAt": _TIME_OR_NULL,
        "durationSeconds": {"type": ["integer", "null"]},
        "truncated": {"type": "boolean", "description": "Whether there was more; all of it is in CloudWatch Logs."},
        "number": {"type": "integer", "description": "The target's place in the order given, from 1."},
        "instanceId": _TEXT_OR_NULL,
        "ssmCommandId": _TEXT_OR_NULL,
        "logStream": {
            "type": ["string", "null"],
            "description": "Where all of its standard output is, in the log group of the stack's commands.",
        },
    },
}
LINE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["target", "at", "line"],
    "properties": {
        "target": {"type": "string"},
        "at": _TIME,
        "line": {"type": "string"},
    },
}
_COUNTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "integer"}}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["errorId", "at", "severity", "category", "service", "errorType", "message"],
    "properties": {
        "errorId": {"type": "string"},
        "at": _TIME,
        "severity": {"enum": [severity.value for severity in Severity]},
        "category": {"enum": [category.value for category in Category]},
        "service": {"type": "string", "description": "The function, or the state machine."},
        "errorType": {"type": "string"},
        "message": {"type": "string"},
        "stackTrace": {"type": ["string", "null"]},
        "context": _ANY_OBJECT,
        "executionId": {"type": ["string", "null"]},
    },
}
_ERROR_SUMMARY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["hours", "from", "to", "total", "bySeverity", "byCategory", "byService", "byType", "hourly"],
    "properties": {
        "hours": {"type": "integer"},
        "from": _TIME,
        "to": _TIME,
        "total": {"type": "integer"},
        "bySeverity": _COUNTS,
        "byCategory": _COUNTS,
        "byService": _COUNTS,
        "byType": _COUNTS,
        "hourly": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "hour": _TIME,
                    "severity": {"type": "string"},
                    "count": {"type": "integer"},
                },
            },
        },
        "lastHour": {**_COUNTS, "description": "By severity."},
        "critical": {"type": "array", "items": named("Error"), "description": "Of the last hour, newest first."},
    },
}
_HEALTH: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["status", "circuit_breakers", "critical_circuits_open"],
    "properties": {
        "status": {"enum": ["healthy", "degraded"]},
        "circuit_breakers": {
            "type": "object",
            "description": "By dependency and Region, of another account with its id between.",
            "additionalProperties": {
                "type": "object",
                "required": ["state", "failure_count"],
                "properties": {
                    "state": {"enum": ["closed", "open", "half_open"]},
                    "failure_count": {"type": "integer"},
                },
            },
        },
        "critical_circuits_open": {"type": "array", "items": {"type": "string"}},
    },
}
_SERVER_SNAPSHOTS: Final = _object(
    {
        "sourceServerId": {"type": "string"},
        "name": {**_TEXT_OR_NULL, "description": "Its Name tag or else its host name, if DRS told it."},
        "waveName": {"type": "string"},
        "snapshots": {
            "type": "array",
            "items": _object({"snapshotId": {"type": "string"}, "at": _TIME}),
            "description": "Its finished recovery points, the newest first; at most 500.",
        },
        "more": {"type": "boolean", "description": "Whether it has older ones."},
        "error": {**_TEXT_OR_NULL, "description": "Why DRS did not tell them."},
    }
)
SCHEMAS: Final = {
    "Report": {**_ANY_OBJECT, "description": "docs/evidence.md tells each field."},
    "ReportAddress": _object({"location": {"type": "string", "format": "uri"}}),
    "Progress": _PROGRESS,
    "Health": _HEALTH,
    "Problem": _PROBLEM,
    "StoredPlan": _STORED_PLAN,
    "Readiness": _READINESS,
    "CheckedReadiness": _CHECKED,
    "PlanChanges": _PLAN_CHANGES,
    "ExecutionSummary": _SUMMARY,
    "Execution": _EXECUTION,
    "ExecutionWave": _WAVE,
    "CheckExecution": _CHECK_EXECUTION,
    "ServerSnapshots": _SERVER_SNAPSHOTS,
    "Event": _EVENT,
    "CommandRun": _RUN,
    "CommandResult": _RESULT,
    "Error": _ERROR,
    "ErrorSummary": _ERROR_SUMMARY,
}
"""Schemas that the answers refer to, for the components of the document."""
