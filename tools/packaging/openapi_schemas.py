"""Schemas of what the API answers, for the components of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from tools.packaging.openapi_executions import CHECK_EXECUTION, EVENT, EXECUTION, PROGRESS, SUMMARY, WARNING, WAVE
from tools.packaging.openapi_shapes import ANY_OBJECT, TEXT_OR_NULL, TIME, TIME_OR_NULL, named, object_of, one_of

from wavebreak.domain.errors.record import Severity
from wavebreak.domain.plans.schedules import ScheduleState
from wavebreak.error_category import Category
from wavebreak.problems import CODES

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
        "started": {"const": False, "description": "Nothing was started; with UNAVAILABLE, where that is known."},
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
_CHECKED: Final = object_of(
    {
        "checkedAt": TIME,
        "ready": {"type": "boolean", "description": "A recovery could be started, and every CRITICAL server launched."},
        "failing": {
            "type": "array",
            "items": object_of({name: {"type": "string"} for name in ("check", "subject", "message")}),
            "description": "The checks that failed, fifty at most; a list of plans shows the first three.",
        },
        "planVersion": {"type": "integer"},
    }
)
_STORED_PLAN: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["plan", "version", "createdAt", "updatedAt", "schedule", "readiness"],
    "properties": {
        "plan": ANY_OBJECT,
        "version": {"type": "integer"},
        "createdAt": TIME,
        "updatedAt": TIME,
        "schedule": {
            **object_of({"state": one_of(ScheduleState), "error": TEXT_OR_NULL}, type=["object", "null"]),
            "description": "Whether EventBridge Scheduler has the schedule that the plan says; null without one.",
        },
        "readiness": {
            **_CHECKED,
            "type": ["object", "null"],
            "description": "What the newest scheduled check found; null until this version was checked.",
        },
    },
}
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
_PLAN_CHANGES: Final = object_of(
    {
        "changes": {
            "type": "array",
            "items": object_of({"pointer": {"type": "string"}, "from": {}, "to": {}}),
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
        "startedAt": TIME,
        "endedAt": TIME_OR_NULL,
        "summary": {"type": ["string", "null"]},
        "merged": {"type": "array", "items": ANY_OBJECT, "description": "Rows of a query, best first."},
        "mergeLeftOut": {"type": "integer", "description": "Rows that found no room."},
        "warnings": {"type": "array", "items": WARNING, "description": "What changes no status and should be known."},
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
        "startedAt": TIME_OR_NULL,
        "durationSeconds": {"type": ["integer", "null"]},
        "truncated": {"type": "boolean", "description": "Whether there was more; all of it is in CloudWatch Logs."},
        "number": {"type": "integer", "description": "The target's place in the order given, from 1."},
        "instanceId": TEXT_OR_NULL,
        "ssmCommandId": TEXT_OR_NULL,
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
        "at": TIME,
        "line": {"type": "string"},
    },
}
_COUNTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": {"type": "integer"}}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["errorId", "at", "severity", "category", "service", "errorType", "message"],
    "properties": {
        "errorId": {"type": "string"},
        "at": TIME,
        "severity": {"enum": [severity.value for severity in Severity]},
        "category": {"enum": [category.value for category in Category]},
        "service": {"type": "string", "description": "The function, or the state machine."},
        "errorType": {"type": "string"},
        "message": {"type": "string"},
        "stackTrace": {"type": ["string", "null"]},
        "context": ANY_OBJECT,
        "executionId": {"type": ["string", "null"]},
    },
}
_ERROR_SUMMARY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["hours", "from", "to", "total", "bySeverity", "byCategory", "byService", "byType", "hourly"],
    "properties": {
        "hours": {"type": "integer"},
        "from": TIME,
        "to": TIME,
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
                    "hour": TIME,
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
_SERVER_SNAPSHOTS: Final = object_of(
    {
        "sourceServerId": {"type": "string"},
        "name": {**TEXT_OR_NULL, "description": "Its Name tag or else its host name, if DRS told it."},
        "waveName": {"type": "string"},
        "snapshots": {
            "type": "array",
            "items": object_of({"snapshotId": {"type": "string"}, "at": TIME}),
            "description": "Its finished recovery points, the newest first; at most 500.",
        },
        "more": {"type": "boolean", "description": "Whether it has older ones."},
        "error": {**TEXT_OR_NULL, "description": "Why DRS did not tell them."},
    }
)
SCHEMAS: Final = {
    "Report": {**ANY_OBJECT, "description": "docs/evidence.md tells each field."},
    "ReportAddress": object_of({"location": {"type": "string", "format": "uri"}}),
    "Progress": PROGRESS,
    "Health": _HEALTH,
    "Problem": _PROBLEM,
    "StoredPlan": _STORED_PLAN,
    "Readiness": _READINESS,
    "CheckedReadiness": _CHECKED,
    "PlanChanges": _PLAN_CHANGES,
    "ExecutionSummary": SUMMARY,
    "Execution": EXECUTION,
    "ExecutionWave": WAVE,
    "CheckExecution": CHECK_EXECUTION,
    "ServerSnapshots": _SERVER_SNAPSHOTS,
    "Event": EVENT,
    "CommandRun": _RUN,
    "CommandResult": _RESULT,
    "Error": _ERROR,
    "ErrorSummary": _ERROR_SUMMARY,
}
"""Schemas that the answers refer to, for the components of the document."""
